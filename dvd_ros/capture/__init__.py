"""Where frames come from when there is no ROS topic; numpy and OpenCV only."""

from dvd_ros.capture.demo_clip import write_clip
from dvd_ros.capture.open import open_capture
from dvd_ros.capture.source import Capture

__all__ = ['Capture', 'open_capture', 'write_clip']

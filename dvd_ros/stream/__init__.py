"""Frames in, depth frames out; numpy only."""

from dvd_ros.stream.alignment import Alignment
from dvd_ros.stream.config import StreamConfig
from dvd_ros.stream.frame import DepthFrame, Frame

__all__ = ['Alignment', 'DepthFrame', 'Frame', 'StreamConfig']

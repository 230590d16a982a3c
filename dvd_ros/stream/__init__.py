"""Frames in, depth frames out; numpy only."""

from dvd_ros.stream.align import WindowAligner
from dvd_ros.stream.alignment import Alignment
from dvd_ros.stream.config import StreamConfig
from dvd_ros.stream.counters import StreamCounters
from dvd_ros.stream.depth_stream import DepthStream
from dvd_ros.stream.frame import DepthFrame, Frame
from dvd_ros.stream.live_stride import LiveStride
from dvd_ros.stream.spans import window_spans
from dvd_ros.stream.stitch import stitch
from dvd_ros.stream.window import Window, WindowBuffer

__all__ = ['Alignment', 'DepthFrame', 'DepthStream', 'Frame', 'LiveStride', 'StreamConfig',
           'StreamCounters', 'Window', 'WindowAligner', 'WindowBuffer', 'stitch', 'window_spans']

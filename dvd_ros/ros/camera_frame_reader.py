"""Image messages and their camera_info to frames of the stream."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo

from dvd_ros.messages.camera_frames import CameraFrame, CameraFrames
from dvd_ros.messages.camera_info import CameraInfos
from dvd_ros.messages.stamps import nanoseconds
from dvd_ros.ros.depth_parameters import CameraConfig

# How long the very first image waits for a camera_info that is still on its way, seconds.
_FIRST_INFO = 0.5


class CameraFrameReader:
    """
    Makes frames; `read` runs in the worker, the rest in the thread that spins the node.

    Parameters
    ----------
    config:
        how images come and what is made of them.
    to_rgb:
        image message to uint8 [H,W,3].
    infos:
        most camera_info messages that are remembered.
    warn:
        takes a line that is to be told once.

    """

    def __init__(self, config: CameraConfig, to_rgb: Callable[[Any], np.ndarray], infos: int,
                 warn: Callable[[str], None]) -> None:
        self._config = config
        self._to_rgb = to_rgb
        self._infos = CameraInfos(infos)
        self._info_came = Event()
        self._frames = CameraFrames(CameraInfo, config.undistort, config.hfov, 'parameter hfov',
                                    warn)

    def add_info(self, message: CameraInfo) -> None:
        """Remember a camera_info."""
        self._infos.add(message)
        self._info_came.set()

    def frame_id(self, message: Any) -> str:
        """The frame that the depth of an image message is in."""
        return self._config.camera_frame or message.header.frame_id

    def read(self, message: Any) -> CameraFrame:
        """An image message and its camera_info as a frame; ImageError where it is none."""
        image = self._to_rgb(message)
        stamp = nanoseconds(message.header.stamp)
        if not self._frames.warned:
            self._info_came.wait(_FIRST_INFO)
        return self._frames.make(image, stamp, self.frame_id(message), self._infos.find(stamp))

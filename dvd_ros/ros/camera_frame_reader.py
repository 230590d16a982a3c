"""Image messages and their camera_info to frames of the stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo

from dvd_ros.geometry import Intrinsics, Rectification
from dvd_ros.ros.camera_info import CameraInfos, camera_matrices
from dvd_ros.ros.depth_parameters import CameraConfig
from dvd_ros.ros.image_conversion import ImageError
from dvd_ros.ros.stamps import nanoseconds
from dvd_ros.stream import Frame

# How long the very first image waits for a camera_info that is still on its way, seconds.
_FIRST_INFO = 0.5


@dataclass(frozen=True, eq=False)
class CameraFrame(Frame):
    """A Frame with the CameraInfo that holds for its image, or None."""

    camera_info: CameraInfo | None = None


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
        self._warn = warn
        self._warned: set[str] = set()
        self._rectified: tuple[Any, Rectification | None] | None = None

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
        height, width = image.shape[:2]
        stamp = nanoseconds(message.header.stamp)
        if not self._warned:
            self._info_came.wait(_FIRST_INFO)
        info = self._infos.find(stamp)
        intrinsics = None
        trouble = 'no message on camera_info'
        if info is not None:
            try:
                image, intrinsics, info = self._with_camera(image, info)
            except ValueError as error:
                trouble = f'camera_info is of no use: {error}'
        if intrinsics is None:
            if self._config.undistort:
                raise ImageError(f'{trouble}; undistort needs it')
            self._tell('hfov', f'{trouble}; assuming a horizontal field of view of '
                               f'{self._config.hfov:.3f} rad (parameter hfov)')
        return CameraFrame(image, stamp, self.frame_id(message), intrinsics, info)

    def _with_camera(self, image: np.ndarray,
                     info: CameraInfo) -> tuple[np.ndarray, Intrinsics, CameraInfo]:
        height, width = image.shape[:2]
        seen, wanted = camera_matrices(info, width, height)
        if not self._config.undistort:
            return image, wanted, info
        key = (seen, wanted, info.distortion_model, tuple(info.d), tuple(info.r))
        if self._rectified is None or self._rectified[0] != key:
            self._rectified = key, self._rectification(seen, wanted, info)
        rectification = self._rectified[1]
        if rectification is None:
            return image, wanted, info
        plain = CameraInfo(header=info.header, width=width, height=height)
        # The baseline of a stereo pair is in pixels, too.
        tx = info.p[3] * wanted.fx / info.p[0] if info.p[0] else 0.0
        ty = info.p[7] * wanted.fy / info.p[5] if info.p[5] else 0.0
        plain.p = (wanted.fx, 0.0, wanted.cx, tx, 0.0, wanted.fy, wanted.cy, ty, 0.0, 0.0, 1.0, 0.0)
        plain.k = wanted.matrix.ravel()
        plain.r = np.eye(3).ravel()
        plain.distortion_model, plain.d = 'plumb_bob', [0.0] * 5
        return rectification.apply(image), wanted, plain

    def _rectification(self, seen: Intrinsics, wanted: Intrinsics,
                       info: CameraInfo) -> Rectification | None:
        turn = np.reshape(info.r, (3, 3)) if any(info.r) else None
        straight = turn is None or np.allclose(turn, np.eye(3), atol=1e-9)
        if not any(info.d) and info.distortion_model != 'equidistant' and straight \
                and seen == wanted:
            self._tell('straight', 'undistort: camera_info has no distortion, the images are '
                                   'taken as they are')
            return None
        # A model without coefficients is a camera that is only turned.
        model, d = (info.distortion_model, info.d) if len(info.d) else ('plumb_bob', [0.0] * 5)
        return Rectification(seen, wanted, model, d, turn)

    def _tell(self, kind: str, text: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            self._warn(text)

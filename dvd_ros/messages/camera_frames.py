"""Images and their camera_info to frames of the stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dvd_ros.geometry import Intrinsics, Rectification
from dvd_ros.messages.camera_info import camera_matrices
from dvd_ros.messages.image_conversion import ImageError
from dvd_ros.stream import Frame


@dataclass(frozen=True, eq=False)
class CameraFrame(Frame):
    """A Frame with the CameraInfo that holds for its image, or None."""

    camera_info: Any = None


class CameraFrames:
    """
    Makes frames.

    Parameters
    ----------
    camera_info:
        class of sensor_msgs/CameraInfo (see MessageTypes).
    undistort:
        rectify the images by their camera_info.
    hfov, hfov_name:
        the field of view in radians that is assumed where no camera_info is, and what the user
        sets it by.
    warn:
        takes a line that is to be told once.

    """

    def __init__(self, camera_info: Callable[..., Any], undistort: bool, hfov: float,
                 hfov_name: str, warn: Callable[[str], None]) -> None:
        self._camera_info = camera_info
        self._undistort = undistort
        self._hfov, self._hfov_name = hfov, hfov_name
        self._warn = warn
        self._warned: set[str] = set()
        self._rectified: tuple[Any, Rectification | None] | None = None

    @property
    def warned(self) -> bool:
        """Whether anything was told."""
        return bool(self._warned)

    def make(self, image: np.ndarray, stamp: int, frame_id: str, info: Any) -> CameraFrame:
        """Make a frame of uint8 [H,W,3] RGB and its CameraInfo, or None.

        Raises ImageError where `undistort` has no camera_info to go by.
        """
        intrinsics = None
        trouble = 'no message on camera_info'
        if info is not None:
            try:
                image, intrinsics, info = self._with_camera(image, info)
            except ValueError as error:
                trouble = f'camera_info is of no use: {error}'
        if intrinsics is None:
            if self._undistort:
                raise ImageError(f'{trouble}; undistort needs it')
            self._tell('hfov', f'{trouble}; assuming a horizontal field of view of '
                               f'{self._hfov:.3f} rad ({self._hfov_name})')
        return CameraFrame(image, stamp, frame_id, intrinsics, info)

    def _with_camera(self, image: np.ndarray,
                     info: Any) -> tuple[np.ndarray, Intrinsics, Any]:
        height, width = image.shape[:2]
        seen, wanted = camera_matrices(info, width, height)
        if not self._undistort:
            return image, wanted, info
        key = (seen, wanted, info.distortion_model, tuple(info.d), tuple(info.r))
        if self._rectified is None or self._rectified[0] != key:
            self._rectified = key, self._rectification(seen, wanted, info)
        rectification = self._rectified[1]
        if rectification is None:
            return image, wanted, info
        plain = self._camera_info(header=info.header, width=width, height=height)
        # The baseline of a stereo pair is in pixels, too.
        tx = info.p[3] * wanted.fx / info.p[0] if info.p[0] else 0.0
        ty = info.p[7] * wanted.fy / info.p[5] if info.p[5] else 0.0
        plain.p = (wanted.fx, 0.0, wanted.cx, tx, 0.0, wanted.fy, wanted.cy, ty, 0.0, 0.0, 1.0, 0.0)
        plain.k = wanted.matrix.ravel()
        plain.r = np.eye(3).ravel()
        plain.distortion_model, plain.d = 'plumb_bob', [0.0] * 5
        return rectification.apply(image), wanted, plain

    def _rectification(self, seen: Intrinsics, wanted: Intrinsics,
                       info: Any) -> Rectification | None:
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

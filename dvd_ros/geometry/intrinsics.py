"""Pinhole intrinsics of a camera image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Intrinsics:
    """
    A pinhole camera without distortion.

    All fields are in pixels of an image of ``width`` x ``height``. Pixel (u, v) = (0, 0) is the
    *centre* of the upper left pixel, as in OpenCV, so that the image spans -0.5 .. width - 0.5.

    Raises
    ------
    ValueError
        If a size or focal length is not positive, or a value is not finite.

    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        for name in ('width', 'height'):
            if getattr(self, name) < 1:
                raise ValueError(f'intrinsics need {name} >= 1 pixel, got {getattr(self, name)}')
        for name in ('fx', 'fy', 'cx', 'cy'):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f'intrinsics need a finite {name}, got {getattr(self, name)}')
        for name in ('fx', 'fy'):
            if getattr(self, name) <= 0:
                raise ValueError(
                    f'intrinsics need {name} > 0 pixels, got {getattr(self, name)}; '
                    'an uncalibrated CameraInfo has zeros: calibrate it or give a field of view')

    @classmethod
    def from_hfov(cls, width: int, height: int, hfov: float) -> Intrinsics:
        """
        Square pixels, centred principal point and a horizontal field of view in radians.

        Raises ValueError unless 0 < hfov < pi.
        """
        if not 0.0 < hfov < math.pi:
            raise ValueError(f'hfov must be between 0 and pi radians, got {hfov}')
        focal = 0.5 * width / math.tan(0.5 * hfov)
        return cls(width, height, focal, focal, 0.5 * (width - 1), 0.5 * (height - 1))

    @property
    def hfov(self) -> float:
        """Horizontal field of view in radians."""
        return (math.atan((self.cx + 0.5) / self.fx)
                + math.atan((self.width - 0.5 - self.cx) / self.fx))

    @property
    def matrix(self) -> np.ndarray:
        """Camera matrix K, float64 [3,3]."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def scaled(self, width: int, height: int) -> Intrinsics:
        """
        Intrinsics of the same view resized to ``width`` x ``height`` (as cv2.resize does it).

        The image border stays the image border: u' + 0.5 = (u + 0.5) * width / self.width.
        """
        if (width, height) == (self.width, self.height):
            return self
        sx, sy = width / self.width, height / self.height
        return Intrinsics(width, height, self.fx * sx, self.fy * sy,
                          (self.cx + 0.5) * sx - 0.5, (self.cy + 0.5) * sy - 0.5)

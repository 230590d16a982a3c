"""The grid of points whose depth is corrected, and the image that they are looked up in."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.points import rays
from dvd_ros.parallax.matches import View

# Pixels of the image in which matches are sought, about; each second one along both axes is a
# point of the grid.
_PIXELS = 192 * 144
STEP = 2


class Grid:
    """
    The points [h,w] of a camera.

    rays: float32 [h*w,3], z = 1; all_rays: of all pixels of the image in which matches are sought.
    focal: its fx and fy. It has STEP times as many pixels as there are points along each axis.
    """

    def __init__(self, intrinsics: Intrinsics) -> None:
        shrink = min((_PIXELS / (intrinsics.width * intrinsics.height)) ** 0.5, 1.0)
        self.shape = (max(round(intrinsics.height * shrink / STEP), 4),
                      max(round(intrinsics.width * shrink / STEP), 4))
        height, width = (STEP * n for n in self.shape)
        small = intrinsics.scaled(width, height)
        self.focal = np.array([small.fx, small.fy], np.float32)
        self.centre = np.array([small.cx, small.cy], np.float32)
        every = rays(small)
        self.all_rays = every.reshape(-1, 3)
        self.rays = self.reduced(every)

    def view(self, image: np.ndarray) -> View:
        """Bring an image, uint8 [H,W,3], to the size in which matches are sought."""
        size = (STEP * self.shape[1], STEP * self.shape[0])
        return View(cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA),
                                 cv2.COLOR_RGB2GRAY))

    def reduced(self, values: np.ndarray) -> np.ndarray:
        """Bring float [H,W] or [H,W,C] to the points, float32 [h*w] or [h*w,C]."""
        small = cv2.resize(values, self.shape[::-1], interpolation=cv2.INTER_AREA)
        return small.reshape(-1, *values.shape[2:])

    def enlarged(self, values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Bring values of the points, float32 [h*w], to float32 [H,W] of ``size``."""
        return cv2.resize(values.reshape(self.shape), size[::-1], interpolation=cv2.INTER_LINEAR)

    def sampled(self, values: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Values of the points [h*w] at places [h*w,2] on the plane at depth 1; 0 outside."""
        x, y = ((places * self.focal + self.centre + 0.5) / STEP - 0.5).astype(np.float32).T
        return cv2.remap(values.reshape(self.shape), x.reshape(self.shape), y.reshape(self.shape),
                         cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).ravel()

"""The grid of points whose depth is corrected, and the image that they are looked up in."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.points import rays
from dvd_ros.parallax.view import View

# Pixels of the image in which matches are sought, about, and of that in which points are tracked;
# each second one along both axes is a point of the grid.
PIXELS_MATCHED, PIXELS_TRACKED = 192 * 144, 256 * 192
STEP = 2


class Grid:
    """
    The points [h,w] of a camera.

    rays: float32 [h*w,3], z = 1. pixels: float32 [H,W,2], x and y, of the image in which matches
    are sought. focal: its fx and fy. It has STEP times as many pixels as there are points along
    each axis; ``camera`` are its intrinsics.
    """

    def __init__(self, intrinsics: Intrinsics) -> None:
        small = self.camera = shrunk(intrinsics, PIXELS_MATCHED)
        width, height = small.width, small.height
        self.shape = height // STEP, width // STEP
        self.focal = np.array([small.fx, small.fy], np.float32)
        self.centre = np.array([small.cx, small.cy], np.float32)
        self.pixels = np.stack(np.meshgrid(np.arange(width, dtype=np.float32),
                                           np.arange(height, dtype=np.float32)), -1)
        self.rays = self.reduced(rays(small))

    def view(self, grey: np.ndarray) -> View:
        """Bring a grey image, uint8 [H,W], to the size in which matches are sought."""
        return View(sized(grey, (self.camera.width, self.camera.height)))

    def reduced(self, values: np.ndarray) -> np.ndarray:
        """Bring float [H,W] or [H,W,C] to the points, float32 [h*w] or [h*w,C]."""
        small = cv2.resize(values, self.shape[::-1], interpolation=cv2.INTER_AREA)
        return small.reshape(-1, *values.shape[2:])

    def enlarged(self, values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Bring values of the points, float32 [h*w], to float32 [H,W] of ``size``."""
        return cv2.resize(values.reshape(self.shape), size[::-1], interpolation=cv2.INTER_LINEAR)

    def cells(self, places: np.ndarray) -> np.ndarray:
        """Points [N] nearest to places [N,2], x and y in parts of the image's size."""
        height, width = self.shape
        x, y = np.floor(places * (width, height)).astype(np.int64).T
        return np.clip(y, 0, height - 1) * width + np.clip(x, 0, width - 1)

    def sampled(self, values: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Values of the points [h*w,C] at places [h*w,2] on the plane at depth 1; 0 outside."""
        scale, shift = self.focal / STEP, (self.centre + 0.5) / STEP - 0.5
        at = (places * scale + shift).astype(np.float32).reshape(*self.shape, 2)
        return cv2.remap(values.reshape(*self.shape, -1), at[..., 0], at[..., 1], cv2.INTER_LINEAR,
                         borderMode=cv2.BORDER_CONSTANT).reshape(len(values), -1)


def shrunk(intrinsics: Intrinsics, pixels: int) -> Intrinsics:
    """Return those of about so many pixels, if it has as many; STEP divides both sides."""
    shrink = min((pixels / (intrinsics.width * intrinsics.height)) ** 0.5, 1.0)
    width, height = (STEP * max(round(side * shrink / STEP), 4)
                     for side in (intrinsics.width, intrinsics.height))
    return intrinsics.scaled(width, height)


def sized(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Values, float32 or uint8 [H,W], of ``size``, width and height."""
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)

"""What the network expects and what parallax tells become one, over the image and over time."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.grid import Grid
from dvd_ros.parallax.motion import seen

# Corrections are spread over so many points, one reach after the other, as far as this much is
# known in the mean there, in parts of what the network knows.
_SPREADS = ((12.0, 1.0), (5.0, 1.0), (2.0, 2.0), (0.8, 4.0))
# No point counts more than so many times the network; what was told before fades by each frame.
_MOST, _FADE = 20.0, 0.8
# No correction of a point is larger, in usual errors of the network, nor takes more of its inverse
# depth away.
_LARGEST, _TAKEN = 4.0, 0.8


class Fusion:
    """
    Corrects inverse depth on the points of a grid.

    The network's errors lie smooth in the image: what is known of them at some points is spread to
    those about them, first far, then what is left of it less far. What was told in frames before
    is carried along with the motion of the camera.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self.forget()

    def forget(self) -> None:
        """The frames before share nothing with the next one."""
        self._told: tuple[np.ndarray, np.ndarray] | None = None

    def correct(self, step: RigidTransform, expected: np.ndarray, sigma: np.ndarray,
                found: np.ndarray, information: np.ndarray) -> np.ndarray:
        """
        Return what is to be added to ``expected``, float32 [N].

        step: motion to the camera of the frame before. expected: the network's inverse depth [N],
        sigma: its usual error. found: that of parallax, [N], of ``information``.
        """
        now = information * sigma ** 2
        now = now / (1 + now / _MOST)
        error = now * (found - expected) / sigma
        if self._told is not None:
            before, sure = self._carried(step, expected)
            now = now + sure
            error += sure * np.clip((before - expected) / sigma, -_LARGEST, _LARGEST)
        error /= np.maximum(now, 1e-6)
        self._told = expected + error * sigma, np.minimum(now, _MOST)
        shape = self._grid.shape
        error, now = error.reshape(shape), now.reshape(shape)
        spread = np.zeros(shape, np.float32)
        for reach, needed in _SPREADS:
            left = cv2.GaussianBlur(now * (error - spread), (0, 0), reach)
            spread += left / (cv2.GaussianBlur(now, (0, 0), reach) + needed)
        return np.maximum(spread.ravel() * sigma, -_TAKEN * expected)

    def _carried(self, step: RigidTransform,
                 expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inverse depth [N] as told before, seen from here, and how sure it was."""
        assert self._told is not None
        value, sure = self._told
        rays = self._grid.rays
        place, _ = seen(step, rays, expected)
        there = self._grid.sampled(sure, place)
        value = self._grid.sampled(sure * value, place) / np.maximum(there, 1e-6)
        ahead = rays @ step.rotation[2].astype(np.float32)
        # Past the point, or so near that nothing is to be said of it.
        depth = np.maximum(1 - np.float32(step.translation[2]) * value, 0.2)
        return ahead * value / depth, _FADE * there

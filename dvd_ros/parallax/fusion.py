"""What the network expects and what parallax tells become one, over the image and over time."""

from __future__ import annotations

import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.evidence import MOST, Told, worth
from dvd_ros.parallax.grid import Grid
from dvd_ros.parallax.projection import nearer, seen
from dvd_ros.parallax.view import blurred

# Corrections are spread over so many points, one reach after the other, as far as this much is
# known in the mean there, in parts of what the network knows.
_SPREADS = ((12.0, 1.0), (5.0, 1.0), (2.0, 2.0), (0.8, 4.0))
# What is told unlike what is told about it, within this reach, by this many usual errors of the
# network counts half.
_ABOUT, _UNLIKE = 2.0, 1.5
# What was told before fades by each frame.
_FADE = 0.9
# The part of a frame that is the frame before, where both are alike; apart by so many usual errors
# of the network it is half of that.
_STEADY, _APART = 0.7, 0.5
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
        # What was told, how surely, and what came of it.
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def begin(self, expected: np.ndarray, sigma: np.ndarray) -> None:
        """Begin a frame. expected: the network's inverse depth [N], sigma: its usual error."""
        self._expected, self._sigma = expected, sigma
        self._sure = np.zeros(len(expected), np.float32)
        self._error = np.zeros(len(expected), np.float32)
        self._before = np.zeros(len(expected), np.float32)

    def tell(self, found: np.ndarray, information: np.ndarray,
             cells: np.ndarray | None = None) -> None:
        """
        Add inverse depth that was found, with its information.

        [N] each, or [n] at points ``cells``, one after the other at the same one.
        """
        here = slice(None) if cells is None else cells
        sigma = self._sigma[here]
        count = worth(information, sigma)
        pull = count * self._clipped((found - self._expected[here]) / sigma)
        if cells is not None:
            count, pull = (np.bincount(cells, part, len(self._expected)).astype(np.float32)
                           for part in (count, pull))
        self._sure += count
        self._error += pull

    def carry(self, step: RigidTransform) -> None:
        """Add what was told in the frame before. step: motion to its camera."""
        if self._last is None:
            return
        value, sure, last = self._last
        place, _ = seen(step, self._grid.rays, self._expected)
        last, there, told = self._grid.sampled(np.stack([last, sure, sure * value], 1), place).T
        back = step.inverse()
        look, way = back.rotation[2].astype(np.float32), float(back.translation[2])
        rays = np.concatenate([place, np.ones((len(place), 1), np.float32)], 1)
        self._before = nearer(look, way, rays, last)
        before = nearer(look, way, rays, told / np.maximum(there, np.float32(1e-6)))
        there = np.float32(_FADE) * there * (before > 0)
        self._sure += there
        self._error += there * self._clipped((before - self._expected) / self._sigma)

    def told(self, trust: float) -> Told:
        """What was told of the frame, if it is believed so far."""
        return Told(self._usual().reshape(self._grid.shape),
                    (trust * self._sure).reshape(self._grid.shape))

    def corrected(self) -> np.ndarray:
        """The frame's inverse depth, float32 [N]."""
        expected, sigma, shape = self._expected, self._sigma, self._grid.shape
        error, sure = self._usual().reshape(shape), self._sure.reshape(shape)
        about = blurred(sure * error, _ABOUT) / np.maximum(blurred(sure, _ABOUT), 1e-6)
        sure = sure / (1 + ((error - about) / _UNLIKE) ** 2)
        spread = np.zeros(shape, np.float32)
        for reach, needed in _SPREADS:
            spread += blurred(sure * (error - spread), reach) / (blurred(sure, reach) + needed)
        found = expected + np.maximum(spread.ravel() * sigma, -_TAKEN * expected)
        change = self._before - found
        share = _STEADY / (1 + (change / (_APART * sigma)) ** 2)
        found += np.where(self._before > 0, share * change, 0).astype(np.float32)
        self._last = (expected + error.ravel() * sigma, np.minimum(sure.ravel(), MOST), found)
        return found

    def _usual(self) -> np.ndarray:
        """What was told less what the network says, in usual errors of that, [N]."""
        return self._error / np.maximum(self._sure, 1e-6)

    @staticmethod
    def _clipped(error: np.ndarray) -> np.ndarray:
        return np.clip(error, -_LARGEST, _LARGEST)

"""Corrects the disparity of a stream where the motion of the camera tells more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.fusion import Fusion
from dvd_ros.parallax.grid import STEP, Grid
from dvd_ros.parallax.level import Level
from dvd_ros.parallax.matches import Matches, View, quadratic
from dvd_ros.parallax.motion import part, seen, solve_motion
from dvd_ros.tukey import biweight

# A past view that is matched lies so far back at most, in frames, and gives no more than this much
# parallax, pixels; the one of the next frame lies at most so many frames nearer than this one's.
_FRAMES, _PARALLAX, _NEARER = 12, 12.0, 3
# Below this share of points that were found again, the views have too little in common; a point
# counts as found above this information, 1/px^2, and tells something of the motion above that.
_SHARE, _FOUND, _TELLS = 0.2, 0.3, 0.05
# The motion is found from every so manieth point.
_EACH = 6
# Frames over which a camera moves at about one speed, and how far it is then from where it was
# expected: radians; in parts of its way, plus so much parallax of a usual point.
_STEADY, _TURN, _WAY = 4, 0.01, (0.3, 0.005)
# Where the points tell less than the first share of what could be told they are not believed, as
# what moves along may tell it; more than the second, in full.
_TOLD = 0.1, 0.3


@dataclass(frozen=True, eq=False)
class _Past:
    view: View
    pose: RigidTransform  # from the first camera since the track was lost to this one


@dataclass(frozen=True, eq=False)
class _Measured:
    """Motion to the other view; inverse depth [N] found, its information, and what was expected."""

    motion: RigidTransform
    found: np.ndarray
    information: np.ndarray
    expected: np.ndarray


class ParallaxRefiner:
    """
    Improves disparity by structure from motion, frame after frame.

    Each image is matched with one some frames ago (dense optical flow). From the matches and the
    network's disparity follows the motion of the camera; from motion and matches the inverse depth
    of every point that moved enough and could be found again. The network is the prior, with errors
    that lie smooth in the image (see Fusion), and the rival of each match: one that contradicts it
    must explain the image better. Disparity is inverse depth but for a shift, which parallax tells
    as well (see Level). Where nothing is known, where the camera only turns or stands, disparity
    stays as it was. What moves by itself is told as if it stood still, or not at all.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin a segment: its disparity has a scale of its own, and shares no scene."""
        self._intrinsics: Intrinsics | None = None
        self._past: deque[_Past] = deque(maxlen=_FRAMES)
        self._frames = 1

    def refine(self, image: np.ndarray, intrinsics: Intrinsics,
               disparity: np.ndarray) -> np.ndarray:
        """
        Take the next frame of the segment; return its disparity, corrected.

        image: uint8 [H,W,3], of ``intrinsics``. disparity: float32 [H,W] on the scale of the
        stream, 0 or more, NaN where there is none. Returns float32 [H,W] like it.
        """
        known = np.nan_to_num(disparity)
        if intrinsics != self._intrinsics:
            self.reset()
            self._intrinsics, self._grid = intrinsics, Grid(intrinsics)
            self._level, self._fusion = Level(self._grid.reduced(known)), Fusion(self._grid)
        grid, view = self._grid, self._grid.view(image)
        expected = self._level.inverse_depth(grid.reduced(known))
        measured = self._measure(view, expected)
        if measured is None:
            # A camera that was lost begins anew, with what is known of the shift.
            self._past.clear()
            self._frames = 1
            self._past.append(_Past(view, RigidTransform.identity()))
            self._fusion.forget()
            return disparity
        pose = measured.motion.inverse() @ self._past[-self._frames].pose
        step = self._past[-1].pose @ pose.inverse()
        correction = self._fusion.correct(step, measured.expected, self._level.sigma(
            measured.expected), measured.found, measured.information)
        self._past.append(_Past(view, pose))
        return np.maximum(disparity + grid.enlarged(correction, known.shape), np.float32(0))

    def _measure(self, view: View, expected: np.ndarray) -> _Measured | None:
        """None where the camera is lost: nothing to match with, or nothing that matches."""
        if not self._past:
            return None
        pose = self._predicted()
        self._frames = self._choose(pose, expected)
        other = self._past[-self._frames]
        guess = other.pose @ pose.inverse()
        grid, moving = self._grid, len(self._past) > 1
        matches = Matches(view, other.view, self._target(guess, expected) if moving else None)
        information = grid.reduced(matches.information)
        told = information[:, 0] + information[:, 2]
        if (told > _FOUND).mean() < _SHARE:
            return None
        fx, fy = grid.focal
        information = information * np.array([fx * fx, fx * fy, fy * fy], np.float32)
        target = (grid.reduced(matches.target) - grid.centre) / grid.focal
        some = np.flatnonzero(told > _TELLS)[::_EACH]
        freedom = None
        if len(self._past) > 2:
            way = float(np.linalg.norm(guess.translation))
            freedom = _TURN, _WAY[0] * way + _WAY[1] / self._level.unit
        motion = guess
        for _ in range(2):
            sigma = self._level.sigma(expected)
            solved = solve_motion(motion, grid.rays[some], expected[some], 1.5 * sigma[some],
                                  target[some], information[some], freedom,
                                  self._level.shift_sigma)
            motion = solved.motion
            self._level.move(solved.shift, solved.variance)
            expected = self._level.moved(expected, solved.shift)
            left = grid.reduced(matches.against(self._target(motion, expected)))
            found, weight = self._depth(motion, expected, target, information * left[:, None],
                                        solved.scale)
            slope = self._level.scale(expected, found, weight)
            motion = RigidTransform(motion.rotation, motion.translation * slope)
            found, weight = found / np.float32(slope), weight * np.float32(slope ** 2)
        if not self._likely(motion, expected):
            return None
        worth = weight * self._level.sigma(expected) ** 2
        share = float((worth / (1 + worth)).mean())
        trust = np.clip((share - _TOLD[0]) / (_TOLD[1] - _TOLD[0]), 0, 1)
        return _Measured(motion, found, weight * np.float32(trust), expected)

    def _predicted(self) -> RigidTransform:
        """The pose of the next camera if it moves on as it did."""
        last = self._past[-1].pose
        frames = min(len(self._past) - 1, _STEADY)
        if not frames:
            return last
        before = self._past[-1 - frames].pose
        return part(last @ before.inverse(), 1 / frames) @ last

    def _choose(self, pose: RigidTransform, expected: np.ndarray) -> int:
        """How many frames ago the view is that is farthest off, but not too far."""
        usual = float(np.median(expected)) * self._grid.focal[0]
        nearest = min(max(self._frames - _NEARER, 1), len(self._past))
        for frames in range(len(self._past), nearest, -1):
            motion = self._past[-frames].pose @ pose.inverse()
            if np.linalg.norm(motion.translation) * usual <= _PARALLAX:
                return frames
        return nearest

    def _likely(self, motion: RigidTransform, expected: np.ndarray) -> bool:
        _, slope = seen(motion, self._grid.rays, expected)
        parallax = np.median(np.linalg.norm(slope, axis=1) * expected) * self._grid.focal[0]
        return bool(parallax < 2 * _PARALLAX and np.trace(motion.rotation) > 2)

    def _target(self, motion: RigidTransform, inverse_depth: np.ndarray) -> np.ndarray:
        """Where the pixels of the view, [h,w,2], are seen after a motion."""
        grid = self._grid
        size = (STEP * grid.shape[0], STEP * grid.shape[1])
        place, _ = seen(motion, grid.all_rays, grid.enlarged(inverse_depth, size).ravel())
        return (place * grid.focal + grid.centre).reshape(*size, 2).astype(np.float32)

    def _depth(self, motion: RigidTransform, expected: np.ndarray, target: np.ndarray,
               information: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        """Inverse depth [N] at which points are seen where they are, and its information."""
        place, slope = seen(motion, self._grid.rays, expected)
        error = target - place
        weight = np.maximum(quadratic(information, slope), 0)
        step = quadratic(information, slope, error) / np.maximum(weight, 1e-12)
        # What is off the line on which a point moves with its depth is an error at any depth.
        beside = error - slope * step[:, None]
        weight = weight * biweight(quadratic(information, beside) / scale) / max(scale, 1.0)
        limit = 4 * self._level.sigma(expected)
        return (expected + np.clip(step, -limit, limit)).astype(np.float32), \
            weight.astype(np.float32)

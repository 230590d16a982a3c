"""How the camera moved between two views, from matches and from inverse depth that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from dvd_ros.parallax.matches import quadratic
from dvd_ros.tukey import biweight

_ROUNDS = 6
# The usual error may be this much smaller than the information says, in its square.
_LEAST_SCALE = 0.1
_NEAREST = 0.05
# Points tell of the motion as much as this many times fewer that know nothing of each other.
_ALIKE = 50.0


@dataclass(frozen=True, eq=False)
class Motion:
    """
    Takes a point of one camera to another one's: rotation [3,3] @ point + translation [3].

    translation is in the unit of 1 / inverse depth.
    """

    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    translation: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def after(self, first: Motion) -> Motion:
        """The motion that does ``first``, then this."""
        return Motion(self.rotation @ first.rotation,
                      self.rotation @ first.translation + self.translation)

    @property
    def inverse(self) -> Motion:
        """The way back."""
        return Motion(self.rotation.T, -self.rotation.T @ self.translation)

    def part(self, share: float) -> Motion:
        """A share of it, as of a camera that turns and moves at one speed."""
        turn = cv2.Rodrigues(self.rotation)[0] * share
        return Motion(cv2.Rodrigues(turn)[0], self.translation * share)

    def seen(self, rays: np.ndarray, inverse_depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Where points are seen after it, [N,2] on the plane at depth 1, and how that moves with
        inverse depth, [N,2]. rays: [N,3] through the points, z = 1; inverse_depth: [N].
        """
        turned = rays @ self.rotation.T.astype(rays.dtype)
        shift = self.translation.astype(rays.dtype)
        point = turned + inverse_depth[:, None] * shift
        depth = np.maximum(point[:, 2:], _NEAREST)
        place = point[:, :2] / depth
        return place, (shift[:2] - place * shift[2]) / depth


@dataclass(frozen=True)
class Solved:
    """
    A motion, and by how much all inverse depth is too small, with the variance of that.

    scale: square of the usual error of a match, 1 if it is as its information says.
    """

    motion: Motion
    shift: float
    variance: float
    scale: float


def solve_motion(start: Motion, rays: np.ndarray, inverse_depth: np.ndarray, sigma: np.ndarray,
                 target: np.ndarray, information: np.ndarray, freedom: tuple[float, float] | None,
                 shift_sigma: float) -> Solved:
    """
    Find the motion from points [N]: robust Gauss-Newton from ``start``.

    rays, inverse_depth: see Motion.seen. sigma: [N], its error. target: [N,2], where the points
    are seen, on the plane at depth 1; information: [N,3], see Matches, in its units. An error along
    the line on which a point moves with its depth may be that of the depth, so it counts less.
    freedom: how far the motion usually is from ``start``: angle in radians, way; None: nobody
    knows. shift_sigma: how wrong all inverse depth may be together; what turning and moving aside
    look like hangs on it, so it is found along with them.
    """
    motion, scale, shift = start, 1.0, 0.0
    given = inverse_depth
    for _ in range(_ROUNDS):
        inverse_depth = np.maximum(given + given.dtype.type(shift), 1e-6)
        place, slope = motion.seen(rays, inverse_depth)
        error = target - place
        pull = np.stack([information[:, 0] * slope[:, 0] + information[:, 1] * slope[:, 1],
                         information[:, 1] * slope[:, 0] + information[:, 2] * slope[:, 1]], -1)
        unsure = 1 / sigma ** 2 + (pull * slope).sum(-1)
        free = information - np.stack([pull[:, 0] ** 2, pull[:, 0] * pull[:, 1],
                                       pull[:, 1] ** 2], -1) / unsure[:, None]
        squares = quadratic(free, error)
        scale = max(float(np.median(squares)) / 1.39, _LEAST_SCALE)
        weights = free * (biweight(squares / scale) / max(scale, 1.0))[:, None]
        turned = rays @ motion.rotation.T.astype(rays.dtype)
        depth = np.maximum(turned[:, 2:] + inverse_depth[:, None]
                           * rays.dtype.type(motion.translation[2]), _NEAREST)
        by_point = np.zeros((len(rays), 2, 3), rays.dtype)
        by_point[:, 0, 0] = by_point[:, 1, 1] = 1 / depth[:, 0]
        by_point[:, :, 2] = -place / depth
        steps = np.concatenate([by_point @ _crosses(turned), by_point
                                * inverse_depth[:, None, None], slope[:, :, None]], -1)
        drawn = np.stack([weights[:, :1] * steps[:, 0] + weights[:, 1:2] * steps[:, 1],
                          weights[:, 1:2] * steps[:, 0] + weights[:, 2:] * steps[:, 1]], 1)
        curve = np.einsum('nij,nik->jk', drawn, steps, optimize=True).astype(np.float64)
        curve[range(6), range(6)] += 1e-9 * np.trace(curve) + 1e-2
        pull = np.einsum('nij,ni->j', drawn, error).astype(np.float64)
        if freedom is not None:
            turn, way = (_ALIKE / sigma ** 2 for sigma in freedom)
            curve[range(3), range(3)] += turn
            curve[range(3, 6), range(3, 6)] += way
            pull[:3] += turn * cv2.Rodrigues(start.rotation @ motion.rotation.T)[0].ravel()
            pull[3:6] += way * (start.translation - motion.translation)
        curve[6, 6] += _ALIKE / shift_sigma ** 2
        pull[6] -= _ALIKE / shift_sigma ** 2 * shift
        step = np.linalg.solve(curve, pull)
        shift += float(np.clip(step[6], -shift_sigma, shift_sigma))
        motion = Motion(cv2.Rodrigues(step[:3])[0] @ motion.rotation,
                        motion.translation + step[3:6])
        if np.abs(step[:6]).max() < 1e-4:
            break
    return Solved(motion, shift, float(_ALIKE * np.linalg.inv(curve)[6, 6]), scale)


def _crosses(points: np.ndarray) -> np.ndarray:
    """[N,3,3]: how turned points [N,3] move with a small further rotation."""
    x, y, z = points.T
    zero = np.zeros_like(x)
    return np.stack([np.stack([zero, z, -y], -1), np.stack([-z, zero, x], -1),
                     np.stack([y, -x, zero], -1)], 1)

"""How the camera moved between two views, from matches and from inverse depth that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.matches import quadratic
from dvd_ros.tukey import biweight

# Steps of the solution at most; it is done where one is smaller than this.
_ROUNDS, _DONE = 6, 1e-4
# The usual error may be this much smaller than the information says, in its square.
_LEAST_SCALE = 0.1
# Least depth after a motion, in parts of that before it.
_NEAREST = 0.05
# Points tell of the motion as much as this many times fewer that know nothing of each other.
_ALIKE = 50.0


def part(motion: RigidTransform, share: float) -> RigidTransform:
    """A share of a motion, as of a camera that turns and moves at one speed."""
    turn = cv2.Rodrigues(motion.rotation)[0] * share
    return RigidTransform(cv2.Rodrigues(turn)[0], motion.translation * share)


def seen(motion: RigidTransform, rays: np.ndarray,
         inverse_depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Where points are seen after a motion, [N,2] on the plane at depth 1, and how that moves with
    inverse depth, [N,2]. rays: [N,3] through the points, z = 1; inverse_depth: [N], in the unit of
    1 / translation.
    """
    turned = rays @ motion.rotation.T.astype(rays.dtype)
    shift = motion.translation.astype(rays.dtype)
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

    motion: RigidTransform
    shift: float
    variance: float
    scale: float


def solve_motion(start: RigidTransform, rays: np.ndarray, inverse_depth: np.ndarray,
                 sigma: np.ndarray, target: np.ndarray, information: np.ndarray,
                 freedom: tuple[float, float] | None, shift_sigma: float) -> Solved:
    """
    Find the motion from points [N]: robust Gauss-Newton from ``start``.

    rays, inverse_depth: see seen. sigma: [N], its error. target: [N,2], where the points
    are seen, on the plane at depth 1; information: [N,3], see Matches, in its units. An error along
    the line on which a point moves with its depth may be that of the depth, so it counts less.
    freedom: how far the motion usually is from ``start``: angle in radians, way; None: nobody
    knows. shift_sigma: how wrong all inverse depth may be together; what turning and moving aside
    look like hangs on it, so it is found along with them.
    """
    # What remains of information where depth is free is a small difference of large numbers.
    rays, inverse_depth, sigma, target, information = (
        np.asarray(part, np.float64) for part in (rays, inverse_depth, sigma, target, information))
    motion, scale, shift = start, 1.0, 0.0
    firm = np.zeros(7)
    if freedom is not None:
        firm[:3], firm[3:6] = (_ALIKE / usual ** 2 for usual in freedom)
    firm[6] = _ALIKE / shift_sigma ** 2
    for _ in range(_ROUNDS):
        moved = np.maximum(inverse_depth + shift, 1e-6)
        place, slope = seen(motion, rays, moved)
        error = target - place
        free = _freed(information, slope, sigma)
        squares = quadratic(free, error)
        scale = max(float(np.median(squares)) / 1.39, _LEAST_SCALE)
        weights = free * (biweight(squares / scale) / max(scale, 1.0))[:, None]
        moves = _moves(motion, rays, moved, place, slope)
        weighted = np.stack([weights[:, :1] * moves[:, 0] + weights[:, 1:2] * moves[:, 1],
                             weights[:, 1:2] * moves[:, 0] + weights[:, 2:] * moves[:, 1]], 1)
        curve = np.einsum('nij,nik->jk', weighted, moves, optimize=True)
        curve[range(6), range(6)] += 1e-9 * np.trace(curve) + 1e-2
        curve[range(7), range(7)] += firm
        back = np.concatenate([cv2.Rodrigues(start.rotation @ motion.rotation.T)[0].ravel(),
                               start.translation - motion.translation, [-shift]])
        step = np.linalg.solve(curve, np.einsum('nij,ni->j', weighted, error) + firm * back)
        shift += float(np.clip(step[6], -shift_sigma, shift_sigma))
        motion = RigidTransform(
            cv2.Rodrigues(step[:3])[0] @ motion.rotation, motion.translation + step[3:6])
        if np.abs(step[:6]).max() < _DONE:
            break
    variance = max(float(_ALIKE * np.linalg.inv(curve)[6, 6]), 0.0)
    return Solved(motion, shift, variance, scale)


def _freed(information: np.ndarray, slope: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """What information [N,3] is left where the depth may be wrong, which moves points by slope."""
    x = information[:, 0] * slope[:, 0] + information[:, 1] * slope[:, 1]
    y = information[:, 1] * slope[:, 0] + information[:, 2] * slope[:, 1]
    known = 1 / sigma ** 2 + x * slope[:, 0] + y * slope[:, 1]
    return information - np.stack([x * x, x * y, y * y], -1) / known[:, None]


def _moves(motion: RigidTransform, rays: np.ndarray, inverse_depth: np.ndarray, place: np.ndarray,
           slope: np.ndarray) -> np.ndarray:
    """[N,2,7]: how places move with a further rotation, a translation, and all inverse depth."""
    turned = rays @ motion.rotation.T
    depth = np.maximum(turned[:, 2:] + inverse_depth[:, None] * motion.translation[2], _NEAREST)
    by_point = np.zeros((len(rays), 2, 3))
    by_point[:, 0, 0] = by_point[:, 1, 1] = 1 / depth[:, 0]
    by_point[:, :, 2] = -place / depth
    return np.concatenate([by_point @ _crosses(turned), by_point * inverse_depth[:, None, None],
                           slope[:, :, None]], -1)


def _crosses(points: np.ndarray) -> np.ndarray:
    """[N,3,3]: how turned points [N,3] move with a small further rotation."""
    x, y, z = points.T
    zero = np.zeros_like(x)
    return np.stack([np.stack([zero, z, -y], -1), np.stack([-z, zero, x], -1),
                     np.stack([y, -x, zero], -1)], 1)

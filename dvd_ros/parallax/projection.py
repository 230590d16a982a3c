"""Where points are seen from a camera that moved, and how that changes."""

from __future__ import annotations

import numpy as np

from dvd_ros.geometry.transform import RigidTransform

# Least depth after a motion, in parts of that before it.
NEAREST = 0.05


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
    depth = np.maximum(point[:, 2:], rays.dtype.type(NEAREST))
    place = point[:, :2] / depth
    return place, (shift[:2] - place * shift[2]) / depth


def nearer(look: np.ndarray, way: np.ndarray | float, rays: np.ndarray,
           inverse_depth: np.ndarray) -> np.ndarray:
    """
    Inverse depth [N] of points after a motion; 0 of those that it leaves behind or passes.

    look: last row of the motion's rotation, [3] or [N,3]; way: last of its translation, or [N].
    """
    (x, y, z), (across, down, along) = rays.T, look.T
    ahead = x * across + y * down + z * along + way * inverse_depth
    return np.where(ahead > NEAREST, inverse_depth / np.maximum(ahead, NEAREST), 0)


def placed(points: np.ndarray) -> np.ndarray:
    """Where points [3,N] are seen, [2,N] on the plane at depth 1."""
    return points[:2] / np.maximum(points[2], NEAREST)


def levers(points: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """
    How whitened places, of x and of y, move with points [3,N] that are seen there: [2,3,N].

    whitening: [3,N], see Sighting.
    """
    x, y = placed(points)
    across, mixed, down = whitening / np.maximum(points[2], NEAREST)
    return np.stack([np.stack([across, mixed, -(across * x + mixed * y)]),
                     np.stack([mixed, down, -(mixed * x + down * y)])])


def cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Cross products of vectors [3,N]."""
    a, b, c = one
    x, y, z = other
    return np.stack([b * z - c * y, c * x - a * z, a * y - b * x])


def orthonormal(rotation: np.ndarray) -> np.ndarray:
    """The rotation [3,3] nearest to one that rounding spoiled."""
    left, _, right = np.linalg.svd(rotation)
    return left @ right

"""Where points are seen from a camera that moved, and how that changes."""

from __future__ import annotations

import numpy as np

from dvd_ros.geometry.transform import RigidTransform

# Least depth after a motion, in parts of that before it.
_NEAREST = 0.05


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


def nearer(motion: RigidTransform, rays: np.ndarray, inverse_depth: np.ndarray) -> np.ndarray:
    """Inverse depth [N] of points after a motion; 0 of those that it leaves behind or passes."""
    ahead = (rays @ motion.rotation[2].astype(rays.dtype)
             + rays.dtype.type(motion.translation[2]) * inverse_depth)
    return np.where(ahead > _NEAREST, inverse_depth / np.maximum(ahead, _NEAREST), 0)


def moves(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points [N,3] are seen, [N,2], and how that moves with them, [N,2,3]."""
    depth = np.maximum(points[:, 2:], _NEAREST)
    place = points[:, :2] / depth
    slope = np.zeros((len(points), 2, 3))
    slope[:, 0, 0] = slope[:, 1, 1] = 1 / depth[:, 0]
    slope[:, :, 2] = -place / depth
    return place, slope


def crosses(points: np.ndarray) -> np.ndarray:
    """[N,3,3]: how points [N,3] move with a small further rotation."""
    x, y, z = points.T
    zero = np.zeros_like(x)
    return np.stack([np.stack([zero, z, -y], -1), np.stack([-z, zero, x], -1),
                     np.stack([y, -x, zero], -1)], 1)


def orthonormal(rotation: np.ndarray) -> np.ndarray:
    """The rotation [3,3] nearest to one that rounding spoiled."""
    left, _, right = np.linalg.svd(rotation)
    return left @ right

"""Rigid transforms between frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# How far a rotation may be from orthonormal: what float32 messages lose, not more.
_ORTHONORMAL = 1e-3


@dataclass(frozen=True, eq=False)
class RigidTransform:
    """
    The way of points from one frame to another: target = rotation @ source + translation.

    Parameters
    ----------
    rotation
        float64 [3,3], orthonormal, determinant 1.
    translation
        float64 [3], metres: where the source frame's origin lies in the target frame.

    Raises
    ------
    ValueError
        If a shape is wrong, a value not finite, or the matrix is no rotation.

    """

    rotation: np.ndarray
    translation: np.ndarray

    def __post_init__(self) -> None:
        rotation = np.asarray(self.rotation, np.float64)
        translation = np.asarray(self.translation, np.float64)
        if rotation.shape != (3, 3) or translation.shape != (3,):
            raise ValueError('a transform needs a rotation [3, 3] and a translation [3], got '
                             f'{list(rotation.shape)} and {list(translation.shape)}')
        if not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
            raise ValueError('a transform needs finite values, got '
                             f'{rotation.tolist()} and {translation.tolist()}')
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > _ORTHONORMAL \
                or np.linalg.det(rotation) < 0.0:
            raise ValueError('a rotation must be orthonormal with determinant 1, got '
                             f'{rotation.tolist()}')
        object.__setattr__(self, 'rotation', rotation)
        object.__setattr__(self, 'translation', translation)

    @classmethod
    def identity(cls) -> RigidTransform:
        """Two frames that are one."""
        return cls(np.eye(3), np.zeros(3))

    @classmethod
    def from_quaternion(cls, translation: np.ndarray | tuple[float, ...],
                        quaternion: np.ndarray | tuple[float, ...]) -> RigidTransform:
        """
        Make it as ROS states it: metres [3], and a quaternion [4] in the order x, y, z, w.

        The quaternion is normalised. Raises ValueError where its length is 0 or not finite.
        """
        q = np.asarray(quaternion, np.float64)
        length = float(np.linalg.norm(q)) if q.shape == (4,) else math.nan
        if not (math.isfinite(length) and length > 1e-6):
            raise ValueError(f'a rotation needs a quaternion x, y, z, w, got {q.tolist()}')
        x, y, z, w = q / length
        return cls(np.array([
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
            [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
            [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)]]),
            np.asarray(translation, np.float64))

    @classmethod
    def from_rpy(cls, translation: np.ndarray | tuple[float, ...], roll: float, pitch: float,
                 yaw: float) -> RigidTransform:
        """Make it of metres [3] and radians about the fixed axes x, y, z in turn, as URDF does."""
        (sr, cr), (sp, cp), (sy, cy) = ((math.sin(t), math.cos(t)) for t in (roll, pitch, yaw))
        return cls(np.array([
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr]]), np.asarray(translation, np.float64))

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Take points [...,3] of the source frame, metres, to the target frame; float64."""
        points = np.asarray(points, np.float64)
        if points.ndim < 1 or points.shape[-1] != 3:
            raise ValueError(f'points must be [...,3], got {list(points.shape)}')
        return points @ self.rotation.T + self.translation

    def inverse(self) -> RigidTransform:
        """Return the way back."""
        return RigidTransform(self.rotation.T, -self.rotation.T @ self.translation)

    def __matmul__(self, first: RigidTransform) -> RigidTransform:
        """Chain: (self @ first).apply(p) is self.apply(first.apply(p))."""
        return RigidTransform(self.rotation @ first.rotation,
                              self.rotation @ first.translation + self.translation)

"""Where one frame lies in another: rotation and translation; numpy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# How far from 1 the length of a quaternion may be.
_UNIT = 1e-2


@dataclass(frozen=True, eq=False)
class Pose:
    """The pose of a child frame in its parent: `p_parent = rotation @ p_child + translation`.

    Parameters
    ----------
    rotation:
        float64 [3,3], orthonormal.
    translation:
        float64 [3], metres.

    """

    rotation: np.ndarray
    translation: np.ndarray

    @classmethod
    def identity(cls) -> Pose:
        """The same frame."""
        return cls(np.eye(3), np.zeros(3))

    @classmethod
    def from_quaternion(cls, translation: Sequence[float], xyzw: Sequence[float]) -> Pose:
        """A translation in metres [3] and a unit quaternion x, y, z, w [4].

        Raises
        ------
        ValueError
            where a value is not finite, or the quaternion is not of length 1.

        """
        values = np.array([*translation, *xyzw], float)
        if not np.isfinite(values).all():
            raise ValueError(f'a pose needs finite numbers, got {values.tolist()}')
        length = float(np.linalg.norm(values[3:]))
        if abs(length - 1.0) > _UNIT:
            raise ValueError(f'a quaternion must have length 1, got {values[3:].tolist()}')
        x, y, z, w = values[3:] / length
        rotation = np.array([
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ])
        return cls(rotation, values[:3])

    @classmethod
    def from_text(cls, text: str) -> Pose:
        """Read `'x y z roll pitch yaw'` or `'x y z qx qy qz qw'`: metres, radians.

        Numbers are separated by spaces or commas. Roll, pitch and yaw turn about the fixed axes
        x, y, z in this order, as in URDF and `static_transform_publisher`.

        Raises
        ------
        ValueError
            where it is something else.

        """
        try:
            values = [float(word) for word in text.replace(',', ' ').split()]
        except ValueError:
            values = []
        if len(values) == 7:
            return cls.from_quaternion(values[:3], values[3:])
        if len(values) != 6 or not all(math.isfinite(value) for value in values):
            raise ValueError("a pose is 'x y z roll pitch yaw' or 'x y z qx qy qz qw' in metres and "
                             f'radians, got {text!r}')
        return cls(_turn(2, values[5]) @ _turn(1, values[4]) @ _turn(0, values[3]),
                   np.array(values[:3]))

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Points [N,3] of the child, in the parent."""
        return points @ self.rotation.T.astype(points.dtype) + self.translation.astype(points.dtype)

    def matrix(self) -> np.ndarray:
        """The homogeneous matrix, float64 [4,4]."""
        result = np.eye(4)
        result[:3, :3], result[:3, 3] = self.rotation, self.translation
        return result


def _turn(axis: int, angle: float) -> np.ndarray:
    """Rotation by an angle in radians about x, y or z (0, 1, 2)."""
    result = np.eye(3)
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    result[i, i] = result[j, j] = math.cos(angle)
    result[j, i], result[i, j] = math.sin(angle), -math.sin(angle)
    return result

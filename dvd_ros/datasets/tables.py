"""Lists of numbers beside the images: poses, cameras."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dvd_ros.datasets.sequence import BadSample
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.geometry.transform import RigidTransform


def read_table(path: Path, columns: int, skipped: Skipped, what: str = 'poses',
               header: int = 0) -> np.ndarray | None:
    """
    Read a text file of numbers, float64 [N,columns]; ``header`` lines and # comments are left out.

    A file that is missing or damaged is counted in ``skipped.files``, and the answer is None.
    """
    if not path.is_file():
        skipped.add(BadSample(path, f'missing {what}'), whole_file=True)
        return None
    try:
        rows = [line.split() for line in path.read_text().splitlines()[header:]
                if line.strip() and not line.startswith('#')]
        table = np.array([[float(value) for value in row] for row in rows], np.float64)
        if table.ndim != 2 or table.shape[1] != columns:
            raise ValueError(f'should have {columns} columns, got {list(table.shape)}')
    except (OSError, ValueError) as error:
        skipped.add(BadSample(path, f'damaged {what}', str(error)), whole_file=True)
        return None
    return table


def row_pose(row: np.ndarray) -> np.ndarray | None:
    """Return the pose [3,4] of 12 or 16 numbers, row by row; None where it is not finite."""
    pose = np.asarray(row, np.float64)[:12].reshape(3, 4)
    return pose if np.isfinite(pose).all() else None


def quaternion_pose(row: np.ndarray) -> np.ndarray | None:
    """Return the pose [3,4] of tx ty tz qx qy qz qw; None where that is no pose."""
    try:
        transform = RigidTransform.from_quaternion(row[:3], row[3:7])
    except ValueError:
        return None
    return np.column_stack([transform.rotation, transform.translation])


def inverted(pose: np.ndarray) -> np.ndarray:
    """Return the inverse of a rigid transform [3,4]."""
    back = pose[:, :3].T
    return np.column_stack([back, -back @ pose[:, 3]])


def chained(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the transform [3,4] that does ``first``, then ``second``."""
    return np.column_stack([second[:, :3] @ first[:, :3],
                            second[:, :3] @ first[:, 3] + second[:, 3]])

"""Points of a sensor as readings in the camera image."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.scale.observation import Observation, Silence

# A point farther than this, times the nearest around it and plus so many metres, is one that the
# sensor sees past something that hides it from the camera.
_BEHIND, _MARGIN = 1.25, 0.5
# Around: 3 x 3 cells, each so large a part of the image's width.
_CELLS = 310
# Nearer points (m) have no useful place in the image.
_LEAST_Z = 0.02


def project(points: np.ndarray,
            intrinsics: Intrinsics) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Project points [N,3] (metres, optical frame) to pixels.

    Returns columns and rows int64 [M], of the nearest pixel, and depth float64 [M], metres, of
    the points in front of the camera and inside the image. Points not finite are left out.
    """
    points = np.asarray(points, np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    points = points[points[:, 2] > _LEAST_Z]
    z = points[:, 2]
    u = points[:, 0] / z * intrinsics.fx + intrinsics.cx
    v = points[:, 1] / z * intrinsics.fy + intrinsics.cy
    inside = ((u >= -0.5) & (u < intrinsics.width - 0.5)
              & (v >= -0.5) & (v < intrinsics.height - 0.5))
    columns = np.floor(u[inside] + 0.5).astype(np.int64)
    rows = np.floor(v[inside] + 0.5).astype(np.int64)
    return columns, rows, z[inside]


def seen(columns: np.ndarray, rows: np.ndarray, z: np.ndarray,
         intrinsics: Intrinsics) -> np.ndarray:
    """
    Tell which projected points the camera sees, bool [N].

    The sensor stands elsewhere than the camera and looks past things: a point much farther than
    the nearest in the cells around it is hidden from the camera.
    """
    cell = max(1, round(intrinsics.width / _CELLS))
    height, width = -(-intrinsics.height // cell), -(-intrinsics.width // cell)
    nearest = np.full(height * width, np.inf, np.float32)
    index = (rows // cell) * width + columns // cell
    np.minimum.at(nearest, index, z.astype(np.float32))
    around = cv2.erode(nearest.reshape(height, width), np.ones((3, 3), np.uint8),
                       borderType=cv2.BORDER_CONSTANT, borderValue=float('inf'))
    return z <= _BEHIND * around.ravel()[index].astype(np.float64) + _MARGIN


def observe_depths(columns: np.ndarray, rows: np.ndarray, z: np.ndarray, disparity: np.ndarray,
                   relative_sigma: float, bias: float) -> Observation | Silence:
    """Pair depths z [N] (metres) with the disparity [H,W] at their pixels, where there is any."""
    if z.size == 0:
        return Silence('no overlap: no reading falls into the image')
    found = disparity[rows, columns]
    valid = found > 0.0
    if not valid.any():
        return Silence('no overlap: no disparity where there are readings')
    inverse = 1.0 / z[valid].astype(np.float64)
    return Observation(found[valid].astype(np.float64), inverse, relative_sigma * inverse, bias)

"""Inverse depth of all points of a view, by its matches in one other view."""

from __future__ import annotations

import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.grid import STEP, Grid
from dvd_ros.parallax.matches import Matches, quadratic
from dvd_ros.parallax.projection import seen
from dvd_ros.parallax.view import View
from dvd_ros.tukey import biweight

# No point is found farther from where it is expected, in usual errors of that.
_LARGEST = 4.0


def matched_depth(grid: Grid, view: View, other: View, motion: RigidTransform,
                  expected: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Inverse depth of the points of a grid and its information, float32 [N] each.

    motion: from the view's camera to the other's. expected: inverse depth [N], with usual errors
    ``sigma``; a match that contradicts it must explain the image better. What is off the line on
    which a point moves with its depth is an error at any depth, and counts less.
    """
    rival = _target(grid, motion, expected)
    matches = Matches(view, other, rival)
    fx, fy = grid.focal
    information = (grid.reduced(matches.information) * np.array([fx * fx, fx * fy, fy * fy],
                                                                np.float32)
                   * grid.reduced(matches.against(rival))[:, None])
    error = (grid.reduced(matches.target) - grid.centre) / grid.focal
    place, slope = seen(motion, grid.rays, expected)
    error = error - place
    weight = np.maximum(quadratic(information, slope), 0)
    step = quadratic(information, slope, error) / np.maximum(weight, 1e-12)
    weight = weight * biweight(quadratic(information, error - slope * step[:, None]))
    return (expected + np.clip(step, -_LARGEST * sigma, _LARGEST * sigma)).astype(np.float32), \
        weight.astype(np.float32)


def _target(grid: Grid, motion: RigidTransform, inverse_depth: np.ndarray) -> np.ndarray:
    """Where the pixels of the view, [h,w,2], are seen after a motion."""
    size = (STEP * grid.shape[0], STEP * grid.shape[1])
    place, _ = seen(motion, grid.all_rays, grid.enlarged(inverse_depth, size).ravel())
    return (place * grid.focal + grid.centre).reshape(*size, 2).astype(np.float32)

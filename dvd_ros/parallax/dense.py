"""Inverse depth of all points of a view, by its matches in one other view."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.evidence import worth
from dvd_ros.parallax.grid import Grid
from dvd_ros.parallax.matches import Matches, quadratic
from dvd_ros.parallax.projection import seen
from dvd_ros.parallax.view import View
from dvd_ros.tukey import biweight

# No point is found farther from where it is expected, in usual errors of that.
_LARGEST = 4.0
# No point is more than so far off, a chi square, where it is asked how well matches fit the motion.
_OFF = 9.0


@dataclass(frozen=True, eq=False)
class Found:
    """
    Inverse depth of the points of a grid and its information, float32 [N] each.

    off: how far the matches that tell something are off the lines on which points move with their
    depth, a mean chi square. A wrong motion draws wrong lines.
    """

    inverse_depth: np.ndarray
    information: np.ndarray
    off: float


def matched_depth(grid: Grid, view: View, other: View, motion: RigidTransform,
                  expected: np.ndarray, sigma: np.ndarray) -> Found:
    """
    Find the inverse depth of all points of a view.

    motion: from the view's camera to the other's. expected: inverse depth [N], with usual errors
    ``sigma``; a match that contradicts it must explain the image better. What is off the line on
    which a point moves with its depth is an error at any depth, and counts less.
    """
    place, slope = seen(motion, grid.rays, expected)
    rival = _pixels(grid, place)
    matches = Matches(view, other, rival)
    fx, fy = grid.focal
    information = (grid.reduced(matches.information) * np.array([fx * fx, fx * fy, fy * fy],
                                                                np.float32)
                   * grid.reduced(matches.against(rival))[:, None])
    error = (grid.reduced(matches.target) - grid.centre) / grid.focal - place
    weight = np.maximum(quadratic(information, slope), 0)
    step = quadratic(information, slope, error) / np.maximum(weight, 1e-12)
    away = quadratic(information, error - slope * step[:, None])
    share = worth(weight, sigma)
    off = float((share * np.minimum(away, _OFF)).sum() / max(share.sum(), 1e-9))
    return Found((expected + np.clip(step, -_LARGEST * sigma, _LARGEST * sigma)).astype(np.float32),
                 (weight * biweight(away)).astype(np.float32), off)


def _pixels(grid: Grid, place: np.ndarray) -> np.ndarray:
    """Pixels [h,w,2] of the image at which its own are seen, from places [N,2] of the points."""
    moved = ((place - grid.rays[:, :2]) * grid.focal).reshape(*grid.shape, 2)
    height, width = grid.pixels.shape[:2]
    return (grid.pixels + cv2.resize(moved, (width, height))).astype(np.float32)

"""Depth of all points by matches in one other view, and whether these fit the motion."""

import cv2
import numpy as np
import pytest
from moving_camera import INTRINSICS, view

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.dense import matched_depth
from dvd_ros.parallax.grid import Grid

WAY = (0.25, 0.0, 0.0)


@pytest.fixture(scope='module')
def scene():
    """Grid, two views, and inverse depth of the points of the first."""
    grid = Grid(INTRINSICS)
    (image, depth), (other, _) = view((0.0, 0.0, 0.0)), view(WAY)
    views = [grid.view(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY)) for one in (image, other)]
    return grid, views, grid.reduced(1 / depth)


def found(scene, translation, factor=1.0):
    grid, views, truth = scene
    return matched_depth(grid, *views, RigidTransform(np.eye(3), -np.array(translation)),
                         factor * truth, 0.15 * factor * truth)


def test_matches_correct_what_is_expected(scene):
    truth = scene[2]
    matched = found(scene, WAY, factor=1.2)
    known = matched.information * (0.15 * truth) ** 2 > 4
    assert known.mean() > 0.5
    error = np.abs(matched.inverse_depth - truth) / truth
    assert np.median(error[known]) < 0.05


def test_matches_lie_off_the_lines_of_a_wrong_motion(scene):
    right, wrong = found(scene, WAY), found(scene, (0.2, 0.06, 0.1))
    assert right.off < 0.4
    assert wrong.off > 3 * right.off
    assert wrong.off > 0.8

"""The motion of a camera, found from points whose depth is known only about."""

import cv2
import numpy as np
import pytest

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.motion import part, seen, solve_motion

TRUE = RigidTransform(cv2.Rodrigues(np.array([0.02, -0.05, 0.01]))[0], np.array([0.1, -0.02, 0.06]))


@pytest.fixture
def points():
    rng = np.random.default_rng(1)
    rays = np.concatenate([rng.uniform(-0.6, 0.6, (800, 2)), np.ones((800, 1))], 1)
    inverse_depth = rng.uniform(0.2, 1.5, 800)
    return rays.astype(np.float32), inverse_depth.astype(np.float32)


def solved(points, target, inverse_depth=None, sigma=0.02, shift_sigma=0.01, start=None,
           freedom=None):
    rays, known = points
    information = np.tile(np.array([4e4, 0, 4e4], np.float32), (len(rays), 1))
    given = known if inverse_depth is None else inverse_depth
    return solve_motion(start or RigidTransform.identity(), rays, given,
                        np.full(len(rays), sigma, np.float32), target.astype(np.float32),
                        information, freedom, shift_sigma)


def test_motions_follow_one_another_and_lead_back():
    both = TRUE @ TRUE.inverse()
    np.testing.assert_allclose(both.rotation, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(both.translation, 0, atol=1e-12)
    turn = part(RigidTransform(TRUE.rotation, np.zeros(3)), 0.5)
    np.testing.assert_allclose((turn @ turn).rotation, TRUE.rotation, atol=1e-12)


def test_what_is_seen_moves_with_depth_as_it_says(points):
    rays, inverse_depth = points
    place, slope = seen(TRUE, rays, inverse_depth)
    nearer, _ = seen(TRUE, rays, inverse_depth + np.float32(1e-3))
    np.testing.assert_allclose((nearer - place) / 1e-3, slope, atol=2e-3)


def test_the_motion_is_found(points):
    found = solved(points, seen(TRUE, *points)[0])
    np.testing.assert_allclose(found.motion.rotation, TRUE.rotation, atol=2e-4)
    np.testing.assert_allclose(found.motion.translation, TRUE.translation, atol=2e-3)


def test_a_third_of_false_matches_does_not_mislead_it(points):
    target = seen(TRUE, *points)[0]
    target[::3] += np.random.default_rng(2).uniform(-0.3, 0.3, target[::3].shape)
    found = solved(points, target)
    np.testing.assert_allclose(found.motion.translation, TRUE.translation, atol=5e-3)


def test_inverse_depth_that_is_too_small_all_over_is_noticed(points):
    """Of a shift all of which counts as inverse depth the motion would turn instead of move."""
    target, less = seen(TRUE, *points)[0], points[1] - np.float32(0.15)
    found = solved(points, target, less, shift_sigma=0.3)
    assert found.shift == pytest.approx(0.15, abs=0.02)
    assert found.variance < 0.3 ** 2
    np.testing.assert_allclose(found.motion.rotation, TRUE.rotation, atol=2e-3)


def test_it_stays_near_its_start_where_nothing_is_told(points):
    start = RigidTransform(TRUE.rotation, TRUE.translation * 0.9)
    rays, inverse_depth = points
    found = solve_motion(start, rays, inverse_depth, np.full(len(rays), 0.02, np.float32),
                         np.zeros((len(rays), 2), np.float32),
                         np.zeros((len(rays), 3), np.float32), (0.01, 0.01), 0.01)
    np.testing.assert_allclose(found.motion.translation, start.translation, atol=1e-6)


def test_matches_that_claim_to_know_all_make_no_negative_variance(points):
    rays, inverse_depth = points
    rng = np.random.default_rng(4)
    for claim in (1e6, 1e9, 1e12):
        information = np.stack([np.full(len(rays), claim), rng.uniform(-0.99, 0.99, len(rays))
                                * claim, np.full(len(rays), claim)], -1).astype(np.float32)
        found = solve_motion(RigidTransform.identity(), rays, inverse_depth,
                             np.full(len(rays), 0.2, np.float32),
                             seen(TRUE, rays, inverse_depth)[0], information, None, 0.1)
        assert found.variance >= 0
        assert np.isfinite(found.motion.translation).all()

"""Bundle adjustment: poses and points are found, with errors as large as they are said to be."""

import cv2
import numpy as np
import pytest

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.bundle import Seen, adjust
from dvd_ros.parallax.projection import seen as project

VIEWS, POINTS, PIXEL = 7, 200, 1 / 300


def scene(rng, noise=0.3, turn_only=False):
    """True poses, rays and inverse depth, and what is seen in each view."""
    poses = [RigidTransform(cv2.Rodrigues(np.array([0.004, -0.01, 0.002]) * k)[0],
                            np.zeros(3) if turn_only else np.array([0.05, 0.01, -0.03]) * k)
             for k in range(VIEWS)]
    rays = np.concatenate([rng.uniform(-0.5, 0.5, (POINTS, 2)), np.ones((POINTS, 1))], 1)
    depth = rng.uniform(0.2, 1.2, POINTS)
    places = np.stack([project(pose, rays, depth)[0] for pose in poses[1:]], 1)
    places += rng.normal(0, noise * PIXEL, places.shape)
    point, view = np.divmod(np.arange(POINTS * (VIEWS - 1)), VIEWS - 1)
    whitening = np.tile([1 / (noise * PIXEL), 0, 1 / (noise * PIXEL)], (len(point), 1))
    return poses, rays, depth, Seen(point, view + 1, np.zeros_like(point),
                                    places.reshape(-1, 2), whitening)


def solved(poses, rays, seen, expected):
    """From poses that are off by a tenth of the way, as odometry predicts them."""
    start = [poses[0]] + [RigidTransform(
        cv2.Rodrigues(0.9 * cv2.Rodrigues(pose.rotation)[0])[0], 0.9 * pose.translation)
        for pose in poses[1:]]
    depth = expected
    for _ in range(3):
        found = adjust(start, 1, seen, rays, depth, expected, 0.4 * expected)
        start, depth = found.poses, found.inverse_depth
    return found


def wrong(rng, depth):
    """As of a network: off by a factor that lies smooth over the points, and noise."""
    return depth * np.exp(rng.normal(0, 0.25, len(depth)))


def test_poses_and_points_are_found():
    rng = np.random.default_rng(0)
    poses, rays, depth, seen = scene(rng)
    expected = wrong(rng, depth)
    found = solved(poses, rays, seen, expected)
    # All may be larger by a factor; the network says about which.
    factor = np.median(found.inverse_depth / depth)
    assert 0.8 < factor < 1.25
    assert np.median(np.abs(found.inverse_depth / factor / depth - 1)) < 0.03
    assert np.median(np.abs(expected / depth - 1)) > 0.12
    for pose, true in zip(found.poses, poses, strict=True):
        np.testing.assert_allclose(pose.rotation, true.rotation, atol=1e-3)
        np.testing.assert_allclose(pose.translation * factor, true.translation, atol=5e-3)


def test_a_quarter_of_false_places_does_not_mislead_it():
    rng = np.random.default_rng(1)
    poses, rays, depth, seen = scene(rng)
    false = rng.random(POINTS)[seen.point] < 0.25
    seen.places[false] += rng.uniform(-0.1, 0.1, (false.sum(), 2))
    found = solved(poses, rays, seen, wrong(rng, depth))
    factor = np.median(found.inverse_depth / depth)
    np.testing.assert_allclose(found.poses[-1].rotation, poses[-1].rotation, atol=2e-3)
    np.testing.assert_allclose(found.poses[-1].translation * factor, poses[-1].translation,
                               atol=1e-2)


def test_errors_are_as_large_as_is_said():
    """But for a common factor, which only the network knows."""
    squares = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        poses, rays, depth, seen = scene(rng, noise=0.5)
        found = solved(poses, rays, seen, wrong(rng, depth))
        factor = np.median(found.inverse_depth / depth)
        squares.append(np.mean((found.inverse_depth - factor * depth) ** 2 * found.information))
    assert 0.02 < np.mean(squares) < 3


def test_a_camera_that_only_turns_tells_nothing_of_depth():
    rng = np.random.default_rng(2)
    poses, rays, depth, seen = scene(rng, turn_only=True)
    expected = wrong(rng, depth)
    found = solved(poses, rays, seen, expected)
    sigma = found.information ** -0.5 / found.inverse_depth
    assert np.median(sigma) > 0.2
    np.testing.assert_allclose(found.poses[-1].rotation, poses[-1].rotation, atol=2e-3)


def test_views_that_are_held_stay():
    rng = np.random.default_rng(3)
    poses, rays, depth, seen = scene(rng)
    found = adjust(poses, 3, seen, rays, depth, depth, 0.4 * depth)
    for pose, true in zip(found.poses[:3], poses[:3], strict=True):
        np.testing.assert_allclose(pose.translation, true.translation, atol=1e-12)
        np.testing.assert_allclose(pose.rotation, true.rotation, atol=1e-12)


def test_places_known_along_one_direction_alone_are_used():
    """As on edges, here upright ones: they tell how far it is where the camera moves aside."""
    rng = np.random.default_rng(4)
    poses, rays, depth, seen = scene(rng)
    seen.whitening[:, 2] *= 1e-3
    seen.places[:, 1] += rng.normal(0, 0.02, len(seen.places))
    found = adjust(poses, VIEWS - 1, seen, rays, wrong(rng, depth), depth, 0.4 * depth)
    assert np.median(np.abs(found.inverse_depth / depth - 1)) < 0.03


@pytest.mark.parametrize('claim', [1e3, 1e6])
def test_places_that_claim_to_know_all_make_nothing_infinite(claim):
    rng = np.random.default_rng(5)
    poses, rays, depth, seen = scene(rng)
    seen.whitening[:] *= claim
    found = adjust(poses, 1, seen, rays, depth, depth, 0.4 * depth)
    assert np.isfinite(found.information).all()
    assert (found.information > 0).all()

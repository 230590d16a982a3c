"""Where points are seen after a motion."""

import cv2
import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.projection import cross, levers, nearer, orthonormal, seen
from dvd_ros.parallax.tracks import whitened

MOTION = RigidTransform(cv2.Rodrigues(np.array([0.02, -0.05, 0.01]))[0],
                        np.array([0.1, -0.02, 0.06]))


def points():
    rng = np.random.default_rng(1)
    rays = np.concatenate([rng.uniform(-0.6, 0.6, (80, 2)), np.ones((80, 1))], 1)
    return rays, rng.uniform(0.2, 1.5, 80)


def ahead(motion, rays, inverse_depth):
    return nearer(motion.rotation[2], motion.translation[2], rays, inverse_depth)


def test_points_are_seen_where_they_are():
    rays, inverse_depth = points()
    there = MOTION.apply(rays / inverse_depth[:, None])
    place, _ = seen(MOTION, rays, inverse_depth)
    np.testing.assert_allclose(place, there[:, :2] / there[:, 2:], atol=1e-12)
    np.testing.assert_allclose(ahead(MOTION, rays, inverse_depth), 1 / there[:, 2], atol=1e-12)


def test_what_is_seen_moves_with_depth_as_it_says():
    rays, inverse_depth = points()
    place, slope = seen(MOTION, rays, inverse_depth)
    after, _ = seen(MOTION, rays, inverse_depth + 1e-6)
    np.testing.assert_allclose((after - place) / 1e-6, slope, atol=1e-5)


def test_whitened_places_move_with_the_point_and_with_a_turn_as_they_say():
    rays, inverse_depth = points()
    point = rays.T / inverse_depth
    whitening = np.random.default_rng(2).uniform(-1, 3, point.shape)

    def seen_there(at):
        return whitened(whitening, at[:2] / at[2])

    lever = levers(point, whitening)
    step = np.array([1e-6, -2e-6, 3e-6])
    moved = (seen_there(point + step[:, None]) - seen_there(point)) / 1e-6
    np.testing.assert_allclose(moved, np.einsum('rin,i->rn', lever, step / 1e-6), atol=1e-4)
    turned = (seen_there(cv2.Rodrigues(step)[0] @ point) - seen_there(point)) / 1e-6
    for row in range(2):
        np.testing.assert_allclose(turned[row], step / 1e-6 @ cross(point, lever[row]), atol=1e-4)


def test_what_the_camera_passed_has_no_depth():
    past = RigidTransform(np.eye(3), np.array([0.0, 0.0, -3.0]))
    depth = ahead(past, np.array([[0.1, 0.0, 1.0]] * 2), np.array([1 / 2, 1 / 4]))
    np.testing.assert_allclose(depth, [0, 1])


def test_a_rotation_that_rounding_spoiled_is_one_again():
    spoiled = MOTION.rotation + 1e-4 * np.random.default_rng(0).normal(size=(3, 3))
    mended = orthonormal(spoiled)
    np.testing.assert_allclose(mended @ mended.T, np.eye(3), atol=1e-12)
    assert np.abs(mended - MOTION.rotation).max() < 1e-3

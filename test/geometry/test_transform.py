import math

import numpy as np
import pytest

from dvd_ros.geometry import RigidTransform


def test_quaternion_and_rpy_agree_and_turn_the_right_way():
    half = math.radians(45.0)
    left = RigidTransform.from_quaternion((1.0, 2.0, 3.0), (0.0, 0.0, math.sin(half),
                                                             math.cos(half)))
    np.testing.assert_allclose(left.apply([1.0, 0.0, 0.0]), [1.0, 3.0, 3.0], atol=1e-12)
    same = RigidTransform.from_rpy((1.0, 2.0, 3.0), 0.0, 0.0, math.radians(90.0))
    np.testing.assert_allclose(left.rotation, same.rotation, atol=1e-12)


def test_rpy_is_about_fixed_axes_in_turn():
    whole = RigidTransform.from_rpy((0, 0, 0), 0.3, -0.2, 1.1)
    parts = (RigidTransform.from_rpy((0, 0, 0), 0, 0, 1.1)
             @ RigidTransform.from_rpy((0, 0, 0), 0, -0.2, 0)
             @ RigidTransform.from_rpy((0, 0, 0), 0.3, 0, 0))
    np.testing.assert_allclose(whole.rotation, parts.rotation, atol=1e-12)


def test_inverse_and_chain():
    one = RigidTransform.from_rpy((0.1, -0.2, 0.3), 0.3, -0.2, 1.1)
    points = np.random.default_rng(0).normal(size=(4, 5, 3))
    np.testing.assert_allclose(one.inverse().apply(one.apply(points)), points, atol=1e-12)
    other = RigidTransform.from_rpy((1.0, 0.0, 0.0), 0.0, 0.5, 0.0)
    np.testing.assert_allclose((other @ one).apply(points), other.apply(one.apply(points)))
    np.testing.assert_allclose((one @ one.inverse()).rotation, RigidTransform.identity().rotation,
                               atol=1e-12)


@pytest.mark.parametrize(('rotation', 'translation'), [
    (np.eye(3) * 2.0, np.zeros(3)), (np.diag([1.0, 1.0, -1.0]), np.zeros(3)),
    (np.full((3, 3), np.nan), np.zeros(3)), (np.eye(3), np.zeros(2)),
    (np.eye(3), np.array([0.0, np.inf, 0.0]))])
def test_no_transform(rotation, translation):
    with pytest.raises(ValueError, match='rotation|transform'):
        RigidTransform(rotation, translation)


def test_no_quaternion():
    with pytest.raises(ValueError, match='quaternion'):
        RigidTransform.from_quaternion((0, 0, 0), (0, 0, 0, 0))

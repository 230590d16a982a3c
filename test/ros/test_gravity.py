"""Which way is up by an IMU: from its orientation, else from what it accelerates. No ROS 2."""

from types import SimpleNamespace as Message

import numpy as np
import pytest

from dvd_ros.ros.gravity import UpFromImu

SECOND = 1_000_000_000


def imu(acceleration=(0.0, 0.0, 9.8), xyzw=(0.0, 0.0, 0.0, 1.0), oriented=-1.0, measured=0.0):
    x, y, z = acceleration
    qx, qy, qz, qw = xyzw
    return Message(
        orientation=Message(x=qx, y=qy, z=qz, w=qw), orientation_covariance=[oriented] + [0.0] * 8,
        linear_acceleration=Message(x=x, y=y, z=z),
        linear_acceleration_covariance=[measured] + [0.0] * 8)


def test_an_orientation_tells_up():
    up = UpFromImu()
    # pitched 30 degrees about y: the nose, x, points down
    half = np.radians(15)
    xyzw = (0.0, np.sin(half), 0.0, np.cos(half))
    assert np.allclose(up.take(imu((9.8, 0, 0), xyzw, 0.01), 0), [-0.5, 0, np.sqrt(0.75)])
    # an orientation that is said to be none, or is no rotation, does not count
    for nothing in (imu((9.8, 0, 0), xyzw), imu((9.8, 0, 0), (0.0, 0.0, 0.0, 0.0), 0.0),
                    imu((9.8, 0, 0), oriented=0.0)):
        assert np.allclose(UpFromImu().take(nothing, 0), [1, 0, 0])


def test_accelerations_are_averaged_and_jolts_left_out():
    up = UpFromImu()
    noise = np.random.default_rng(0).normal(0, 1.0, (400, 3))
    for index, jitter in enumerate(noise):
        found = up.take(imu(np.array([0.0, 9.8, 0.0]) + jitter), index * SECOND // 100)
    assert found @ [0, 1, 0] > np.cos(np.radians(2))
    jolted = up.take(imu((30.0, 0.0, 0.0)), 400 * SECOND // 100)
    assert np.array_equal(jolted, found)
    # after a gap what was is forgotten
    assert np.allclose(up.take(imu((9.8, 0.0, 0.0)), 100 * SECOND), [1, 0, 0])


@pytest.mark.parametrize('message', [imu(measured=-1.0), imu((np.nan, 0, 0)), imu((0, 0, 0))])
def test_a_message_that_tells_nothing(message):
    assert UpFromImu().take(message, 0) is None

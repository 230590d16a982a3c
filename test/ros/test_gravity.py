"""Which way is down by an IMU: from its orientation, else from what it accelerates. No ROS 2."""

from types import SimpleNamespace as Message

import numpy as np
import pytest

from dvd_ros.ros.gravity import ImuError, down_from_imu


def imu(acceleration=(0.0, 0.0, 9.8), xyzw=(0.0, 0.0, 0.0, 1.0), oriented=-1.0, measured=0.0):
    x, y, z = acceleration
    qx, qy, qz, qw = xyzw
    return Message(
        orientation=Message(x=qx, y=qy, z=qz, w=qw), orientation_covariance=[oriented] + [0.0] * 8,
        linear_acceleration=Message(x=x, y=y, z=z),
        linear_acceleration_covariance=[measured] + [0.0] * 8)


def test_an_orientation_counts_more_than_an_acceleration():
    # pitched 30 degrees about y: the nose, x, points down
    xyzw = (0.0, np.sin(np.radians(15)), 0.0, np.cos(np.radians(15)))
    down = down_from_imu(imu((9.8, 0, 0), xyzw, oriented=0.01))
    assert np.allclose(down, [0.5, 0, -np.sqrt(0.75)])


@pytest.mark.parametrize('message', [
    imu((1.0, 0, 9.7), (0.0, 0.6, 0.0, 0.8)),
    imu((1.0, 0, 9.7), (0.0, 0.0, 0.0, 0.0), oriented=0.0),
    imu((1.0, 0, 9.7), oriented=0.0),
])
def test_an_orientation_that_is_none_does_not_count(message):
    assert np.allclose(down_from_imu(message), [-1.0, 0, -9.7])


@pytest.mark.parametrize('message', [imu(measured=-1.0), imu((np.nan, 0, 0)), imu((0, 0, 0)),
                                     imu((9, 9, 9))])
def test_a_message_that_tells_nothing(message):
    with pytest.raises(ImuError, match='acceleration'):
        down_from_imu(message)

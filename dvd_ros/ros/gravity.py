"""Which way is down, from the messages of an inertial measurement unit; numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from dvd_ros.geometry.transform import RigidTransform

# m/s^2. What differs by more from standard gravity is a jolt.
_GRAVITY, _JOLT = 9.80665, 3.0


class ImuError(ValueError):
    """A message of an IMU does not tell where down is."""


def down_from_imu(message: Any) -> np.ndarray:
    """The direction of gravity by a `sensor_msgs/Imu`, or any object with its fields.

    Where the message has an orientation (REP-145: of the IMU in a frame whose z is up) that is
    taken, as who made it knows more than one sample tells. Else the acceleration is, which points
    up at rest. A message that says of its orientation that it has none (covariance -1), or has the
    one of an empty message, has none.

    Returns
    -------
    numpy.ndarray
        float64 [3], a vector that points down, in the frame of the message.

    Raises
    ------
    ImuError
        where it has neither, or is being shaken.

    """
    down = _of_orientation(message)
    if down is not None:
        return down
    if message.linear_acceleration_covariance[0] == -1:
        raise ImuError('an IMU without orientation and acceleration')
    vector = message.linear_acceleration
    up = np.array([vector.x, vector.y, vector.z], float)
    length = float(np.linalg.norm(up))
    if not abs(length - _GRAVITY) < _JOLT:
        raise ImuError(f'an acceleration of {length:.1f} m/s^2 is not gravity alone')
    return -up


def _of_orientation(message: Any) -> np.ndarray | None:
    q = message.orientation
    if message.orientation_covariance[0] == -1 or (q.x, q.y, q.z, q.w) == (0.0, 0.0, 0.0, 1.0):
        return None
    try:
        turn = RigidTransform.from_quaternion((0.0, 0.0, 0.0), (q.x, q.y, q.z, q.w))
    except ValueError:
        return None
    # Row 2 is the world's z, up, in the IMU's axes.
    return -turn.rotation[2]

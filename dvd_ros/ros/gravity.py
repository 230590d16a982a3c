"""Which way is up, from the messages of an inertial measurement unit; numpy only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dvd_ros.ros.pose import Pose

# Seconds over which accelerations are averaged: longer than a jolt, shorter than a slope.
_AVERAGED = 1.0
# m/s^2. What differs by more from standard gravity is a jolt and left out.
_GRAVITY, _JOLT = 9.80665, 3.0


class UpFromImu:
    """Follows the direction that is up in the frame of an IMU.

    Where the message has an orientation (REP-145: of the IMU in a frame whose z is up) that is
    taken, as who made it knows more than one sample tells. Else the acceleration is, which at rest
    points up, averaged over a second of message stamps. A message that says of an orientation that
    it has none (covariance -1), or has the one of an empty message, has none.
    """

    def __init__(self) -> None:
        self._mean: np.ndarray | None = None
        self._last = 0

    def take(self, message: Any, stamp: int) -> np.ndarray | None:
        """The unit vector that points up, in the IMU's frame.

        Parameters
        ----------
        message:
            a `sensor_msgs/Imu`, or any object with its fields.
        stamp:
            of the message, ns.

        Returns
        -------
        numpy.ndarray or None
            float64 [3]; None where the message tells neither.

        """
        up = _of_orientation(message)
        if up is None:
            self._average(message, stamp)
            up = self._mean
        length = 0.0 if up is None else float(np.linalg.norm(up))
        return up / length if up is not None and length > 0.0 else None

    def _average(self, message: Any, stamp: int) -> None:
        vector = message.linear_acceleration
        sample = np.array([vector.x, vector.y, vector.z], float)
        if message.linear_acceleration_covariance[0] == -1 or not np.isfinite(sample).all() or \
                abs(np.linalg.norm(sample) - _GRAVITY) > _JOLT:
            return
        step = (stamp - self._last) * 1e-9
        if self._mean is None or not 0.0 <= step < _AVERAGED:
            self._mean = sample
        else:
            self._mean += (1.0 - math.exp(-step / _AVERAGED)) * (sample - self._mean)
        self._last = stamp


def _of_orientation(message: Any) -> np.ndarray | None:
    q = message.orientation
    if message.orientation_covariance[0] == -1 or (q.x, q.y, q.z, q.w) == (0.0, 0.0, 0.0, 1.0):
        return None
    try:
        return Pose.from_quaternion((0.0, 0.0, 0.0), (q.x, q.y, q.z, q.w)).rotation[2]
    except ValueError:
        return None

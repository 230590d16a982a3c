"""Poses that users write down as text; numpy only."""

from __future__ import annotations

import math

from dvd_ros.geometry.transform import RigidTransform

# How far from 1 the length of a quaternion may be, by rounding; else it is something else.
_UNIT = 1e-2


def pose_from_text(text: str) -> RigidTransform:
    """Read `'x y z roll pitch yaw'` or `'x y z qx qy qz qw'`: metres, radians.

    Numbers are separated by spaces or commas. Roll, pitch and yaw turn about the fixed axes x, y
    and z in this order, as in URDF and `static_transform_publisher`.

    Returns
    -------
    RigidTransform
        from the frame whose pose it is to the frame in which it is given.

    Raises
    ------
    ValueError
        where it is something else.

    """
    try:
        values = [float(word) for word in text.replace(',', ' ').split()]
    except ValueError:
        values = []
    if len(values) == 6 and all(math.isfinite(value) for value in values):
        return RigidTransform.from_rpy(tuple(values[:3]), *values[3:])
    if len(values) == 7 and abs(math.hypot(*values[3:]) - 1.0) < _UNIT:
        return RigidTransform.from_quaternion(tuple(values[:3]), tuple(values[3:]))
    raise ValueError("a pose is 'x y z roll pitch yaw' or 'x y z qx qy qz qw' in metres and "
                     f'radians (the quaternion of length 1), got {text!r}')

"""Laser scans and single range readings to arrays; numpy only.

By REP-117 a reading of +Inf says that nothing was hit, -Inf that something was too near to measure
and NaN that the reading failed: none of them is a distance.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def points_from_scan(message: Any) -> np.ndarray:
    """The points that a `sensor_msgs/LaserScan` hit, or any object with its fields.

    Returns float32 [N,3], metres in the frame of the message, where the beams lie in the plane
    z = 0 and angles count from x to y. Readings outside of `range_min` .. `range_max` are left out.
    """
    ranges = np.asarray(message.ranges, np.float32)
    angles = message.angle_min + message.angle_increment * np.arange(len(ranges))
    good = np.isfinite(ranges) & (ranges > 0.0) & (ranges >= message.range_min)
    if message.range_max > 0.0:
        good &= ranges <= message.range_max
    ranges, angles = ranges[good], angles[good]
    return np.stack([ranges * np.cos(angles), ranges * np.sin(angles), np.zeros_like(ranges)],
                    axis=-1).astype(np.float32)


def range_from_message(message: Any) -> float:
    """Distance along the beam of a `sensor_msgs/Range`, or any object with its fields.

    Metres; NaN where there is no reading within `min_range` .. `max_range`.
    """
    value = float(message.range)
    low, high = float(message.min_range), float(message.max_range)
    good = math.isfinite(value) and value > 0.0 and value >= low and (high <= 0.0 or value <= high)
    return value if good else math.nan

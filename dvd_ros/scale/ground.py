"""Metric scale from the height of the camera above a flat floor."""

from __future__ import annotations

import math
import threading

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.points import rays
from dvd_ros.scale.floor import find_floor
from dvd_ros.scale.observation import Observation, Silence
from dvd_ros.scale.readings import Readings

# Pixels that are looked at.
_PIXELS = 8192


class GroundSource:
    """
    A flat floor (road, lawn) at a known distance below the camera.

    1/Z of a floor pixel is n.r / height, r its ray with z = 1 and n the unit vector down, in the
    optical frame. Floor pixels are found in the disparity itself (see find_floor).

    Parameters
    ----------
    height
        Of the camera above the floor, metres.
    pitch, roll
        Of the camera, radians: pitch > 0 looks down, roll > 0 leans to the right (REP-103).
    name
        What diagnostics call it.
    height_sigma
        Relative standard deviation of the height.
    tilt_sigma
        Standard deviation of pitch and roll, radians.
    tolerance
        Gravity is averaged over so many seconds before and after the image (a robot's own
        acceleration is short); none in that time is a fault.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    """

    def __init__(self, height: float, pitch: float = 0.0, roll: float = 0.0,
                 name: str = 'ground', height_sigma: float = 0.03, tilt_sigma: float = 0.01,
                 tolerance: float = 0.2) -> None:
        if not (height > 0.0 and math.isfinite(height)):
            raise ValueError(f'height must be more than 0 metres, got {height}')
        if not 0.0 <= height_sigma < 1.0:
            raise ValueError(f'height_sigma must be in 0..1, got {height_sigma}')
        if not 0.0 <= tilt_sigma < 1.0:
            raise ValueError(f'tilt_sigma must be in 0..1 radians, got {tilt_sigma}')
        self.name = name
        self._height, self._height_sigma, self._tilt_sigma = height, height_sigma, tilt_sigma
        self._lock = threading.Lock()
        self._down = down_vector(pitch, roll)
        self._gravity: Readings[np.ndarray] = Readings(tolerance, length=1024)
        self._pushed = False
        self._rays: tuple[object, np.ndarray] | None = None

    def set_orientation(self, pitch: float, roll: float) -> None:
        """
        Set pitch and roll, radians, from now on; used where no gravity is pushed.

        Raises ValueError if one is not finite.
        """
        down = down_vector(pitch, roll)
        with self._lock:
            self._down = down

    def push_gravity(self, stamp: int, down: np.ndarray) -> None:
        """
        Take the direction of gravity, a vector [3] of any length in the camera's optical frame.

        ``stamp`` in ns. An accelerometer at rest measures the opposite: the way up.
        """
        vector = np.asarray(down, np.float64)
        length = float(np.linalg.norm(vector)) if vector.shape == (3,) else math.nan
        if not (math.isfinite(length) and length > 1e-6):
            self._pushed = True
            self._gravity.refuse(f'gravity has no direction: {vector.tolist()}')
            return
        self._pushed = True
        self._gravity.add(stamp, vector / length)

    def observe(self, stamp: int, intrinsics: Intrinsics | None,
                disparity: np.ndarray) -> Observation | Silence:
        """Find the floor in a frame; see ScaleSource."""
        if intrinsics is None:
            return Silence('the camera has no intrinsics: no camera_info')
        down = self._down_at(stamp)
        if isinstance(down, Silence):
            return down
        height, width = disparity.shape
        step = max(1, math.isqrt(height * width // _PIXELS))
        camera = intrinsics.scaled(width, height)
        if self._rays is None or self._rays[0] != camera:
            self._rays = camera, rays(camera)[step // 2::step, step // 2::step].astype(np.float64)
        slope = (self._rays[1] @ down).ravel()
        d = disparity[step // 2::step, step // 2::step].ravel().astype(np.float64)
        floor = find_floor(d, slope)
        if isinstance(floor, Silence):
            return floor
        inverse = slope[floor] / self._height
        # An error of tilt moves all of the floor: it does not average out.
        bias = math.hypot(self._height_sigma, self._tilt_sigma / float(np.median(slope[floor])))
        return Observation(d[floor], inverse, 0.02 * inverse, bias)

    def _down_at(self, stamp: int) -> np.ndarray | Silence:
        """Return the unit vector down at a time."""
        if not self._pushed:
            with self._lock:
                return self._down
        found = self._gravity.nearest(stamp)
        if isinstance(found, Silence):
            return Silence(f'gravity: {found.reason}')
        mean = np.mean(self._gravity.around(stamp) or [found[1]], axis=0)
        length = float(np.linalg.norm(mean))
        if length < 0.5:
            return Silence('gravity: its readings point everywhere')
        return mean / length


def down_vector(pitch: float, roll: float) -> np.ndarray:
    """
    Return the unit vector down [3] in the optical frame of a camera (x right, y down, z forward).

    Radians by REP-103: pitch > 0 looks down, roll > 0 leans to the right. Raises ValueError if
    one is not finite.
    """
    if not (math.isfinite(pitch) and math.isfinite(roll)):
        raise ValueError(f'pitch and roll must be finite radians, got {pitch} and {roll}')
    return np.array([math.sin(roll) * math.cos(pitch), math.cos(roll) * math.cos(pitch),
                     math.sin(pitch)])

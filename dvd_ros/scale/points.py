"""Metric scale from a point cloud or a laser scan."""

from __future__ import annotations

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.scale.observation import Observation, Silence
from dvd_ros.scale.projection import observe_depths, project, seen
from dvd_ros.scale.readings import Readings

# Most points that are kept of a message; more cost memory and add nothing.
POINTS = 16384


class PointsSource:
    """
    Points of a lidar, radar, laser scan or sparse map, projected into the camera.

    Parameters
    ----------
    name
        What diagnostics call it.
    extrinsics
        From the points' frame to the camera's optical frame; None: not known yet, until set.
        ``extrinsics`` may be set at any time, from TF for instance.
    frame_id
        The frame that the extrinsics are of; None: any. Points of another frame are refused.
    tolerance
        How far apart in time points and image may be, seconds.
    relative_sigma, bias
        Relative standard deviation of a reading by itself, and of what all have in common.
    min_range, max_range
        Distances from the sensor that are readings, metres.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    """

    def __init__(self, name: str = 'points', extrinsics: RigidTransform | None = None,
                 frame_id: str | None = None, tolerance: float = 0.1,
                 relative_sigma: float = 0.02, bias: float = 0.01, min_range: float = 0.1,
                 max_range: float = 200.0) -> None:
        check_reading(relative_sigma, bias, min_range, max_range)
        self.name = name
        self.extrinsics = extrinsics
        self.frame_id = frame_id
        self._relative_sigma, self._bias = relative_sigma, bias
        self._min_range, self._max_range = min_range, max_range
        self._readings: Readings[np.ndarray] = Readings(tolerance)

    def push(self, stamp: int, points: np.ndarray, frame_id: str = '') -> None:
        """Take points [N,3] (or [...,3]) in metres, in the sensor's frame; stamp in ns."""
        if self.frame_id is not None and frame_id != self.frame_id:
            self._readings.refuse(f'wrong frame: got {frame_id!r}, needs {self.frame_id!r}')
            return
        points = np.asarray(points)
        if points.ndim < 2 or points.shape[-1] != 3:
            self._readings.refuse(f'points must be [N, 3], got {list(points.shape)}')
            return
        points = points.reshape(-1, 3)
        with np.errstate(over='ignore', invalid='ignore'):
            distance = np.sqrt(np.square(points, dtype=np.float64).sum(axis=1))
        index = np.flatnonzero((distance >= self._min_range) & (distance <= self._max_range))
        if index.size == 0:
            self._readings.refuse(f'no valid reading among {len(points)} points')
            return
        # A copy: the message's memory is not ours.
        self._readings.add(stamp, points[thinned(index)].astype(np.float32))

    def observe(self, stamp: int, intrinsics: Intrinsics | None,
                disparity: np.ndarray) -> Observation | Silence:
        """Compare a frame with the points nearest in time; see ScaleSource."""
        found = self._readings.nearest(stamp)
        if isinstance(found, Silence):
            return found
        if intrinsics is None:
            return Silence('the camera has no intrinsics: no camera_info')
        extrinsics = self.extrinsics
        if extrinsics is None:
            return Silence(f'no extrinsics from {self.frame_id or "its frame"!r} to the camera')
        camera = intrinsics.scaled(disparity.shape[1], disparity.shape[0])
        columns, rows, z = project(extrinsics.apply(found[1]), camera)
        keep = seen(columns, rows, z, camera)
        return observe_depths(columns[keep], rows[keep], z[keep], disparity, self._relative_sigma,
                              self._bias)


def thinned(index: np.ndarray) -> np.ndarray:
    """Return at most POINTS of ``index`` [N], evenly chosen."""
    if index.size <= POINTS:
        return index
    return index[(np.arange(POINTS) * index.size) // POINTS]


def check_reading(relative_sigma: float, bias: float, min_range: float,
                  max_range: float) -> None:
    """Raise ValueError, naming the value, unless all are what a sensor can have."""
    if not 0.0 < relative_sigma < 1.0:
        raise ValueError(f'relative_sigma must be in 0..1, not 0, got {relative_sigma}')
    if not 0.0 <= bias < 1.0:
        raise ValueError(f'bias must be in 0..1, got {bias}')
    if not 0.0 <= min_range < max_range:
        raise ValueError(f'ranges need 0 <= min_range < max_range metres, got {min_range} and '
                         f'{max_range}')

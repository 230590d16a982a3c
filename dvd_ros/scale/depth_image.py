"""Metric scale from a depth camera: RGB-D, stereo, time of flight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.scale.observation import Observation, Silence
from dvd_ros.scale.points import check_reading, thinned
from dvd_ros.scale.projection import observe_depths, project, seen
from dvd_ros.scale.readings import Readings


@dataclass(frozen=True, eq=False)
class _Pixels:
    """The valid pixels of a depth image."""

    u: np.ndarray       # float32 [N]
    v: np.ndarray
    z: np.ndarray       # float32 [N], metres
    height: int
    width: int
    intrinsics: Intrinsics | None


class DepthImageSource:
    """
    A depth image, registered to the colour camera or of a camera of its own.

    Parameters
    ----------
    name
        What diagnostics call it.
    extrinsics
        From the depth camera's optical frame to the colour camera's; None: depth is registered,
        its pixels are the image's up to a resize. May be set at any time.
    frame_id
        The frame that depth images must have; None: any. Others are refused.
    tolerance
        How far apart in time depth and image may be, seconds.
    relative_sigma, bias
        Relative standard deviation of a reading by itself, and of what all have in common.
    min_range, max_range
        Depths that are readings, metres.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    """

    def __init__(self, name: str = 'depth_image', extrinsics: RigidTransform | None = None,
                 frame_id: str | None = None, tolerance: float = 0.05,
                 relative_sigma: float = 0.02, bias: float = 0.01, min_range: float = 0.1,
                 max_range: float = 100.0) -> None:
        check_reading(relative_sigma, bias, min_range, max_range)
        self.name = name
        self.extrinsics = extrinsics
        self.frame_id = frame_id
        self._relative_sigma, self._bias = relative_sigma, bias
        self._min_range, self._max_range = min_range, max_range
        # Frames leave the stream a window later than they came: what was read then must be there.
        self._readings: Readings[_Pixels] = Readings(tolerance, length=128)

    def push(self, stamp: int, depth: np.ndarray, intrinsics: Intrinsics | None = None,
             frame_id: str = '') -> None:
        """
        Take a depth image.

        ``stamp`` is in ns; ``depth`` [h,w] metres along the optical axis, of any size, where
        what is not finite, not positive or out of range is none; ``intrinsics`` the depth
        camera's, needed where it has extrinsics.
        """
        if self.frame_id is not None and frame_id != self.frame_id:
            self._readings.refuse(f'wrong frame: got {frame_id!r}, needs {self.frame_id!r}')
            return
        depth = np.asarray(depth)
        if depth.ndim != 2:
            self._readings.refuse(f'a depth image must be [h, w], got {list(depth.shape)}')
            return
        height, width = depth.shape
        if intrinsics is not None and (intrinsics.height, intrinsics.width) != (height, width):
            self._readings.refuse(f'depth image is {width}x{height}, its camera_info '
                                  f'{intrinsics.width}x{intrinsics.height}')
            return
        flat = depth.ravel()
        # The comparisons leave NaN and infinity out.
        index = np.flatnonzero((flat >= max(self._min_range, 1e-6)) & (flat <= self._max_range))
        if index.size == 0:
            self._readings.refuse('no valid reading in the depth image')
            return
        index = thinned(index)
        self._readings.add(stamp, _Pixels(
            (index % width).astype(np.float32), (index // width).astype(np.float32),
            flat[index].astype(np.float32), height, width, intrinsics))

    def observe(self, stamp: int, intrinsics: Intrinsics | None,
                disparity: np.ndarray) -> Observation | Silence:
        """Compare a frame with the depth image nearest in time; see ScaleSource."""
        found = self._readings.nearest(stamp)
        if isinstance(found, Silence):
            return found
        pixels, extrinsics = found[1], self.extrinsics
        height, width = disparity.shape
        if extrinsics is None:
            columns = np.floor((pixels.u + 0.5) * (width / pixels.width)).astype(np.int64)
            rows = np.floor((pixels.v + 0.5) * (height / pixels.height)).astype(np.int64)
            return observe_depths(columns.clip(0, width - 1), rows.clip(0, height - 1), pixels.z,
                                  disparity, self._relative_sigma, self._bias)
        if pixels.intrinsics is None:
            return Silence('the depth camera has no intrinsics: no camera_info')
        if intrinsics is None:
            return Silence('the camera has no intrinsics: no camera_info')
        camera, own = intrinsics.scaled(width, height), pixels.intrinsics
        points = np.stack([(pixels.u - own.cx) / own.fx, (pixels.v - own.cy) / own.fy,
                           np.ones_like(pixels.z)], axis=1) * pixels.z[:, None]
        columns, rows, z = project(extrinsics.apply(points), camera)
        keep = seen(columns, rows, z, camera)
        return observe_depths(columns[keep], rows[keep], z[keep], disparity, self._relative_sigma,
                              self._bias)

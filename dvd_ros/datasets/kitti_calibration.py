"""
Where KITTI's lidar and its inertial unit are from a camera.

Of ``calib_cam_to_cam.txt``, ``calib_velo_to_cam.txt`` and ``calib_imu_to_velo.txt``: x =
P_rect_02 R_rect_00 T_velo_to_cam X. Source: readme.txt of KITTI raw; oxts as pykitti does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dvd_ros.datasets.sequence import BadSample
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.datasets.tables import chained, inverted
from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.transform import RigidTransform

_EARTH_RADIUS = 6378137.0
# The lidar is above the camera and sees behind what the camera sees: points farther than the
# nearest in a window of so many pixels (width, height) by this factor and metres are hidden.
_WINDOW, _BEHIND, _BEHIND_METRES = (11, 9), 1.25, 0.5


@dataclass(frozen=True, eq=False)
class Calibration:
    """``velodyne`` [3,4] takes points to the camera; ``imu`` [3,4] the camera's to the unit's."""

    intrinsics: Intrinsics
    velodyne: np.ndarray
    imu: np.ndarray | None

    @classmethod
    def read(cls, folder: Path, camera: int, skipped: Skipped) -> Calibration | None:
        """Read it of the folder of a day; None if missing or damaged, counted in ``skipped``."""
        cams = _fields(folder / 'calib_cam_to_cam.txt', skipped)
        velo = _fields(folder / 'calib_velo_to_cam.txt', skipped)
        imu = _fields(folder / 'calib_imu_to_velo.txt', skipped)
        if cams is None or velo is None:
            return None
        try:
            projection = cams[f'P_rect_{camera:02d}'].reshape(3, 4)
            width, height = (int(value) for value in cams[f'S_rect_{camera:02d}'])
            k = projection[:, :3]
            rectified = np.column_stack([cams['R_rect_00'].reshape(3, 3), np.zeros(3)])
            # P is K [I | t]: t leads from camera 0 to this one.
            this = np.column_stack([np.eye(3), np.linalg.solve(k, projection[:, 3])])
            velodyne = chained(this, chained(rectified, _rigid(velo)))
            intrinsics = Intrinsics(width, height, k[0, 0], k[1, 1], k[0, 2], k[1, 2])
        except (KeyError, ValueError, np.linalg.LinAlgError) as error:
            skipped.add(BadSample(folder, 'damaged calibration', str(error)), whole_file=True)
            return None
        to_imu = None
        if imu is not None and {'R', 'T'} <= imu.keys():
            to_imu = inverted(chained(velodyne, _rigid(imu)))
        return cls(intrinsics, velodyne, to_imu)

    def read_sweep(self, path: Path) -> np.ndarray:
        """Project a sweep (float32 x y z reflectance): float32 [H,W] metres, NaN where none."""
        values = np.fromfile(path, '<f4')
        if not values.size or values.size % 4 or path.stat().st_size % 16:
            raise ValueError(f'a sweep has 16 bytes per point, got {path.stat().st_size} bytes')
        points = values.reshape(-1, 4)[:, :3] @ self.velodyne[:, :3].T + self.velodyne[:, 3]
        points = points[points[:, 2] > 0.1]
        camera, z = self.intrinsics, points[:, 2]
        u = np.round(camera.fx * points[:, 0] / z + camera.cx).astype(int)
        v = np.round(camera.fy * points[:, 1] / z + camera.cy).astype(int)
        seen = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
        depth = np.full((camera.height, camera.width), np.inf, np.float32)
        np.minimum.at(depth, (v[seen], u[seen]), z[seen].astype(np.float32))
        nearest = cv2.erode(depth, np.ones(_WINDOW[::-1], np.uint8))
        shown = np.isfinite(depth) & (depth <= _BEHIND * nearest + _BEHIND_METRES)
        return np.where(shown, depth, np.float32(np.nan))


def oxts_poses(folder: Path, numbers: list[int], skipped: Skipped) -> dict[int, np.ndarray]:
    """Poses [3,4] of the inertial unit, to east-north-up about the first; what is there."""
    poses: dict[int, np.ndarray] = {}
    if not folder.is_dir():
        skipped.add(BadSample(folder, 'missing poses'), whole_file=True)
        return poses
    scale, origin = None, np.zeros(3)
    for number in numbers:
        path = folder / f'{number:010d}.txt'
        try:
            lat, lon, altitude, roll, pitch, yaw = (
                float(value) for value in path.read_text().split()[:6])
        except (OSError, ValueError) as error:
            reason = 'damaged pose' if path.is_file() else 'missing pose'
            skipped.add(BadSample(path, reason, str(error)), whole_file=True)
            continue
        first = scale is None
        scale = np.cos(np.radians(lat)) if scale is None else scale
        place = np.array([
            scale * np.radians(lon) * _EARTH_RADIUS,
            scale * _EARTH_RADIUS * np.log(np.tan(np.radians(90.0 + lat) / 2.0)), altitude])
        origin = place if first else origin
        turn = RigidTransform.from_rpy((0.0, 0.0, 0.0), roll, pitch, yaw).rotation
        poses[number] = np.column_stack([turn, place - origin])
    return poses


def _rigid(fields: dict[str, np.ndarray]) -> np.ndarray:
    return np.column_stack([fields['R'].reshape(3, 3), fields['T']])


def _fields(path: Path, skipped: Skipped) -> dict[str, np.ndarray] | None:
    """The lines `name: numbers` of a file."""
    if not path.is_file():
        skipped.add(BadSample(path, 'missing calibration'), whole_file=True)
        return None
    fields = {}
    for line in path.read_text().splitlines():
        name, _, values = line.partition(':')
        try:
            fields[name] = np.array([float(value) for value in values.split()])
        except ValueError:
            continue  # the date
    return fields

"""
TartanAir (Wang et al., IROS 2020) and TartanAir V2.

V1: ``ENV/{Easy,Hard}/PXXX/{image_left/000000_left.png,depth_left/000000_left_depth.npy}`` and
``pose_left.txt``. V2: ``ENV/Data_{easy,hard}/PXXX/{image_lcam_front/000000_lcam_front.png,
depth_lcam_front/000000_lcam_front_depth.png}`` and ``pose_lcam_front.txt``; its depth PNG holds
the four bytes of a little-endian float32 as the channels of a pixel.

Depth is along the optical axis in metres. The engine draws the sky on a distant sphere ("e.g.
10000"): 1000 m and more is taken as sky. Each line of poses is tx ty tz qx qy qz qw of the camera
in a fixed frame, both north-east-down: the camera's axes are forward, right, down. As stated,
fx = fy = cx = 320; V1 is 640x480 with cy = 240, V2 640x640 with cy = 320. Stamps are nominal,
10 Hz. The splits are Easy and Hard.

Source: data_type.md of castacks/tartanair_tools; docs of castacks/tartanairpy.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dvd_ros.datasets.files import FileSequence, FrameFiles, paired
from dvd_ros.datasets.reader import Reader
from dvd_ros.datasets.sequence import Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.datasets.tables import quaternion_pose, read_table
from dvd_ros.geometry.intrinsics import Intrinsics

_RATE = 10.0
_SKY = 1000.0
_CAMERAS = {'left': Intrinsics(640, 480, 320.0, 320.0, 320.0, 240.0),
            'lcam_front': Intrinsics(640, 640, 320.0, 320.0, 320.0, 320.0)}
# Columns: right, down, forward of the optical frame in the axes forward, right, down.
_OPTICAL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def _read_depth(path: Path) -> np.ndarray:
    if path.suffix == '.npy':
        depth = np.load(path)
    else:
        raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if raw is None or raw.dtype != np.uint8 or raw.ndim != 3 or raw.shape[2] != 4:
            raise ValueError('should be a PNG with four channels of 8 bit')
        depth = raw.view('<f4')[..., 0]
    if depth.ndim != 2 or depth.dtype.kind != 'f':
        raise ValueError(f'should be float [H,W], got {depth.dtype} {list(depth.shape)}')
    depth = np.where(depth > 0.0, depth, np.nan).astype(np.float32)
    return np.where(depth >= _SKY, np.float32(np.inf), depth)


def _trajectories(folder: Path) -> list[tuple[Path, str]]:
    """The folders PXXX and the name of their camera."""
    return sorted((path.parent, path.name.removeprefix('image_'))
                  for depth in range(5)  # V1 unpacks to ENV/ENV/Easy/PXXX
                  for camera in _CAMERAS
                  for path in folder.glob('*/' * depth + f'image_{camera}'))


def _name(path: Path, folder: Path) -> str:
    inside = path.relative_to(folder)
    return str(inside) if inside.parts else path.resolve().name


def _sequences(folder: Path, split: str, skipped: Skipped) -> list[Sequence]:
    if split and split.lower() not in ('easy', 'hard'):
        raise ValueError(f'the splits of tartanair are Easy and Hard, got {split!r}')
    found: list[Sequence] = []
    for place, camera in _trajectories(folder):
        level = place.resolve().parent.name.lower().removeprefix('data_')
        if split and level != split.lower():
            continue
        rgb, depth = place / f'image_{camera}', place / f'depth_{camera}'
        number_of = '{:06d}_' + camera
        suffix = 'npy' if camera == 'left' else 'png'
        pairs = paired(rgb, f'{number_of}.png', depth, f'{number_of}_depth.{suffix}', skipped)
        if not pairs:
            continue
        rows = read_table(place / f'pose_{camera}.txt', 7, skipped)
        frames = []
        for number, image, truth in pairs:
            pose = None if rows is None or number >= len(rows) else quaternion_pose(rows[number])
            if pose is not None:
                pose = np.column_stack([pose[:, :3] @ _OPTICAL, pose[:, 3]])
            frames.append(FrameFiles(image, truth, round(number * 1e9 / _RATE), _CAMERAS[camera],
                                     pose))
        found.append(FileSequence(_name(place, folder), frames, _read_depth))
    return found


READER = Reader('tartanair', 'ENV/{Easy,Hard}/PXXX/{image_left,depth_left}/, pose_left.txt',
                lambda folder: bool(_trajectories(folder)), _sequences)

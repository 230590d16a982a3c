"""
Virtual KITTI 2 (Cabon, Murray, Humenberger, 2020).

``SceneXX/VARIANT/frames/{rgb,depth}/Camera_{0,1}/{rgb_00000.jpg,depth_00000.png}`` with
``intrinsic.txt`` (frame cameraID fx fy cx cy) and ``extrinsic.txt`` (frame cameraID and a 4x4
matrix, world to camera) beside ``frames``, both with a line of headings; or the three archives
unpacked apart, as ``vkitti_2.0.3_{rgb,depth,textgt}/SceneXX/...``. Depth is along the
optical axis in cm, 16 bit; 65535 is farther than 655.35 m: sky. The camera frame is the optical
one. Stamps are nominal: 10 Hz, as KITTI's.

Source: the data set's page at Naver Labs Europe, "Formats description".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dvd_ros.capture.source import read_depth_image
from dvd_ros.datasets.files import FileSequence, FrameFiles, paired
from dvd_ros.datasets.reader import Reader, no_split
from dvd_ros.datasets.sequence import Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.datasets.tables import inverted, read_table, row_pose
from dvd_ros.geometry.intrinsics import Intrinsics

_RATE = 10.0
_WIDTH, _HEIGHT = 1242, 375
_SKY = 65535


def _read_depth(path: Path) -> np.ndarray:
    raw = read_depth_image(path)
    depth = np.where(raw == _SKY, np.float32(np.inf), raw / np.float32(100.0))
    return np.where(raw > 0, depth, np.float32(np.nan))


def _roots(folder: Path) -> dict[str, Path]:
    """Where images, depth and lists are: three folders where the archives are unpacked apart."""
    apart = {part: folder / f'vkitti_2.0.3_{part}' for part in ('rgb', 'depth', 'textgt')}
    return apart if apart['depth'].is_dir() else dict.fromkeys(apart, folder)


def _variants(folder: Path) -> list[Path]:
    """What holds ``frames``, from the folder on: SceneXX/VARIANT, or less of it."""
    roots = _roots(folder)
    return sorted({path.parent.relative_to(roots[part])
                   for pattern in ('frames', '*/frames', '*/*/frames') for part in ('rgb', 'depth')
                   for path in roots[part].glob(pattern) if (path / part).is_dir()})


def _sequences(folder: Path, split: str, skipped: Skipped, camera: int = 0) -> list[Sequence]:
    no_split('vkitti2', split)
    found: list[Sequence] = []
    roots = _roots(folder)
    for variant in _variants(folder):
        rgb, depth = (roots[part] / variant / 'frames' / part / f'Camera_{camera}'
                      for part in ('rgb', 'depth'))
        pairs = paired(rgb, 'rgb_{:05d}.jpg', depth, 'depth_{:05d}.png', skipped)
        if not pairs:
            continue
        lists = roots['textgt'] / variant
        cameras = read_table(lists / 'intrinsic.txt', 6, skipped, 'intrinsics', header=1)
        poses = read_table(lists / 'extrinsic.txt', 18, skipped, header=1)
        intrinsics = {} if cameras is None else {
            int(row[0]): Intrinsics(_WIDTH, _HEIGHT, *row[2:6])
            for row in cameras if row[1] == camera and (row[2:4] > 0).all()}
        to_camera = {} if poses is None else {
            int(row[0]): row_pose(row[2:]) for row in poses if row[1] == camera}
        frames = []
        for number, image, truth in pairs:
            pose = to_camera.get(number)
            frames.append(FrameFiles(image, truth, round(number * 1e9 / _RATE),
                                     intrinsics.get(number),
                                     None if pose is None else inverted(pose)))
        place = (roots['depth'] / variant).resolve()
        found.append(FileSequence(f'{place.parent.name}/{place.name}', frames, _read_depth))
    return found


READER = Reader('vkitti2', 'SceneXX/VARIANT/frames/{rgb,depth}/Camera_{0,1}/, intrinsic.txt, '
                'extrinsic.txt', lambda folder: bool(_variants(folder)), _sequences, ('camera',))

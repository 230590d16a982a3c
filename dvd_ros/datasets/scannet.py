"""
ScanNet (Dai et al., CVPR 2017) as its SensReader exports it.

``sceneXXXX_XX/{color/0.jpg,depth/0.png,pose/0.txt}`` and ``intrinsic/intrinsic_color.txt``. Colour
is 1296x968, depth 640x480 in mm, 0 for none, seen by the colour camera: the image is brought to
the depth's size (by area), so that no depth is invented. A pose is 4x4, camera to world, and not
finite where tracking was lost. Stamps are nominal, 30 Hz. A split is a list of scenes such as
``scannetv2_val.txt`` in the folder or above it.

Source: SensReader/python of ScanNet/ScanNet, and its README ("Data Organization").
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from dvd_ros.datasets.files import (
    FileSequence,
    FrameFiles,
    metres_png,
    numbered,
    paired,
    read_or_bad,
)
from dvd_ros.datasets.reader import Reader
from dvd_ros.datasets.sequence import BadSample, Sample, Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.datasets.tables import read_table, row_pose
from dvd_ros.geometry.intrinsics import Intrinsics

_RATE = 30.0
_WIDTH, _HEIGHT = 1296, 968
# How far the two grids may differ in shape: 1296x968 and 640x480 do by 0.4 %.
_SHAPE_TOLERANCE = 0.02


class _Scene(FileSequence):
    def __getitem__(self, index: int) -> Sample:
        # Poses are millions of files: not read before they are needed.
        sample = super().__getitem__(index)
        image = self.files[index].image
        path = image.parents[1] / 'pose' / f'{image.stem}.txt'
        if not path.is_file():
            return sample  # counted when the scene was listed
        return replace(sample, pose=row_pose(read_or_bad(_read_matrix, path, 'pose')))

    def fit(self, image: np.ndarray, depth: np.ndarray) -> np.ndarray:
        height, width = depth.shape
        wide = image.shape[1] / image.shape[0] * height / width
        if abs(wide - 1.0) > _SHAPE_TOLERANCE:
            return image  # refused as of another size
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _read_matrix(path: Path) -> np.ndarray:
    values = np.array([float(value) for value in path.read_text().split()])
    if values.size != 16:
        raise ValueError(f'a pose has 16 numbers, got {values.size}')
    return values


def _scenes(folder: Path) -> list[Path]:
    return sorted(path.parent for depth in range(3)
                  for path in folder.glob('*/' * depth + 'color')
                  if (path.parent / 'depth').is_dir() and path.is_dir())


def _listed(folder: Path, split: str) -> set[str]:
    for path in (folder / f'scannetv2_{split}.txt', folder.parent / f'scannetv2_{split}.txt'):
        if path.is_file():
            return set(path.read_text().split())
    raise ValueError(f'split {split!r} of scannet needs the list scannetv2_{split}.txt in {folder} '
                     'or above it: it is in Tasks/Benchmark of the repository ScanNet/ScanNet')


def _sequences(folder: Path, split: str, skipped: Skipped) -> list[Sequence]:
    wanted = _listed(folder, split) if split else None
    found: list[Sequence] = []
    for scene in _scenes(folder):
        name = scene.resolve().name
        if wanted is not None and name not in wanted:
            continue
        pairs = paired(scene / 'color', '{:d}.jpg', scene / 'depth', '{:d}.png', skipped)
        if not pairs:
            continue
        k = read_table(scene / 'intrinsic' / 'intrinsic_color.txt', 4, skipped, 'intrinsics')
        camera = (None if k is None or len(k) < 3 or min(k[0, 0], k[1, 1]) <= 0 else
                  Intrinsics(_WIDTH, _HEIGHT, k[0, 0], k[1, 1], k[0, 2], k[1, 2]))
        poses = numbered(scene / 'pose', '{:d}.txt')
        for number in [number for number, _, _ in pairs if number not in poses]:
            skipped.add(BadSample(scene / 'pose' / f'{number}.txt', 'missing pose'), True)
        frames = [FrameFiles(image, truth, round(number * 1e9 / _RATE), camera)
                  for number, image, truth in pairs]
        found.append(_Scene(name, frames, metres_png(1000.0)))
    return found


READER = Reader('scannet', 'sceneXXXX_XX/{color,depth,pose,intrinsic}/',
                lambda folder: bool(_scenes(folder)), _sequences)

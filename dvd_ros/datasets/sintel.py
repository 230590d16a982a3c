"""
MPI Sintel with depth (Butler et al., ECCV 2012; depth and cameras of 2015), for evaluation.

``training/{clean,final}/SEQ/frame_0001.png``, ``training/depth/SEQ/frame_0001.dpt``,
``training/camdata_left/SEQ/frame_0001.cam``. Both begin with the float 202021.25. A .dpt goes on
with int32 width, int32 height and float32 depth along the optical axis row by row, in the film's
own units, which are taken as metres; nothing was hit where it is 1e6 and more: sky. A .cam goes on
with float64 K [3,3] and [R|t] [3,4], world to camera. 24 frames per second.

Source: sintel_io.py of the data set's depth and camera package.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dvd_ros.datasets.files import FileSequence, FrameFiles, paired
from dvd_ros.datasets.reader import Reader, no_split
from dvd_ros.datasets.sequence import BadSample, Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.datasets.tables import inverted, row_pose
from dvd_ros.geometry.intrinsics import Intrinsics

_TAG = np.float32(202021.25)
_RATE = 24.0
_SKY = 1e6
_WIDTH, _HEIGHT = 1024, 436


def _read_depth(path: Path) -> np.ndarray:
    data = path.read_bytes()
    if len(data) < 12 or np.frombuffer(data, '<f4', 1)[0] != _TAG:
        raise ValueError('does not begin with 202021.25')
    width, height = (int(value) for value in np.frombuffer(data, '<i4', 2, 4))
    if width < 1 or height < 1 or len(data) != 12 + 4 * width * height:
        raise ValueError(f'should hold {width}x{height} values, is {len(data)} bytes long')
    depth = np.frombuffer(data, '<f4', offset=12).reshape(height, width)
    depth = np.where(depth > 0.0, depth, np.float32(np.nan))
    return np.where(depth >= _SKY, np.float32(np.inf), depth)


def _read_camera(path: Path, skipped: Skipped) -> tuple[Intrinsics | None, np.ndarray | None]:
    if not path.is_file():
        skipped.add(BadSample(path, 'missing camera'), whole_file=True)
        return None, None
    data = path.read_bytes()
    try:
        if len(data) != 4 + 8 * 21 or np.frombuffer(data, '<f4', 1)[0] != _TAG:
            raise ValueError(f'no .cam file, {len(data)} bytes')
        values = np.frombuffer(data[4:], '<f8')
        k, to_camera = values[:9].reshape(3, 3), row_pose(values[9:])
        camera = Intrinsics(_WIDTH, _HEIGHT, k[0, 0], k[1, 1], k[0, 2], k[1, 2])
    except ValueError as error:
        skipped.add(BadSample(path, 'damaged camera', str(error)), whole_file=True)
        return None, None
    return camera, None if to_camera is None else inverted(to_camera)


def _root(folder: Path) -> Path | None:
    return next((path for path in (folder / 'training', folder)
                 if any((path / name).is_dir() for name in ('clean', 'final'))
                 and (path / 'depth').is_dir()), None)


def _sequences(folder: Path, split: str, skipped: Skipped,
               rendering: str = 'final') -> list[Sequence]:
    no_split('sintel', split)
    if rendering not in ('clean', 'final'):
        raise ValueError(f'the renderings of sintel are clean and final, got {rendering!r}')
    root = _root(folder)
    assert root is not None  # as matches has found
    names = {path.name for part in (rendering, 'depth') for path in (root / part).glob('*/')}
    found: list[Sequence] = []
    for name in sorted(names):
        rgb, depth = root / rendering / name, root / 'depth' / name
        cameras = root / 'camdata_left' / name
        frames = [FrameFiles(image, truth, round((number - 1) * 1e9 / _RATE),
                             *_read_camera(cameras / f'frame_{number:04d}.cam', skipped))
                  for number, image, truth in paired(rgb, 'frame_{:04d}.png', depth,
                                                     'frame_{:04d}.dpt', skipped)]
        if frames:
            found.append(FileSequence(name, frames, _read_depth))
    return found


READER = Reader('sintel', 'training/{clean,final}/SEQ/*.png, training/depth/SEQ/*.dpt, '
                'training/camdata_left/SEQ/*.cam', lambda folder: _root(folder) is not None,
                _sequences, ('rendering',))

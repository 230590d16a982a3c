"""
NYU Depth v2 (Silberman et al., ECCV 2012): 1449 labelled stills, and what is extracted of it.

``nyu_depth_v2_labeled.mat`` (HDF5; as HDF5 sees it images uint8 [N,3,W,H] and depths float32
[N,W,H], metres, holes filled in), each a sequence of one frame named by its number from 1, as in
``splits.mat`` (trainNdxs 795, testNdxs 654), which the splits train and test need.

Or folders as the loaders of BTS and others take them: ``SCENE/{rgb_00045.jpg,
sync_depth_00045.png}`` below ``official_splits/{train,test}`` (stills), ``sync`` or the folder
itself (sequences in the order of time, stamps nominal, 30 Hz); depth in mm, 0 for none. Images
have a white border of some pixels; distortion is taken out of the labelled ones.

Source: page of the data set and its toolbox (camera_params.m); bts_dataloader.py of cleinc/bts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dvd_ros.datasets.files import FileSequence, FrameFiles, check_size, metres_png, paired
from dvd_ros.datasets.hdf5 import h5py_module, read_array
from dvd_ros.datasets.reader import Reader
from dvd_ros.datasets.sequence import BadSample, Sample, Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.geometry.intrinsics import Intrinsics

_LABELLED = 'nyu_depth_v2_labeled.mat'
_CAMERA = Intrinsics(640, 480, 518.857901, 519.469611, 325.582449, 253.736166)
_RATE = 30.0
_RGB, _DEPTH = 'rgb_{:05d}.jpg', 'sync_depth_{:05d}.png'


class _Still:
    def __init__(self, path: Path, number: int) -> None:
        self.name, self._path, self._number = f'{number:04d}', path, number

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        if index != 0:
            raise IndexError(f'{self.name} is a still image, asked for frame {index}')
        part = 'image'
        try:
            image = read_array(self._path, 'images', self._number - 1).transpose(2, 1, 0)
            part = 'depth'
            depth = read_array(self._path, 'depths', self._number - 1).T.astype(np.float32)
        except (OSError, ValueError, KeyError) as error:
            raise BadSample(self._path, f'damaged {part}', str(error)) from error
        check_size(image, depth, self._path)
        height, width = depth.shape
        return Sample(np.ascontiguousarray(image),
                      np.where(depth > 0.0, depth, np.float32(np.nan)), 0,
                      _CAMERA.scaled(width, height))


def _labelled(path: Path, split: str, skipped: Skipped) -> list[Sequence]:
    try:
        with h5py_module().File(path, 'r') as file:
            count, depths = len(file['images']), len(file['depths'])
    except (OSError, KeyError) as error:
        skipped.add(BadSample(path, 'damaged file', str(error)), whole_file=True)
        return []
    for number in range(depths + 1, count + 1):
        skipped.add(BadSample(path, 'missing depth', f'of image {number}'))
    numbers = list(range(1, min(count, depths) + 1))
    if split:
        chosen = _numbers(path.parent / 'splits.mat', split)
        numbers = [number for number in numbers if number in chosen]
    return [_Still(path, number) for number in numbers]


def _numbers(path: Path, split: str) -> set[int]:
    if split not in ('train', 'test') or not path.is_file():
        raise ValueError(f'nyuv2 has the splits train and test of {path}, got {split!r}')
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError('splits.mat needs SciPy: pip install -r requirements/datasets.txt'
                          ) from error
    return {int(number) for number in loadmat(path)[f'{split}Ndxs'].ravel()}


def _scenes(folder: Path) -> list[Path]:
    return sorted({path.parent for depth in range(5)
                   for name in ('rgb_*[0-9].jpg', 'sync_depth_*[0-9].png')
                   for path in folder.glob('*/' * depth + name)})


def _extracted(folder: Path, split: str, skipped: Skipped) -> list[Sequence]:
    if split not in ('', 'train', 'test'):
        raise ValueError(f'the splits of nyuv2 are train and test, got {split!r}')
    found: list[Sequence] = []
    for scene in _scenes(folder):
        part = scene.resolve().parent.name
        if split and part != split:
            continue
        pairs = paired(scene, _RGB, scene, _DEPTH, skipped)
        stills = part in ('train', 'test')
        name = '/'.join(scene.relative_to(folder).parts) or scene.resolve().name
        frames = [FrameFiles(image, truth, 0 if stills else round(number * 1e9 / _RATE), _CAMERA)
                  for number, image, truth in pairs]
        if stills:
            found += [FileSequence(f'{name}/{frame.image.stem.removeprefix("rgb_")}', [frame],
                                   metres_png(1000.0)) for frame in frames]
        elif frames:
            found.append(FileSequence(name, frames, metres_png(1000.0)))
    return found


def _sequences(folder: Path, split: str, skipped: Skipped) -> list[Sequence]:
    path = folder / _LABELLED
    read = _labelled(path, split, skipped) if path.is_file() else []
    return read or _extracted(folder, split, skipped)


READER = Reader('nyuv2', f'{_LABELLED}, or SCENE/{{rgb_00045.jpg,sync_depth_00045.png}}',
                lambda folder: (folder / _LABELLED).is_file() or bool(_scenes(folder)),
                _sequences)

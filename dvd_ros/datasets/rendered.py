"""
The scenes that this package renders itself.

Shards of `dvd_ros.training.render.render_folder` (``shard_*.npz``: images uint8 [N,T,H,W,3] RGB,
disparity float16 [N,T,H,W] in 1/m, 0 for sky), or clips of `dvd-ros render` (see
capture.demo_clip), one or a folder of them. A shard states no rate, camera or pose: stamps are
nominal.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dvd_ros.capture.demo_clip import CAMERA, DEPTH, VIDEO, is_clip
from dvd_ros.capture.folder import ClipFolder
from dvd_ros.capture.source import DEFAULT_RATE, read_camera
from dvd_ros.datasets.files import check_size
from dvd_ros.datasets.reader import Reader, no_split
from dvd_ros.datasets.sequence import BadSample, Sample, Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.stream.frame import Frame


class _Stored(NamedTuple):
    """An array inside an npz that is not compressed."""

    path: Path
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]

    @classmethod
    def of(cls, path: Path, name: str) -> _Stored:
        # np.load would read 50 MB of a shard for one frame of it.
        with zipfile.ZipFile(path) as archive, path.open('rb') as file:
            entry = archive.getinfo(f'{name}.npy')
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f'{name} is compressed')
            file.seek(entry.header_offset + 26)
            name_bytes, extra_bytes = np.fromfile(file, '<u2', 2)
            file.seek(entry.header_offset + 30 + int(name_bytes) + int(extra_bytes))
            version = np.lib.format.read_magic(file)
            read = (np.lib.format.read_array_header_1_0 if version == (1, 0)
                    else np.lib.format.read_array_header_2_0)
            shape, fortran, dtype = read(file)
            if fortran:
                raise ValueError(f'{name} is in the order of Fortran')
            return cls(path, file.tell(), dtype, shape)

    def frame(self, clip: int, index: int) -> np.ndarray:
        each = int(np.prod(self.shape[2:]))
        first = (clip * self.shape[1] + index) * each
        values = np.fromfile(self.path, self.dtype, each,
                             offset=self.offset + first * self.dtype.itemsize)
        return values.reshape(self.shape[2:])


class _ShardClip:
    def __init__(self, images: _Stored, disparity: _Stored, clip: int) -> None:
        self.name = f'{images.path.stem}/{clip:03d}'
        self._images, self._disparity, self._clip = images, disparity, clip

    def __len__(self) -> int:
        return self._images.shape[1]

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f'{self.name} has {len(self)} frames, asked for {index}')
        try:
            image = self._images.frame(self._clip, index)
            disparity = self._disparity.frame(self._clip, index).astype(np.float32)
        except (OSError, ValueError) as error:
            raise BadSample(self._images.path, 'damaged shard', str(error)) from error
        with np.errstate(divide='ignore'):
            depth = np.where(disparity >= 0.0, 1.0 / np.abs(disparity), np.float32(np.nan))
        return Sample(image, depth, round(index * 1e9 / DEFAULT_RATE))


class _Clip:
    """A clip; reading it in order is quick, going back decodes it from the start."""

    def __init__(self, name: str, folder: Path, length: int) -> None:
        self.name, self._folder, self._length = name, folder, length
        self._capture: ClipFolder | None = None
        self._frames: Iterator[Frame] = iter(())
        self._next = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f'{self.name} has {len(self)} frames, asked for {index}')
        capture = self._opened()
        if index < self._next or self._next == 0:
            self._frames, self._next = iter(capture), 0
        frame = None
        while self._next <= index:
            frame = next(self._frames, None)
            self._next += 1
        if frame is None or index >= (capture.length or 0):
            raise BadSample(self._folder / VIDEO, 'damaged clip', f'it ends before frame {index}')
        depth = capture.truth(index)
        assert depth is not None  # a clip has one for each of its length
        check_size(frame.image, depth, self._folder / DEPTH)
        return Sample(frame.image, depth, frame.stamp, frame.intrinsics)

    def _opened(self) -> ClipFolder:
        if self._capture is None:
            try:
                self._capture = ClipFolder(self._folder)
            except (OSError, ValueError, zipfile.BadZipFile) as error:
                at_fault = VIDEO if VIDEO in str(error) else DEPTH
                raise BadSample(self._folder / at_fault, 'damaged clip', str(error)) from error
        return self._capture


def _matches(folder: Path) -> bool:
    return bool(any(folder.glob('shard_*[0-9].npz')) or _clips(folder))


def _clips(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.iterdir()) if is_clip(path)]


def _sequences(folder: Path, split: str, skipped: Skipped) -> list[Sequence]:
    no_split('rendered', split)
    found: list[Sequence] = []
    for path in folder.glob('shard_*[0-9].npz'):
        try:
            images, disparity = _Stored.of(path, 'images'), _Stored.of(path, 'disparity')
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            skipped.add(BadSample(path, 'damaged shard', str(error)), whole_file=True)
            continue
        if images.shape[:4] != disparity.shape or images.dtype != np.uint8:
            skipped.add(BadSample(path, 'depth of another size'), whole_file=True)
            continue
        found += [_ShardClip(images, disparity, clip) for clip in range(images.shape[0])]
    for path in _clips(folder):
        try:
            length = int(read_camera(path)[1]['frames'])
        except (ValueError, TypeError, KeyError) as error:
            skipped.add(BadSample(path / CAMERA, 'damaged camera', str(error)), whole_file=True)
            continue
        found.append(_Clip(path.resolve().name, path, length))
    return found


READER = Reader('rendered', 'shard_*.npz of render_folder, or clips of `dvd-ros render` '
                '(camera.json, clip.mp4, clip_depth.npz)', _matches, _sequences)

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

import numpy as np

from dvd_ros.capture.demo_clip import CAMERA, DEPTH, VIDEO, is_clip
from dvd_ros.capture.folder import ClipFolder
from dvd_ros.capture.source import DEFAULT_RATE, read_camera
from dvd_ros.datasets.files import check_size
from dvd_ros.datasets.reader import Reader, no_split
from dvd_ros.datasets.sequence import BadSample, Sample, Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.datasets.stored_array import StoredArray
from dvd_ros.stream.frame import Frame


class _ShardClip:
    def __init__(self, images: StoredArray, disparity: StoredArray, clip: int) -> None:
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
            images, disparity = StoredArray.of(path, 'images'), StoredArray.of(path, 'disparity')
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

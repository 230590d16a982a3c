"""Windows of frames cut from a folder of ordinary videos."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from dvd_ros.capture import Capture, open_capture

_log = logging.getLogger(__name__)
# Cut from frames this much larger than a view, so that views of one window differ.
_SPARE = 1.25


class VideoWindows:
    """
    Windows of successive frames, uint8 in memory, spread evenly over all videos of a folder.

    folder: video files, and folders that open_capture reads (images, RGB-D, clips); or itself one
    of these. frames: of a window. size: (H, W) of a view in pixels; frames are kept just large
    enough to cut views from. memory: bytes that the windows may take in all.

    Raises FileNotFoundError where there is no folder, ValueError where no source in it has a
    window of frames; a source that cannot be read is passed over with a warning.
    """

    def __init__(self, folder: Path, frames: int, size: tuple[int, int],
                 memory: float = 2e9) -> None:
        if not folder.exists():
            raise FileNotFoundError(f'there is no {folder}: give a folder of videos')
        self._size = size
        sources = list(_sources(folder))
        tall, wide = (round(_SPARE * n) for n in size)
        most = int(memory / (frames * tall * wide * 4 * max(1, len(sources))))
        self._windows = [window for source in sources
                         for window in _cut(source, frames, (tall, wide), max(1, most))]
        if not self._windows:
            raise ValueError(f'no source of {folder} has {frames} frames in a row that can be '
                             f'read ({len(sources)} sources were tried)')

    def __len__(self) -> int:
        return len(self._windows)

    def batch(self, rng: np.random.Generator, count: int, frames: int) -> torch.Tensor:
        """Give random views, mirrored half of the time: [B,T,3,H,W] in -1..1."""
        height, width = self._size
        views = []
        for _ in range(count):
            window = self._windows[int(rng.integers(len(self)))]
            first = int(rng.integers(len(window) - frames + 1))
            y = int(rng.integers(window.shape[1] - height + 1))
            x = int(rng.integers(window.shape[2] - width + 1))
            view = window[first:first + frames, y:y + height, x:x + width]
            views.append(view[:, :, ::-1] if rng.random() < 0.5 else view)
        video = torch.from_numpy(np.stack(views)).permute(0, 1, 4, 2, 3)
        return video.float().div_(127.5).sub_(1)


def _sources(folder: Path) -> Iterator[Capture]:
    """The folder as one source, if it is one; else those in it."""
    try:
        yield open_capture(folder)
        return
    except (ValueError, OSError):
        pass
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith('.'):
            continue
        try:
            yield open_capture(path)
        except (ValueError, OSError) as error:
            _log.warning('%s is passed over: %s', path, error)


def _cut(source: Capture, frames: int, least: tuple[int, int], most: int) -> Iterator[np.ndarray]:
    """Up to ``most`` windows [T,h,w,3] of a source, evenly spaced where its length is known."""
    gap = max(0, (source.length or 0) // most - frames)
    images = (frame.image for frame in source)
    try:
        for _ in range(most):
            window = [_cover(image, least) for image in islice(images, frames)]
            if len(window) < frames or any(one.shape != window[0].shape for one in window):
                return
            yield np.stack(window)
            for _ in islice(images, gap):
                pass
    except ValueError as error:
        _log.warning('%s ends early: %s', source.name, error)


def _cover(image: np.ndarray, least: tuple[int, int]) -> np.ndarray:
    """An image scaled to cover (H, W), no larger."""
    scale = max(least[0] / image.shape[0], least[1] / image.shape[1])
    size = (max(least[1], round(image.shape[1] * scale)),
            max(least[0], round(image.shape[0] * scale)))
    return cv2.resize(image, size,
                      interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)

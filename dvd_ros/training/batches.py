"""Batches of training views, cut at random from the rendered shards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import cv2
import numpy as np
import torch

from dvd_ros.training.clips import disparity_range, find_shards


@dataclass(frozen=True)
class Batch:
    """images [B,T,3,H,W] in -1..1; target [B,T,H,W], normalised disparity in 0..1.

    relative [B,T,H,W]: what an error of 1 in the target is of the true disparity there, so that
    ``relative * |error|`` is close to the relative error of depth.
    """

    images: torch.Tensor
    target: torch.Tensor
    relative: torch.Tensor


class Scenes:
    """All clips of some folders of shards in memory, as uint8 images and float16 disparity."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Raises FileNotFoundError when a folder holds no shard."""
        self._images: list[np.ndarray] = []
        self._disparity: list[np.ndarray] = []
        for path in (path for folder in folders for path in find_shards(folder)):
            with np.load(path) as data:
                self._images.append(data['images'])
                self._disparity.append(data['disparity'])
        self._starts = np.cumsum([0, *(len(shard) for shard in self._images)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def view(self, rng: np.random.Generator, frames: int,
             size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """A random part of a random clip, mirrored half of the time.

        Returns images uint8 [T,h,w,3] and disparity float32 [T,h,w] in 1/m. The part is not so
        small that it would be enlarged by more than an eighth, nor below two thirds.
        """
        index = int(rng.integers(len(self)))
        shard = int(np.searchsorted(self._starts, index, 'right')) - 1
        images = self._images[shard][index - self._starts[shard]]
        disparity = self._disparity[shard][index - self._starts[shard]]
        first = int(rng.integers(len(images) - frames + 1))
        height, width = images.shape[1:3]
        part = 1 / rng.uniform(1.0, np.clip(1.125 * height / size[0], 1.0, 1.5))
        tall, wide = int(height * part), int(width * part)
        y, x = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        cut = (slice(first, first + frames), slice(y, y + tall), slice(x, x + wide))

        def fit(stack: np.ndarray) -> np.ndarray:
            return np.stack([cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA)
                             for frame in stack])
        # OpenCV has no float16.
        rgb, depth = fit(images[cut]), fit(disparity[cut].astype(np.float32))
        if rng.random() < 0.5:
            rgb, depth = rgb[:, :, ::-1], depth[:, :, ::-1]
        return rgb, depth

    def batch(self, rng: np.random.Generator, count: int, frames: int,
              size: tuple[int, int]) -> Batch:
        """``count`` views, each normalised by itself."""
        images, targets, relatives = [], [], []
        for _ in range(count):
            rgb, true = self.view(rng, frames, size)
            low, span = disparity_range(true)
            images.append(rgb)
            targets.append(np.clip((true - low) / span, 0, 1))
            # Where depth goes to infinity a relative error would drown all others.
            relatives.append(span / np.maximum(true, 0.2 * span))
        video = torch.from_numpy(np.stack(images)).permute(0, 1, 4, 2, 3)
        return Batch(video.float().div_(127.5).sub_(1), torch.from_numpy(np.stack(targets)),
                     torch.from_numpy(np.stack(relatives)))


Made = TypeVar('Made')


class Prefetch(Generic[Made]):
    """Calls ``make(step)`` one step ahead, in a thread of its own."""

    def __init__(self, make: Callable[[int], Made]) -> None:
        self._make, self._pool = make, ThreadPoolExecutor(1)
        self._next: tuple[int, Future[Made]] | None = None

    def __call__(self, step: int) -> Made:
        """What ``make(step)`` returns."""
        kept = self._next
        result = kept[1].result() if kept and kept[0] == step else self._make(step)
        self._next = (step + 1, self._pool.submit(self._make, step + 1))
        return result

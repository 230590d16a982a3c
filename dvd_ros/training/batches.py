"""Batches of training views, cut at random from the rendered shards."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from dvd_ros.evaluation.align import MAX_DEPTH
from dvd_ros.training.clips import disparity_range, find_shards

# Views by name: images [B,T,3,H,W] in -1..1; target [B,T,H,W], normalised disparity in 0..1;
# true [B,T,H,W], disparity from 0 at infinity, in the units of the target; 0 as well where depth is
# beyond MAX_DEPTH, which no metric counts.
Views = dict[str, torch.Tensor]


def clips_for(images: int) -> int:
    """How many clips of 13 frames cost about as much as so many images."""
    return max(1, images // 10)


class Clips:
    """Clips in memory, and views cut from them: what Scenes and FreshScenes share."""

    def __len__(self) -> int:
        raise NotImplementedError

    def clip(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 [T,H,W,3] and disparity [T,H,W] in 1/m of a clip."""
        raise NotImplementedError

    def view(self, rng: np.random.Generator, frames: int, size: tuple[int, int],
             squeeze: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """A random part of a random clip, mirrored half of the time.

        Returns images uint8 [T,h,w,3] and disparity float32 [T,h,w] in 1/m. The part is not so
        small that it would be enlarged by more than an eighth, nor below two thirds, but where it
        is cut to the shape of ``size``; with a ``squeeze`` above 1 up to so much wider or narrower
        than that, as images of cameras are fitted to the network's size whatever their shape is.
        """
        index = int(rng.integers(len(self)))
        images, disparity = self.clip(index)
        first = int(rng.integers(len(images) - frames + 1))
        height, width = images.shape[1:3]
        most = 1.125 * min(height / size[0], width / size[1])
        part = 1 / rng.uniform(1.0, np.clip(most, 1.0, 1.5))
        tall, wide = int(height * part), int(width * part)
        aspect = size[1] / size[0] * squeeze ** rng.uniform(-1, 1)
        tall, wide = min(tall, round(wide / aspect)), min(wide, round(tall * aspect))
        y, x = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        cut = (slice(first, first + frames), slice(y, y + tall), slice(x, x + wide))
        rgb, depth = _fitted(images[cut], size), _fitted(disparity[cut], size)
        if rng.random() < 0.5:
            rgb, depth = rgb[:, :, ::-1], depth[:, :, ::-1]
        return rgb, depth

    def batch(self, rng: np.random.Generator, count: int, frames: int, size: tuple[int, int],
              squeeze: float = 1.0) -> Views:
        """``count`` views, each normalised by itself; squeeze: see view."""
        return _normalised([self.view(rng, frames, size, squeeze) for _ in range(count)])

    def whole(self, indices: Iterable[int], size: tuple[int, int]) -> Views:
        """Clips from edge to edge, as the node sees them, fitted to ``size``."""
        return _normalised([(_fitted(images, size), _fitted(disparity, size))
                            for images, disparity in map(self.clip, indices)])


def _fitted(stack: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Frames [T,H,W] or [T,H,W,3] in another size; float16 becomes float32."""
    # OpenCV has no float16.
    stack = stack.astype(np.float32) if stack.dtype == np.float16 else stack
    return np.stack([cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA)
                     for frame in stack])


def _normalised(views: Sequence[tuple[np.ndarray, np.ndarray]]) -> Views:
    images, targets, trues = [], [], []
    for rgb, true in views:
        low, span = disparity_range(true)
        images.append(rgb)
        targets.append(np.clip((true - low) / span, 0, 1))
        trues.append(np.where(true >= 1 / MAX_DEPTH, true / span, 0).astype(np.float32))
    video = torch.from_numpy(np.stack(images)).permute(0, 1, 4, 2, 3)
    return {'images': video.float().div_(127.5).sub_(1),
            'target': torch.from_numpy(np.stack(targets)),
            'true': torch.from_numpy(np.stack(trues))}


class Scenes(Clips):
    """All clips of some folders of shards in memory, as uint8 images and float16 disparity."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Raises FileNotFoundError when a folder holds no shard, ValueError for a damaged one."""
        self._images: list[np.ndarray] = []
        self._disparity: list[np.ndarray] = []
        for path in (path for folder in folders for path in find_shards(folder)):
            try:
                with np.load(path) as data:
                    self._images.append(data['images'])
                    self._disparity.append(data['disparity'])
            except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
                raise ValueError(f'{path} is no whole shard of rendered clips ({error}); delete '
                                 'it, and it is rendered again') from error
        self._starts = np.cumsum([0, *(len(shard) for shard in self._images)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def clip(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """See Clips."""
        shard = int(np.searchsorted(self._starts, index, 'right')) - 1
        within = index - self._starts[shard]
        return self._images[shard][within], self._disparity[shard][within]

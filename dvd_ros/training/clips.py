"""Rendered shards as training clips: images and normalised disparity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np


def find_shards(folder: Path) -> list[Path]:
    """The finished shards of ``render_folder``, in order; FileNotFoundError if there is none."""
    shards = sorted(folder.glob('shard_*[0-9].npz'))
    if not shards:
        raise FileNotFoundError(f'no shard_*.npz in {folder}: '
                                'render them first (dvd_ros.training.render.render_folder)')
    return shards


def truncated_disparity(disparity: np.ndarray) -> np.ndarray:
    """Disparity [T,H,W] in 1/m -> 0..1 by its 2 % and 98 % quantiles over the whole clip.

    Source: DVD's truncated-disparity normalisation. A flat clip becomes zeros.
    """
    disparity = disparity.astype(np.float32)
    low, high = np.quantile(disparity, [0.02, 0.98])
    return np.clip((disparity - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def read_clips(shard: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each clip of a shard: images uint8 [T,H,W,3] and disparity float32 [T,H,W] in 0..1."""
    with np.load(shard) as data:
        images, disparity = data['images'], data['disparity']
    for i in range(len(images)):
        yield images[i], truncated_disparity(disparity[i])

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


def disparity_range(disparity: np.ndarray) -> tuple[np.float32, np.float32]:
    """The 2 % quantile of disparity [T,H,W] over the whole clip, and from there to the 98 % one.

    Source: DVD's truncated-disparity normalisation.
    """
    low, high = np.quantile(disparity.astype(np.float32), [0.02, 0.98])
    return np.float32(low), np.float32(max(high - low, 1e-6))


def truncated_disparity(disparity: np.ndarray) -> np.ndarray:
    """Disparity [T,H,W] in 1/m -> float32 0..1 over its ``disparity_range``; a flat clip: 0."""
    low, span = disparity_range(disparity)
    return np.clip((disparity.astype(np.float32) - low) / span, 0, 1)


def read_clips(shard: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each clip of a shard: images uint8 [T,H,W,3] and disparity float32 [T,H,W] in 0..1."""
    with np.load(shard) as data:
        images, disparity = data['images'], data['disparity']
    for i in range(len(images)):
        yield images[i], truncated_disparity(disparity[i])

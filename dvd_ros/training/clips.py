"""Where rendered shards lie, and over what range a clip's disparity is normalised."""

from __future__ import annotations

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

"""A data set that is made up, for what draws views from one."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import dvd_ros.datasets
from dvd_ros.datasets import BadSample, Sample


@dataclass
class Ramps:
    """Frames whose red tells their disparity: a plane that comes nearer from frame to frame."""

    name: str
    frames: int = 12
    size: tuple = (40, 60)
    bad: set = field(default_factory=set)
    unknown: float = 0.0

    def __len__(self):
        return self.frames

    def __getitem__(self, index):
        if index in self.bad:
            raise BadSample(Path(f'{self.name}/{index}.png'), 'damaged image')
        height, width = self.size
        disparity = np.linspace(0.1, 0.5 + 0.02 * index, width)[None] * np.linspace(
            0.6, 1, height)[:, None]
        image = np.zeros((height, width, 3), np.uint8)
        image[..., 0] = np.round(255 * disparity)
        image[..., 1] = index
        depth = (1 / disparity).astype(np.float32)
        depth[:, :round(self.unknown * width)] = np.nan
        return Sample(image, depth, index * 10**8)


@dataclass
class MadeUp:
    kind: str
    sequences: list
    skipped: str = 'skipped 0 frames'


@pytest.fixture
def ramps(monkeypatch):
    """Let open_dataset give what is put into the dict under the folder's name."""
    folders = {'ramps': [Ramps(f'ramp{i}', 12 + i) for i in range(6)]}
    monkeypatch.setattr(dvd_ros.datasets, 'open_dataset',
                        lambda kind, folder, split='', **options: MadeUp(kind, folders[folder]),
                        raising=False)
    return folders


@pytest.fixture
def shards(tmp_path):
    """Clips whose red is their disparity, so that a view shows whether the two stay together."""
    rng = np.random.default_rng(0)
    for start, size in ((0, (48, 64)), (2, (96, 128))):
        ramp = np.linspace(0.1, 1, size[1])[None, None, None] * np.linspace(
            0.5, 1, size[0])[None, None, :, None] * rng.uniform(0.5, 1, (2, 5, 1, 1))
        images = np.zeros((2, 5, *size, 3), np.uint8)
        images[..., 0] = np.round(250 * ramp)
        np.savez(tmp_path / f'shard_{start}.npz', images=images,
                 disparity=ramp.astype(np.float16))
    return tmp_path

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

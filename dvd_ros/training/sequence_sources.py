"""The sequences that views are drawn from, of each source: to train on, or held out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence as Listed
from dataclasses import dataclass

import numpy as np

from dvd_ros.datasets import Sample, Sequence
from dvd_ros.training.finetune_config import FinetuneConfig, Source
from dvd_ros.training.fresh_scenes import FreshScenes
from dvd_ros.training.render import RenderConfig

_FRESH_SEED, _APART = 30_000_000, 50_000_000


class FreshSequence:
    """A place in the ring of FreshScenes: another clip from step to step."""

    def __init__(self, scenes: FreshScenes, index: int, frames: int) -> None:
        self.name, self._scenes, self._index, self._frames = f'fresh/{index}', scenes, index, frames

    def __len__(self) -> int:
        return self._frames

    def __getitem__(self, index: int) -> Sample:
        images, disparity = self._scenes.clip(self._index)
        with np.errstate(divide='ignore'):
            return Sample(images[index], 1 / disparity[index].astype(np.float32), index)


@dataclass
class Sequences:
    """The sequences of one source that are long enough; ``fresh``: what renders them."""

    source: Source
    trained: Listed[Sequence]
    held_out: Listed[Sequence]
    fresh: FreshScenes | None = None


def open_sources(config: FinetuneConfig, rank: int = 0) -> list[Sequences]:
    """
    Open all sources, for process ``rank``.

    A sequence is held out by its name, so that it stays so when others are added; of two or more
    at least one is. Raises what open_dataset raises, and ValueError where no sequence is long
    enough.
    """
    return [(_fresh if source.kind == 'fresh' else _listed)(source, config, rank)
            for source in config.data]


def _listed(source: Source, config: FinetuneConfig, rank: int) -> Sequences:
    from dvd_ros.datasets import open_dataset

    dataset = open_dataset(source.kind, source.folder, source.split, **source.options)
    if rank == 0:
        print(f'{source.folder}: {len(dataset.sequences)} sequences, {dataset.skipped}')
    sampling = config.sampling
    needed = 1 if source.use == 'image' else (sampling.frames - 1) * sampling.strides[0] + 1
    found = [sequence for sequence in dataset.sequences if len(sequence) >= needed]
    if not found:
        longest = max((len(sequence) for sequence in dataset.sequences), default=0)
        raise ValueError(f'{source.folder} ({source.kind}) has no sequence of {needed} frames, '
                         f'the longest has {longest}: set sampling.frames or strides lower, or '
                         'take it for images')
    held = [s for s in found
            if zlib.crc32(s.name.encode()) % 100_000 < sampling.held_out * 100_000]
    if sampling.held_out and len(found) > 1 and len(held) in (0, len(found)):
        held = [found[-1]]
    trained = [sequence for sequence in found if sequence not in held]
    return Sequences(source, trained, held if trained else [])


def _fresh(source: Source, config: FinetuneConfig, rank: int) -> Sequences:
    """kept: clips in memory. views: how often each is seen, about. The rest: RenderConfig."""
    options = dict(source.options)
    sampling = config.sampling
    kept, views = int(options.pop('kept', 64)), float(options.pop('views', 8))
    height, width = source.size or sampling.size
    image = source.use == 'image'
    wanted = {'frames': 1 if image else sampling.frames, 'height': height, 'width': width}
    try:
        render = RenderConfig(**{**wanted, **options})
    except TypeError as error:
        raise ValueError(f'options of a fresh source: {error}; known are kept, views and those of '
                         'rendering (frames, height, width, street, rich, ...)') from error
    if kept < 1 or views <= 0:
        raise ValueError(f'kept={kept} and views={views} of a fresh source must be positive')
    odds, batch = (sampling.image_odds, sampling.image_batch) if image else \
        (1 - sampling.image_odds, sampling.clip_batch)
    total = sum(other.weight for other in config.data if other.use == source.use)
    seen = sampling.rounds * odds * batch * source.weight / total
    seed = _FRESH_SEED + _APART * rank + 10_000_000 * config.data.index(source)
    scenes = FreshScenes(seed, render, kept, max(seen / views, 1e-9), max(1, sampling.workers))
    return Sequences(source, [FreshSequence(scenes, i, render.frames) for i in range(kept)], [],
                     scenes)

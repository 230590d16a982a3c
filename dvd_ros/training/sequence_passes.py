"""Draws the views of every step from data sets: images and clips by odds, the same ones on any
number of processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dvd_ros.datasets import BadSample
from dvd_ros.training.finetune_config import FinetuneConfig
from dvd_ros.training.passes import Batch, Pass, Prefetch
from dvd_ros.training.sequence_sources import Sequences
from dvd_ros.training.views import Cut

_log = logging.getLogger(__name__)
View = dict[str, Tensor]


class Item(NamedTuple):
    """One view of all that are ever drawn: it is what its numbers say, wherever it is made."""

    step: int
    round: int
    place: int
    use: str
    source: int


class ViewSet(Dataset):
    """Views by Item."""

    def __init__(self, config: FinetuneConfig, sources: Sequence[Sequences],
                 held_out: bool = False) -> None:
        self._config, self._sources, self._held_out = config, sources, held_out
        self._told: set[str] = set()

    def __getitem__(self, item: Item) -> View:
        """
        Make a view, and count in ``skipped`` the samples that were bad.

        Another is drawn in the place of a bad one, by the item's own numbers. Raises ValueError
        where too many in a row are bad.
        """
        sampling, bad = self._config.sampling, None
        for attempt in range(sampling.bad_in_a_row):
            rng = np.random.default_rng((self._config.run.seed, item.step, item.round, item.place,
                                         attempt, int(self._held_out)))
            try:
                view = self._draw(item, rng)
            except BadSample as error:
                bad = error
                if str(error) not in self._told:
                    self._told.add(str(error))
                    _log.warning('passed over: %s', error)
                continue
            return {**view, 'skipped': torch.tensor(attempt)}
        raise ValueError(f'{sampling.bad_in_a_row} samples in a row cannot be used (step '
                         f'{item.step}, {self._sources[item.source].source.folder}), the last: '
                         f'{bad}. Is the data set whole?')

    def _draw(self, item: Item, rng: np.random.Generator) -> View:
        sampling, sequences = self._config.sampling, self._sources[item.source]
        source = sequences.source
        found = sequences.held_out if self._held_out else sequences.trained
        if item.use == 'image':
            # Every image is as likely, as in the reference; every clip's sequence, too.
            ends = np.cumsum([len(sequence) for sequence in found])
            which = int(rng.integers(ends[-1]))
            chosen = int(np.searchsorted(ends, which, 'right'))
            sequence, frames = found[chosen], [which - int(ends[chosen] - len(found[chosen]))]
        else:
            sequence = found[int(rng.integers(len(found)))]
            least, most = sampling.strides
            most = min(most, (len(sequence) - 1) // max(1, sampling.frames - 1))
            stride = int(rng.integers(least, most + 1))
            first = int(rng.integers(len(sequence) - stride * (sampling.frames - 1)))
            frames = [first + stride * i for i in range(sampling.frames)]
        cut = Cut(source.size or sampling.size, sampling.crop, sampling.flip, source.far,
                  sampling.least_known)
        return cut.view(sequence.name, [sequence[i] for i in frames], rng)


class SequencePasses:
    """See Passes: the views of a step, shared among the processes and cut into passes."""

    def __init__(self, config: FinetuneConfig, sources: Sequence[Sequences]) -> None:
        self._config, self._sources = config, sources
        self._views = ViewSet(config, sources)
        self._fresh = [one.fresh for one in sources if one.fresh]
        self._following: Iterator[Batch] | None = None
        self._expected = (-1, 0, 0)
        self._made: Prefetch[list[Batch]] | None = None

    def __call__(self, step: int, rank: int, world: int) -> list[Pass]:
        """See Passes; ValueError where a round has fewer views than there are processes."""
        batches = self._rendered(step, rank, world) if self._fresh else \
            self._read(step, rank, world)
        passes = []
        for batch, (_, weight) in zip(batches, self._plan(step, rank, world), strict=True):
            skipped = int(batch['skipped'].sum())
            passes.append(Pass({name: value for name, value in batch.items()
                                if name != 'skipped'}, weight, skipped))
        return passes

    def facts(self) -> dict[str, float]:
        """See Passes."""
        return self._fresh[0].facts() if self._fresh else {}

    def close(self) -> None:
        """End the processes that render."""
        for scenes in self._fresh:
            scenes.__exit__(None, None, None)

    def _plan(self, step: int, rank: int, world: int) -> list[tuple[list[Item], float]]:
        """The passes of a process: items, and the weight of their mean in the step's."""
        sampling, plan = self._config.sampling, []
        for number in range(sampling.rounds):
            rng = np.random.default_rng((self._config.run.seed, step, number))
            use = 'image' if rng.random() < sampling.image_odds else 'clip'
            batch, most = (sampling.image_batch, sampling.images_at_once) if use == 'image' else \
                (sampling.clip_batch, sampling.clips_at_once)
            if batch < world:
                raise ValueError(f'{use}_batch={batch} cannot be shared by {world} processes: '
                                 'give a larger one or fewer processes')
            # One source a round: its views are of one size, as the reference's batches are.
            weights = np.array([one.source.weight * (one.source.use == use)
                                for one in self._sources])
            source = int(rng.choice(len(weights), p=weights / weights.sum()))
            own = [Item(step, number, index, use, source) for index in range(rank, batch, world)]
            for first in range(0, len(own), most):
                part = own[first:first + most]
                plan.append((part, len(part) * world / batch / sampling.rounds))
        return plan

    def _read(self, step: int, rank: int, world: int) -> list[Batch]:
        """From the data loader, which reads ahead; begun anew where a step is out of turn."""
        if self._following is None or (step, rank, world) != self._expected:
            self._following = iter(DataLoader(
                self._views, batch_sampler=_Endless(self, step, rank, world), collate_fn=together,
                num_workers=self._config.sampling.workers))
        self._expected = (step + 1, rank, world)
        return [next(self._following) for _ in self._plan(step, rank, world)]

    def _rendered(self, step: int, rank: int, world: int) -> list[Batch]:
        """In a thread, as the ring of scenes is in this process."""
        def make(step: int) -> list[Batch]:
            for scenes in self._fresh:
                scenes.advance(step)
            return [together([self._views[item] for item in items])
                    for items, _ in self._plan(step, rank, world)]

        self._made = self._made or Prefetch(make)
        return self._made(step)


class _Endless:
    """The items of all passes from a step on, for a DataLoader."""

    def __init__(self, passes: SequencePasses, step: int, rank: int, world: int) -> None:
        self._passes, self._step, self._rank, self._world = passes, step, rank, world

    def __iter__(self) -> Iterator[list[Item]]:
        step = self._step
        while True:
            for items, _ in self._passes._plan(step, self._rank, self._world):
                yield items
            step += 1


def together(views: Sequence[View]) -> dict[str, Any]:
    """Views as one batch."""
    return {name: torch.stack([view[name] for view in views]) for name in views[0]}


def held_out_batches(config: FinetuneConfig, sources: Sequence[Sequences]) -> list[Batch]:
    """Up to ``held_out_views`` views of held-out sequences, one a batch, clips before images."""
    views = ViewSet(config, sources, held_out=True)
    there = [(use, i) for use in ('clip', 'image') for i, one in enumerate(sources)
             if one.held_out and one.source.use == use]
    batches: list[Batch] = []
    for number in range(config.sampling.held_out_views if there else 0):
        use, source = there[number % len(there)]
        view = views[Item(0, 0, number, use, source)]
        view.pop('skipped')
        batches.append(together([view]))
    return batches

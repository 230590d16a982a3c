"""What a process computes in one step: passes, each a batch and its weight in the step's mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, Protocol, TypeVar

from torch import Tensor

Batch = Mapping[str, Tensor]
Made = TypeVar('Made')


class Pass(NamedTuple):
    """
    A batch, tensors [B,...] by name, to run forward and back at once.

    weight: of its mean loss. Over the passes of all processes the weights add up to the number of
    processes, as gradients are averaged over these. skipped: bad samples met on the way.
    """

    batch: Batch
    weight: float = 1.0
    skipped: int = 0


class Passes(Protocol):
    """Gives the passes of a step for process ``rank`` of ``world``; equal for equal arguments."""

    def __call__(self, step: int, rank: int, world: int) -> list[Pass]:
        """What this process is to compute."""

    def facts(self) -> dict[str, float]:
        """What there is to tell of the data at the moment, for the metrics."""


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


class Shared:
    """One batch a step, made whole by every process, of which each takes its share."""

    def __init__(self, make: Callable[[int], Batch],
                 facts: Callable[[], dict[str, float]] = dict) -> None:
        self._batches, self.facts = Prefetch(make), facts

    def __call__(self, step: int, rank: int, world: int) -> list[Pass]:
        """See Passes; ValueError where there are fewer items than processes."""
        batch = self._batches(step)
        count = len(next(iter(batch.values())))
        if count < world:
            raise ValueError(f'a batch of {count} cannot be shared by {world} processes: '
                             'give a larger batch or fewer processes')
        share = {name: value[rank::world] for name, value in batch.items()}
        own = len(next(iter(share.values())))
        return [Pass(share, own * world / count)]


class Drawn:
    """Passes of which every process makes its own one alone; made one step ahead."""

    def __init__(self, make: Callable[[int, int, int], Pass]) -> None:
        """Take ``make(step, rank, world)``, which is to give equal passes for equal arguments."""
        self._make = make
        self._ahead: Prefetch[Pass] | None = None

    def __call__(self, step: int, rank: int, world: int) -> list[Pass]:
        """See Passes."""
        if self._ahead is None:
            self._ahead = Prefetch(lambda step: self._make(step, rank, world))
        return [self._ahead(step)]

    def facts(self) -> dict[str, float]:
        """See Passes."""
        return {}

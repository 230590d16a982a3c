"""Scenes rendered while training: the newest ones in memory, each seen a few times and never again.

What is rendered once and trained on for long is learned by heart.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType

import numpy as np

from dvd_ros.training.batches import Clips
from dvd_ros.training.render import RenderConfig, render_clip

Rendered = tuple[np.ndarray, np.ndarray]


def render_scene(seed: int, config: RenderConfig) -> Rendered:
    """Images uint8 [T,H,W,3] and disparity float16 [T,H,W] of a seed's clip."""
    clip = render_clip(seed, config)
    return clip.images, (1 / clip.depth).astype(np.float16)


class FreshScenes(Clips):
    """
    A ring of the ``kept`` newest clips; by step n, ``per_step`` * n have gone out of it.

    Which clips are in it depends on the step alone, so that a run that goes on sees what it would
    have seen: where rendering is behind, `advance` waits for it. ``first``: seed of clip 0, clip i
    has seed ``first`` + i. A context manager; its processes end with it. Raises ValueError for
    numbers that are not positive.
    """

    def __init__(self, first: int, config: RenderConfig, kept: int, per_step: float,
                 processes: int = 2) -> None:
        if kept < 1 or per_step <= 0 or processes < 1:
            raise ValueError(f'kept={kept}, per_step={per_step} and processes={processes} must be '
                             'positive')
        self._first, self._config, self._kept, self._per_step = first, config, kept, per_step
        # By spawn: a fork of a process with threads may hang.
        self._pool = ProcessPoolExecutor(processes, get_context('spawn'))
        self._ahead = 2 * processes
        self._clips: OrderedDict[int, Future[Rendered]] = OrderedDict()
        self._next: int | None = None
        self._begun, self._done, self.waited = time.monotonic(), 0, 0.0

    def __len__(self) -> int:
        return self._kept

    def __enter__(self) -> FreshScenes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def advance(self, step: int) -> None:
        """Let the ring be that of ``step``, which must not be less than the last one."""
        oldest = int(step * self._per_step)
        if self._next is None:
            self._next = oldest
        while self._next < oldest + self._kept + self._ahead:
            number = self._next
            self._clips[number] = self._pool.submit(render_scene, self._first + number,
                                                    self._config)
            self._clips[number].add_done_callback(self._count)
            self._next += 1
        while next(iter(self._clips)) < oldest:
            self._clips.popitem(last=False)
        begun = time.monotonic()
        for number in range(oldest, oldest + self._kept):
            self._clips[number].result()
        self.waited += time.monotonic() - begun
        self._oldest = oldest

    def clip(self, index: int) -> Rendered:
        """See Clips; 0 is the oldest of the ring."""
        return self._clips[self._oldest + index].result()

    def facts(self) -> dict[str, float]:
        """Frames rendered a second so far, and seconds that training waited for them."""
        spent = max(time.monotonic() - self._begun, 1e-9)
        return {'rendered_per_s': round(self._done * self._config.frames / spent, 2),
                'waited_s': round(self.waited, 2)}

    def _count(self, clip: Future[Rendered]) -> None:
        self._done += not clip.cancelled()

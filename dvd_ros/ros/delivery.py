"""The thread that hands on depth while the network computes the next window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

from dvd_ros.stream import DepthFrame

Batch = list[DepthFrame]
# Batches that may wait besides the one that is being delivered.
_WAITING = 1


class Delivery(Thread):
    """Calls `deliver` with one batch after the other, in order, until it is closed.

    At most one batch waits: who puts another waits as well, so that a slow receiver slows the
    sender down and nothing piles up. An error of `deliver` ends the thread with a traceback.

    Parameters
    ----------
    deliver:
        called in this thread with each batch.
    ended:
        called in this thread when it ends, whatever the cause.

    """

    def __init__(self, deliver: Callable[[Batch], None], ended: Callable[[], None]) -> None:
        super().__init__(name='delivery', daemon=True)
        self._deliver = deliver
        self._ended = ended
        self._batches: deque[Batch] = deque()
        self._changed = Condition()
        self._closed = False

    def put(self, batch: Batch) -> None:
        """Hand over a batch, as soon as there is room; once closed it is dropped."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._batches) < _WAITING or self._closed)
            if not self._closed:
                self._batches.append(batch)
                self._changed.notify_all()

    def close(self) -> None:
        """End the thread after the batch that is being delivered; those that wait are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def run(self) -> None:
        """Deliver until closed."""
        try:
            while batch := self._next():
                self._deliver(batch)
        finally:
            self.close()
            self._ended()

    def _next(self) -> Batch | None:
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._closed)
            if self._closed:
                return None
            batch = self._batches.popleft()
            self._changed.notify_all()
            return batch

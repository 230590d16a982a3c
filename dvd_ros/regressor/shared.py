"""One network for several streams: each gets its turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from dvd_ros.regressor.protocol import Mark, PreparedImage, Regressor


class _Turns:
    """A lock that is given in the order in which it was asked for; threading.Lock promises none."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for one's turn, and hold it."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: self._waiting[0] is ticket)
        try:
            yield
        finally:
            with self._changed:
                self._waiting.popleft()
                self._changed.notify_all()


class SharedRegressor:
    """
    Lends one Regressor to the threads of several streams.

    Memory holds its weights once, and it computes one window at a time, in the order in which
    windows are complete: a stream asks for its next window only when it has the last one, so that
    none gets two before another, which waits, gets one. Images are prepared outside of the turn.
    A stream with LiveStride takes the wait for others as the machine's speed, and makes do with
    fewer windows.
    """

    def __init__(self, regressor: Regressor) -> None:
        self._regressor = regressor
        self._turns = _Turns()

    def lend(self) -> Regressor:
        """Give a Regressor for one more stream; it may be used by one thread at a time."""
        return _Lent(self._regressor, self._turns)


class _Lent(Regressor):
    """The shared network as one stream sees it."""

    def __init__(self, regressor: Regressor, turns: _Turns) -> None:
        self._regressor, self._turns = regressor, turns
        self.name, self.window, self.size = regressor.name, regressor.window, regressor.size
        self.on_stage: Mark | None = None

    def prepare(self, image: NDArray[np.uint8] | NDArray[np.float32]) -> PreparedImage:
        """See protocol.Regressor.prepare."""
        return self._regressor.prepare(image)

    def predict_prepared(self, prepared: Sequence[PreparedImage]) -> NDArray[np.float32]:
        """See protocol.Regressor.predict_prepared; waits for its turn."""
        with self._turns.one():
            self._regressor.on_stage = self.on_stage
            return self._regressor.predict_prepared(prepared)

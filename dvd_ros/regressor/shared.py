"""Networks for several streams: each is in memory once, and streams take turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition, Lock
from weakref import WeakValueDictionary

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

    `failed` becomes true when it raises what is not the fault of who asked (ValueError,
    TypeError).
    """

    def __init__(self, regressor: Regressor) -> None:
        self.regressor = regressor
        self.failed = False
        self._turns = _Turns()

    def lend(self) -> Regressor:
        """Give a Regressor for one more stream; it may be used by one thread at a time."""
        return _Lent(self)

    def predict_prepared(self, prepared: Sequence[PreparedImage],
                         on_stage: Mark | None) -> NDArray[np.float32]:
        """See protocol.Regressor.predict_prepared; waits for its turn."""
        with self._turns.one():
            self.regressor.on_stage = on_stage
            try:
                return self.regressor.predict_prepared(prepared)
            except (ValueError, TypeError):
                raise
            except Exception:
                self.failed = True
                raise


class _Lent(Regressor):
    """The shared network as one stream sees it; `network` is the network itself."""

    def __init__(self, shared: SharedRegressor) -> None:
        self._shared: SharedRegressor | None = shared
        regressor = shared.regressor
        self.network: Regressor | None = regressor
        self.name, self.window, self.size = regressor.name, regressor.window, regressor.size
        self.on_stage: Mark | None = None

    def _open(self) -> SharedRegressor:
        if self._shared is None:
            raise ValueError(f'this {self.name} was closed: lend another one')
        return self._shared

    def prepare(self, image: NDArray[np.uint8] | NDArray[np.float32]) -> PreparedImage:
        """See protocol.Regressor.prepare."""
        return self._open().regressor.prepare(image)

    def predict_prepared(self, prepared: Sequence[PreparedImage]) -> NDArray[np.float32]:
        """See protocol.Regressor.predict_prepared; waits for its turn."""
        return self._open().predict_prepared(prepared, self.on_stage)

    def close(self) -> None:
        """Give it back; in a pool the network's memory goes with the last that does."""
        self._shared = self.network = None


class RegressorPool:
    """
    Loads each network once, for all streams that ask for the same.

    One that has failed is not given to anybody else: who loads anew gets a fresh one, which those
    that still hold the old one get in their turn.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        # Whoever was lent a network holds it.
        self._loaded: WeakValueDictionary[Hashable, SharedRegressor] = WeakValueDictionary()

    def lend(self, key: Hashable, load: Callable[[], Regressor]) -> Regressor:
        """Give a Regressor of the network `key`, loaded by `load` where nobody has it."""
        with self._lock:
            shared = self._loaded.get(key)
            if shared is None or shared.failed:
                shared = self._loaded[key] = SharedRegressor(load())
            return shared.lend()

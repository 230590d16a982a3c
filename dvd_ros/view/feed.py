"""What is shown now: the newest of each kind, handed from the thread that has it to the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import NamedTuple

Encode = Callable[[], bytes]


class Newest(NamedTuple):
    """What was put last of a kind, how many were put before it, and its packet's maker."""

    number: int
    encode: Encode


class Feed:
    """The newest of each kind; what is put replaces what was there, so that nothing queues.

    Packets are made in the server's thread, and only of what is sent: `encode` must not touch what
    changes later.

    Parameters
    ----------
    rates:
        the kinds, and how often in a second each is sent at the most.

    Raises
    ------
    ValueError
        a rate that is not above zero.

    """

    def __init__(self, rates: Mapping[str, float]) -> None:
        for kind, rate in rates.items():
            if not rate > 0.0:
                raise ValueError(f'the rate of {kind} must be above 0 per second, got {rate}')
        self.periods = {kind: 1.0 / rate for kind, rate in rates.items()}
        # How many browsers look on; the server's to set.
        self.watchers = 0
        # Called with the kind after each `put`, in the thread of `put`; the server's to set.
        self.told: Callable[[str], None] = lambda kind: None
        self._lock = Lock()
        self._newest: dict[str, Newest] = {}
        self._count = 0

    def put(self, kind: str, encode: Encode) -> None:
        """Show this from now on, if anybody looks on; KeyError where there is no such kind."""
        self.periods[kind]
        with self._lock:
            if not self.watchers:
                return  # it would be old when somebody does
            self._count += 1
            self._newest[kind] = Newest(self._count, encode)
        self.told(kind)

    def newest(self, kind: str) -> Newest | None:
        """What was put last of a kind, None where nothing was."""
        with self._lock:
            return self._newest.get(kind)

    def clear(self) -> None:
        """Forget all: it would be old when somebody looks on again."""
        with self._lock:
            self._newest.clear()

"""What a sensor sent lately: filled by one thread, asked by another, bounded."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Generic, TypeVar

from dvd_ros.scale.observation import Silence

T = TypeVar('T')


class Readings(Generic[T]):
    """
    The latest readings with their stamps (ns), and what was wrong with those refused.

    At most ``length`` readings are held. `nearest` gives the one nearest in time, or the reason
    why there is none within ``tolerance`` seconds. A stamp that runs back by more than a second
    (a bag played again) forgets what came before.

    Raises ValueError unless tolerance >= 0 and length >= 1.
    """

    def __init__(self, tolerance: float, length: int = 64) -> None:
        if not (tolerance >= 0.0 and math.isfinite(tolerance)):
            raise ValueError(f'tolerance must be at least 0 seconds, got {tolerance}')
        if length < 1:
            raise ValueError(f'length must be at least 1 reading, got {length}')
        self._tolerance = tolerance
        self._held: deque[tuple[int, T]] = deque(maxlen=length)
        self._refused: str | None = None
        self._lock = threading.Lock()

    def add(self, stamp: int, reading: T) -> None:
        """Keep a reading; what was refused before it is forgotten."""
        with self._lock:
            if self._held and stamp < self._held[-1][0] - 1_000_000_000:
                self._held.clear()
            self._held.append((int(stamp), reading))
            self._refused = None

    def refuse(self, reason: str) -> None:
        """Note why a message was no reading."""
        with self._lock:
            self._refused = reason

    def clear(self) -> None:
        """Forget all readings."""
        with self._lock:
            self._held.clear()

    def nearest(self, stamp: int) -> tuple[int, T] | Silence:
        """Return (stamp, reading) of the reading nearest in time to ``stamp``, ns."""
        with self._lock:
            if not self._held:
                return Silence(self._refused or 'never heard of')
            found = min(self._held, key=lambda entry: abs(entry[0] - stamp))
            newest, oldest, refused = self._held[-1][0], self._held[0][0], self._refused
        if abs(found[0] - stamp) <= self._tolerance * 1e9:
            return found
        if refused is not None:
            return Silence(refused)
        if newest < stamp:
            return Silence(f'stale: the newest reading is {(stamp - newest) * 1e-9:.2f} s older '
                           'than the image')
        if oldest > stamp:
            return Silence(f'too late: the oldest reading held is {(oldest - stamp) * 1e-9:.2f} s '
                           'newer than the image')
        return Silence(f'no reading within {self._tolerance:g} s of the image')

    def around(self, stamp: int) -> list[T]:
        """Return all readings within the tolerance of ``stamp``, oldest first."""
        with self._lock:
            return [reading for when, reading in self._held
                    if abs(when - stamp) <= self._tolerance * 1e9]

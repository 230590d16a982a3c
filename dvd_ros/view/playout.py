"""Depth comes in bursts, a window's new frames at once; this shows them one after the other."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar('Item')

# The play is quicker by this times the square of how many wait besides the next one: hardly for a
# burst, much where it has fallen behind.
_HASTE = 0.02
# A gap in the stamps that is not waited out, seconds.
_LONGEST = 0.5
# A look that comes later than this after an item was due puts the play off, seconds.
_LATE = 0.05


class Playout(Generic[Item]):
    """Hands out items at the intervals of their stamps, a little quicker where several wait.

    Parameters
    ----------
    most:
        items that wait at most; of more the oldest are dropped.

    """

    def __init__(self, most: int = 16) -> None:
        self._items: deque[tuple[float, Item]] = deque(maxlen=most)
        self._shown: tuple[float, float] | None = None  # stamp of the last, and when it was due

    def put(self, stamp: float, item: Item) -> None:
        """Add an item with its stamp in seconds."""
        self._items.append((stamp, item))

    def due(self, now: float) -> Item | None:
        """The item to show at a time, in seconds of any steady clock; None where none is due."""
        if not self._items:
            return None
        stamp, item = self._items[0]
        moment = now
        if self._shown is not None:
            gap = stamp - self._shown[0]
            if 0.0 < gap < _LONGEST:
                moment = self._shown[1] + gap / (1.0 + _HASTE * (len(self._items) - 1) ** 2)
        if moment > now:
            return None
        self._items.popleft()
        self._shown = (stamp, max(moment, now - _LATE))
        return item

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self._shown = None

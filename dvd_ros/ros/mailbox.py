"""The bounded queue between the subscription and the worker."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Mailbox(Generic[Item]):
    """Holds the newest `capacity` items: one more pushes the oldest out. Safe between threads."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[Item] = deque()
        self._capacity = capacity
        self._filled = Condition()
        self._closed = False
        self._poked = False
        self._dropped = 0

    def put(self, item: Item) -> int:
        """Add an item and return how many (0 or 1) were dropped for it."""
        with self._filled:
            dropped = len(self._items) == self._capacity
            if dropped:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._filled.notify()
        return int(dropped)

    def get(self, timeout: float | None) -> Item | None:
        """The oldest item, or None after `timeout` seconds without one, once closed or poked."""
        with self._filled:
            self._filled.wait_for(lambda: self._items or self._closed or self._poked, timeout)
            self._poked = False
            return self._items.popleft() if self._items and not self._closed else None

    def poke(self) -> None:
        """End the waiting `get` or `rest`, or the next one, early."""
        with self._filled:
            self._poked = True
            self._filled.notify_all()

    def rest(self, timeout: float) -> None:
        """Wait, whatever comes, for `timeout` seconds or until closed or poked."""
        with self._filled:
            self._filled.wait_for(lambda: self._closed or self._poked, timeout)
            self._poked = False

    def clear(self) -> int:
        """Throw all items away and return how many there were."""
        with self._filled:
            count = len(self._items)
            self._items.clear()
            return count

    def close(self) -> None:
        """End every waiting and future `get` with None."""
        with self._filled:
            self._closed = True
            self._filled.notify_all()

    @property
    def dropped(self) -> int:
        """How many items were dropped so far."""
        return self._dropped

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

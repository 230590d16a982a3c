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
        """The oldest item, or None after `timeout` seconds without one or once closed."""
        with self._filled:
            self._filled.wait_for(lambda: self._items or self._closed, timeout)
            return self._items.popleft() if self._items and not self._closed else None

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

"""Threads that look at several images at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock

import cv2

# At most; more images than a window brings are not there at once.
_THREADS = 4


@cache
def pool() -> ThreadPoolExecutor:
    """Return the threads, as many as there are cores, up to 4."""
    return ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS), 'parallax')


class _OneThreadEach:
    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = self._before = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._inside:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    cv2.setNumThreads(self._before)


# A context in which OpenCV does not divide an image among threads: such small ones are done before
# others wake. It holds for the whole process, until the last camera that entered has left it.
one_thread_each = _OneThreadEach()

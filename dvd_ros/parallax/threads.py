"""Threads that look at several images at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import cv2

# At most; more images than a window brings are not there at once.
_THREADS = 4


@cache
def pool() -> ThreadPoolExecutor:
    """Return the threads, as many as there are cores, up to 4."""
    return ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS), 'parallax')


@contextmanager
def one_thread_each() -> Iterator[None]:
    """
    Keep OpenCV from dividing an image among threads, in the whole process, meanwhile.

    Images are so small here that to wake others costs more than they take over.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)

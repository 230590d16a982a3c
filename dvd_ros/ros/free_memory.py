"""Gives memory that was freed back to the operating system, now and then."""

from __future__ import annotations

import ctypes
import time

# Seconds between two times; one takes a few milliseconds.
_INTERVAL = 2.0
_M_ARENA_MAX = -8  # of <malloc.h>


def share_one_heap() -> None:
    """
    Have all threads of this process allocate from one heap; to be called before there are any.

    glibc gives threads heaps of their own. Images and windows are made in one thread and freed in
    another; in heaps where large blocks come and go between small ones, ever more pages hold
    little that is used, which `malloc_trim` cannot return: benchmark/soak.py grew by 23.5 MB, and
    in one heap by 1.3. (`M_MMAP_THRESHOLD` would do it too, at three times the CPU of a frame.)
    Where there is no `mallopt` (another C library) nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


class FreeMemory:
    """Keeps a process that runs a network beside ROS 2 from growing without end.

    The network's activations, megabytes each, are freed after every window, but messages that DDS
    still holds lie between them, so that glibc neither reuses nor returns the space whole: 0.3 MB
    more for each frame (benchmark/node_memory.py). glibc's `malloc_trim` returns free pages
    wherever they lie. Where it does not exist (another C library) nothing is done.
    """

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
        self._last = time.monotonic()

    def give_back(self) -> None:
        """Return free memory if the last time is long enough ago."""
        now = time.monotonic()
        if self._trim is not None and now - self._last > _INTERVAL:
            self._last = now
            self._trim(0)

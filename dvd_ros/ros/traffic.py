"""What comes into the node and goes out of it, counted; with the rates and the latency."""

from __future__ import annotations

from collections import deque

import numpy as np

# A stamp that is farther from now is of another clock: a recording played without its own time.
_SAME_CLOCK = 3600.0


class Traffic:
    """Counts of one node, written by its threads, each its own, and read by diagnostics."""

    def __init__(self) -> None:
        self.received = 0
        self.unheard = 0  # images of no use, as nobody listened
        self.too_slow = 0
        self.inactive = 0  # images in work when the node was deactivated
        self.last_image: float | None = None  # time.monotonic()
        self._latencies: deque[float] = deque(maxlen=300)  # seconds

    def add_latency(self, seconds: float) -> None:
        """Note how long after its stamp a frame was published; of another clock it says nothing."""
        if 0.0 <= seconds < _SAME_CLOCK:
            self._latencies.append(seconds)

    def forget_latency(self) -> None:
        """The clock has jumped."""
        self._latencies.clear()

    def latency(self) -> tuple[float, float] | None:
        """Seconds that half, and 95 %, of the last 300 frames were published within."""
        recent = list(self._latencies)
        if not recent:
            return None
        p50, p95 = np.percentile(recent, (50, 95))
        return float(p50), float(p95)

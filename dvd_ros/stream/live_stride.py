"""The fewest new frames per window that the machine keeps up with."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

from dvd_ros.stream.config import StreamConfig

# A stride is chosen if its windows take at most 1 / 1.4 = 71 % of the time between them, and given
# up when they take more than 1 / 1.1 = 91 %: the band between keeps it from going back and forth.
_CHOOSE, _KEEP = 1.4, 1.1
# Windows from one choice to the next; their median bears three that something else held up.
_WINDOWS = 7
# After each time that a stride proved too small, the next attempt waits twice as long, up to this.
_LONGEST = 64 * _WINDOWS
_FRAMES = 30
# Four is the length of a latent. With fewer new frames depth gets worse, not only dearer: less
# accurate, and with a jump at every frame (benchmark/less_work.py). Who wants that sets the stride.
LEAST = 4


class LiveStride:
    """
    Chooses the stride of a live stream by what was measured; has no clock of its own.

    ``stride`` is the smallest, hence that of the lowest latency, at which the time of a window,
    with a margin, fits between two of them: at most window - overlap, where it begins, at least 4
    (or window - overlap where that is less). Camera rate and times are running medians. It
    changes at most once in seven windows, save that it goes up at once, to the largest, when
    images had to be dropped; and each time that it went up it comes down later than before.
    """

    def __init__(self, config: StreamConfig) -> None:
        self._least = min(LEAST, config.most_new)
        self._most = self.stride = config.most_new
        self._last_stamp: int | None = None
        self._periods: deque[float] = deque(maxlen=_FRAMES)
        self._frame_times: deque[float] = deque(maxlen=_FRAMES)
        self._window_times: deque[float] = deque(maxlen=_WINDOWS)
        self._windows = 0  # since the last change
        self._patience = _WINDOWS

    def add_frame(self, stamp: int) -> None:
        """Note a frame's stamp, integer nanoseconds; one that does not advance tells no rate."""
        if self._last_stamp is not None and stamp > self._last_stamp:
            self._periods.append((stamp - self._last_stamp) * 1e-9)
        self._last_stamp = stamp

    def add_time(self, seconds: float, computed: bool) -> None:
        """Note how long a frame kept the stream busy, and whether it completed a window."""
        (self._window_times if computed else self._frame_times).append(seconds)

    def choose(self, dropped: bool) -> int:
        """
        Return the stride of the next windows; to be called after every window.

        dropped: whether images were dropped since the last time because the machine was too slow.
        """
        self._windows += 1
        if dropped:
            self._change(self._most)
        elif len(self._window_times) == _WINDOWS and self._periods:
            fit = self._smallest(_CHOOSE)
            if self._smallest(_KEEP) > self.stride or (
                    fit < self.stride and self._windows >= self._patience):
                self._change(fit)
        return self.stride

    def _change(self, stride: int) -> None:
        if stride > self.stride:
            self._patience = min(2 * self._patience, _LONGEST)
        self.stride = stride
        self._windows = 0
        self._window_times.clear()

    def _smallest(self, margin: float) -> int:
        """The smallest stride that leaves so much time, or the largest that there is."""
        # What is done for every frame takes its part of the time whatever the stride.
        frame = median(self._frame_times) if self._frame_times else 0.0
        spare = median(self._periods) - margin * frame
        window = margin * max(0.0, median(self._window_times) - frame)
        if window >= spare * self._most:
            return self._most
        return max(self._least, math.ceil(window / spare))

"""The thread that takes images from the mailbox, runs the DepthStream and hands on its depth."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from dvd_ros.ros.free_memory import FreeMemory
from dvd_ros.ros.image_conversion import ImageError
from dvd_ros.ros.mailbox import Mailbox
from dvd_ros.stream import DepthFrame, DepthStream, Frame

Mail = tuple[float, Any]  # time.monotonic() of arrival, sensor_msgs/Image


@dataclass
class Progress:
    """What the worker has done so far; written by the worker, read by the diagnostics."""

    unreadable: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    published: int = 0
    windows: int = 0
    compute_seconds: float = 0.0  # of the newest run of the network, alignment included


class DepthWorker(Thread):
    """Runs a DepthStream on the images of a mailbox until the mailbox is closed.

    Parameters
    ----------
    mailbox:
        of (arrival by time.monotonic(), image message).
    read:
        image message to Frame; an ImageError it raises is counted and reported.
    stream:
        used by this thread alone.
    deliver:
        called with the depth frames of one or more windows, in order.
    flush_after:
        seconds without an image after which the stream is flushed; 0: never.
    report:
        called with (kind, text) for each fault: kind 'image', 'stamp' or 'model'.

    """

    def __init__(
        self,
        mailbox: Mailbox[Mail],
        read: Callable[[Any], Frame],
        stream: DepthStream,
        deliver: Callable[[list[DepthFrame]], None],
        flush_after: float,
        report: Callable[[str, str], None],
    ) -> None:
        # daemon: a window that takes minutes on a slow machine must not hold up the exit.
        super().__init__(name='depth', daemon=True)
        self.progress = Progress()
        self._mailbox = mailbox
        self._read = read
        self._stream = stream
        self._deliver = deliver
        self._flush_after = flush_after
        self._report = report
        self._free_memory = FreeMemory()

    def run(self) -> None:
        """Work until the mailbox is closed."""
        arrival = time.monotonic()
        while not self._mailbox.closed:
            quiet = None
            if self._flush_after and self._stream.counters.pending:
                quiet = max(0.0, arrival + self._flush_after - time.monotonic())
            mail = self._mailbox.get(quiet)
            if mail is not None:
                arrival = mail[0]
                self._take(mail[1])
            elif not self._mailbox.closed:
                self._step(self._stream.flush)

    def _take(self, message: Any) -> None:
        try:
            frame = self._read(message)
        except ImageError as error:
            self.progress.unreadable += 1
            self._report('image', str(error))
            return
        self._step(lambda: self._stream.push(frame))

    def _step(self, action: Callable[[], list[DepthFrame]]) -> None:
        start = time.perf_counter()
        try:
            done = action()
        except Exception as error:  # noqa: BLE001 (whatever the network raises, the stream goes on)
            done = []
            self._report('model', f'{type(error).__name__}: {error}')
        dropped = Counter(self._stream.counters.dropped)
        for cause in ('repeated_stamp', 'backward_stamp'):
            if dropped[cause] > self.progress.dropped[cause]:
                self._report('stamp', f'{cause.replace("_", " ")} (number {dropped[cause]})')
        self.progress.dropped = dropped
        if done and not self._mailbox.closed:
            self.progress.compute_seconds = time.perf_counter() - start
            self.progress.windows = done[-1].window + 1
            self._deliver(done)
            self.progress.published += len(done)
        self._free_memory.give_back()

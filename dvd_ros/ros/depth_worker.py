"""The thread that takes images from the mailbox, runs the DepthStream and hands on its depth."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from dvd_ros.ros.delivery import Delivery
from dvd_ros.ros.free_memory import FreeMemory
from dvd_ros.ros.image_conversion import ImageError
from dvd_ros.ros.mailbox import Mailbox
from dvd_ros.stream import DepthFrame, DepthStream, Frame, LiveStride

Mail = tuple[float, Any]  # time.monotonic() of arrival, sensor_msgs/Image


@dataclass
class Progress:
    """What has been done so far; written by the worker and its delivery, read by diagnostics."""

    unreadable: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    published: int = 0
    windows: int = 0
    compute_seconds: float = 0.0  # of the newest run of the network, alignment included
    stride: int = 0  # new frames per window


class DepthWorker(Thread):
    """Runs a DepthStream on the images of a mailbox until the mailbox is closed.

    Depth is handed on by a thread of its own, in order, while the next window is computed; when
    that is slower than the network, the worker waits for it. With `stride` 0 in the stream's
    config the stride is chosen as the machine keeps up (LiveStride).

    Parameters
    ----------
    mailbox:
        of (arrival by time.monotonic(), image message).
    read:
        image message to Frame; an ImageError it raises is counted and reported.
    stream:
        used by this thread alone.
    deliver:
        called with the depth frames of one or more windows, in order, in the delivery's thread. An
        error that it raises ends both threads and closes the mailbox.
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
        self._delivery = Delivery(self._publish, mailbox.close)
        self._live = None if stream.config.stride else LiveStride(stream.config)
        self._too_slow = 0  # images that the mailbox had dropped at the last window
        self._flush_after = flush_after
        self._report = report
        self._free_memory = FreeMemory()
        self.progress.stride = stream.stride

    def run(self) -> None:
        """Work until the mailbox is closed."""
        self._delivery.start()
        try:
            self._work()
        finally:
            self._delivery.close()
            self._delivery.join()

    def _work(self) -> None:
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
                self._hand_on(self._step(self._stream.flush))

    def _take(self, message: Any) -> None:
        start = time.perf_counter()
        try:
            frame = self._read(message)
        except ImageError as error:
            self.progress.unreadable += 1
            self._report('image', str(error))
            return
        done = self._step(lambda: self._stream.push(frame))
        if self._live is not None:
            self._live.add_frame(frame.stamp)
            self._live.add_time(time.perf_counter() - start, bool(done))
            if done:
                too_slow, self._too_slow = self._too_slow, self._mailbox.dropped
                self._stream.stride = self._live.choose(dropped=self._too_slow > too_slow)
                self.progress.stride = self._stream.stride
        self._hand_on(done)

    def _step(self, action: Callable[[], list[DepthFrame]]) -> list[DepthFrame]:
        """Let the stream do something; count and report what goes wrong."""
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
        if done:
            self.progress.compute_seconds = time.perf_counter() - start
            self.progress.windows = done[-1].window + 1
        return done

    def _hand_on(self, done: list[DepthFrame]) -> None:
        if done:
            self._delivery.put(done)

    def _publish(self, batch: list[DepthFrame]) -> None:
        """Runs in the delivery's thread."""
        if not self._mailbox.closed:
            self._deliver(batch)
            self.progress.published += len(batch)
        # Here, where a batch's messages and the network's activations have been freed.
        self._free_memory.give_back()

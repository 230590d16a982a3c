"""The thread that takes images from the mailbox, runs the DepthStream and hands on its depth."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from dvd_ros.messages.image_conversion import ImageError
from dvd_ros.ros.delivery import Delivery
from dvd_ros.ros.free_memory import FreeMemory
from dvd_ros.ros.mailbox import Mailbox
from dvd_ros.ros.recovery import Recovery
from dvd_ros.stream import DepthFrame, DepthStream, Frame, LiveStride, StreamConfig

Mail = tuple[float, Any]  # time.monotonic() of arrival, sensor_msgs/Image


@dataclass
class Progress:
    """What has been done so far; written by the worker and its delivery, read by diagnostics."""

    unreadable: int = 0
    restart: int = 0  # images that came while the model was to be loaded anew
    dropped: Counter[str] = field(default_factory=Counter)
    published: int = 0
    windows: int = 0
    compute_seconds: float = 0.0  # of the newest run of the network, alignment included
    stride: int = 0  # new frames per window
    segment: int = 0
    faults: int = 0  # of the network
    fault: str = ''  # the last one, '' once a window succeeded after it


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
        used by this thread alone; others may ask for something to be done with it by `do`.
    deliver:
        called with the depth frames of one or more windows, in order, in the delivery's thread. An
        error that it raises ends both threads and closes the mailbox.
    flush_after:
        seconds without an image after which the stream is flushed; 0: never. It may be set.
    report:
        called with (kind, text) for each fault: kind 'image', 'stamp', 'model' or 'restart'.
    recovery:
        what to do when the network fails again and again; None: go on with the next window.
    progress:
        to go on counting in; None: from nothing.

    """

    def __init__(
        self,
        mailbox: Mailbox[Mail],
        read: Callable[[Any], Frame],
        stream: DepthStream,
        deliver: Callable[[list[DepthFrame]], None],
        flush_after: float,
        report: Callable[[str, str], None],
        recovery: Recovery | None = None,
        progress: Progress | None = None,
    ) -> None:
        # daemon: a window that takes minutes on a slow machine must not hold up the exit.
        super().__init__(name='depth', daemon=True)
        self.progress = progress or Progress()
        self.flush_after = flush_after
        self._mailbox = mailbox
        self._read = read
        self._stream = stream
        self._deliver = deliver
        self._delivery = Delivery(self._publish, mailbox.close)
        self._live = None if stream.config.stride else LiveStride(stream.config)
        self._too_slow = 0  # images that the mailbox had dropped at the last window
        self._report = report
        self._recovery = recovery
        self._failed = False
        self._asked: deque[tuple[Callable[[], Any], Future]] = deque()
        self._free_memory = FreeMemory()
        self.progress.stride = stream.stride

    def do(self, action: Callable[[], Any]) -> Future:
        """Have something done in this thread, before the next image; a Future of what it gives.

        It is cancelled where the worker ends before.
        """
        future: Future = Future()
        self._asked.append((action, future))
        self._mailbox.poke()
        if self._mailbox.closed and not self.is_alive():
            self._cancel()
        return future

    def begin_segment(self) -> None:
        """Publish what waits; the next image begins a new segment. To be called by `do`."""
        self._hand_on(self._step(self._stream.flush))

    def reset(self) -> None:
        """Drop what waits, and any patience with a failing network. To be called by `do`."""
        if self._recovery is not None:
            self._recovery.succeeded()
        self._stream.reset()
        self.progress.dropped = Counter(self._stream.counters.dropped)

    def change(self, config: StreamConfig) -> None:
        """Take other settings of the stream. To be called by `do`."""
        before = self._stream.config.stride
        self._stream.change(config)
        if config.stride:
            self._live = None
        elif before or self._live is None:
            self._live = LiveStride(config)
            self._stream.stride = self._live.stride
        self.progress.stride = self._stream.stride

    def run(self) -> None:
        """Work until the mailbox is closed."""
        self._delivery.start()
        try:
            self._work()
        finally:
            self._delivery.close()
            self._delivery.join()
            self._cancel()

    def _work(self) -> None:
        arrival = time.monotonic()
        while not self._mailbox.closed:
            self._answer()
            due = None
            if self.flush_after and self._stream.counters.pending:
                due = arrival + self.flush_after
            mail = self._mailbox.get(None if due is None else max(0.0, due - time.monotonic()))
            if mail is not None:
                arrival = mail[0]
                self._take(mail[1])
            elif due is not None and time.monotonic() >= due and not self._mailbox.closed:
                self._hand_on(self._step(self._stream.flush))
            if self._failed and self._recovery is not None:
                self._recover(self._recovery)

    def _answer(self) -> None:
        while self._asked:
            action, future = self._asked.popleft()
            try:
                future.set_result(action())
            except Exception as error:  # noqa: BLE001 (whoever asked is told)
                future.set_exception(error)

    def _cancel(self) -> None:
        while self._asked:
            self._asked.popleft()[1].cancel()

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
            self._failed = True
            self.progress.faults += 1
            self.progress.fault = f'{type(error).__name__}: {error}'
            self._report('model', self.progress.fault)
        dropped = Counter(self._stream.counters.dropped)
        for cause in ('repeated_stamp', 'backward_stamp'):
            if dropped[cause] > self.progress.dropped[cause]:
                self._report('stamp', f'{cause.replace("_", " ")} (number {dropped[cause]})')
        self.progress.dropped = dropped
        if done:
            self.progress.compute_seconds = time.perf_counter() - start
            self.progress.windows = done[-1].window + 1
            self.progress.segment = done[-1].segment
            self.progress.fault = ''
            if self._recovery is not None:
                self._recovery.succeeded()
        return done

    def _recover(self, recovery: Recovery) -> None:
        """After a fault: wait and load the model anew, until that succeeds."""
        while self._failed and not self._mailbox.closed:
            seconds = recovery.failed()
            self._failed = False
            if not seconds:
                return
            self._report('restart', f'{recovery.faults} faults in a row; the model is loaded anew '
                                    f'in {seconds:.3g} s')
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0.0 and not self._mailbox.closed:
                self._mailbox.rest(left)
                self._answer()
                if not recovery.faults:  # somebody has reset the stream, and does not want to wait
                    break
            if self._mailbox.closed:
                return
            try:
                self._stream.replace_model(recovery.load())
                recovery.restarts += 1
            except Exception as error:  # noqa: BLE001 (it may be anything; the next attempt waits)
                self._failed = True
                self.progress.faults += 1
                self.progress.fault = f'{type(error).__name__}: {error}'
                self._report('model', f'loading it anew: {self.progress.fault}')
            self.progress.dropped = Counter(self._stream.counters.dropped)
            # They are old by now.
            self.progress.restart += self._mailbox.clear()

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

"""The mailbox and the worker behind the subscription, without ROS 2 messages."""

import threading
import time

import numpy as np
import pytest

from dvd_ros.ros.depth_worker import DepthWorker
from dvd_ros.ros.image_conversion import ImageError
from dvd_ros.ros.mailbox import Mailbox
from dvd_ros.stream import DepthStream, Frame, StreamConfig

CONFIG = StreamConfig(window=5, overlap=2)
PATIENCE = 60.0


class Brightness:
    """A small regressor: bright is near. It can be told to fail, or to wait."""

    name, window, size = 'brightness', 5, None

    def __init__(self):
        self.fail = False
        self.go = threading.Event()
        self.go.set()
        self.busy = threading.Event()

    def predict(self, images):
        self.busy.set()
        assert self.go.wait(PATIENCE)
        if self.fail:
            raise RuntimeError('out of memory')
        return images.mean(axis=-1, dtype=np.float32) / 255


class Bench:
    """A worker on a mailbox, and what it delivered and reported."""

    def __init__(self, flush_after=0.0, capacity=100):
        self.mailbox = Mailbox(capacity)
        self.regressor = Brightness()
        self.stamps = []
        self.reports = []
        self.dropped = 0
        self.worker = DepthWorker(
            self.mailbox, self.read, DepthStream(self.regressor, CONFIG),
            lambda batch: self.stamps.extend(done.stamp for done in batch), flush_after,
            lambda kind, text: self.reports.append((kind, text)),
        )
        self.worker.start()

    @staticmethod
    def read(stamp):
        if stamp is None:
            raise ImageError('no picture')
        pixels = np.random.default_rng(abs(stamp)).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        return Frame(pixels, stamp)

    def send(self, *stamps):
        for stamp in stamps:
            self.dropped += self.mailbox.put((time.monotonic(), stamp))

    def wait(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)


@pytest.fixture
def bench():
    benches = []

    def make(**changed):
        benches.append(Bench(**changed))
        return benches[-1]

    yield make
    for made in benches:
        made.mailbox.close()
        made.regressor.go.set()
        made.worker.join(PATIENCE)
        assert not made.worker.is_alive()


def test_the_newest_items_win():
    mailbox = Mailbox(3)
    assert [mailbox.put(i) for i in range(5)] == [0, 0, 0, 1, 1]
    assert [mailbox.get(0) for _ in range(4)] == [2, 3, 4, None]


def test_a_closed_mailbox_gives_nothing_and_wakes_who_waits():
    mailbox = Mailbox(3)
    got = []
    waiting = threading.Thread(target=lambda: got.append(mailbox.get(None)))
    waiting.start()
    mailbox.close()
    waiting.join(PATIENCE)
    assert got == [None]
    mailbox.put(1)
    assert mailbox.get(None) is None


def test_frames_come_out_in_order_and_are_counted(bench):
    made = bench()
    made.send(*range(1, 12))
    made.wait(lambda: made.worker.progress.published == 11)
    assert made.stamps == list(range(1, 12))
    assert made.worker.progress.windows == 3


def test_a_rest_is_flushed_when_no_image_comes(bench):
    made = bench(flush_after=0.3)
    made.send(1, 2, 3)
    made.wait(lambda: made.worker.progress.published == 3)
    assert made.stamps == [1, 2, 3]


def test_without_flush_a_rest_waits(bench):
    made = bench(flush_after=0.0)
    made.send(1, 2, 3)
    time.sleep(0.3)
    assert made.stamps == []
    made.send(4, 5)
    made.wait(lambda: made.worker.progress.published == 5)


def test_too_many_images_push_the_oldest_out(bench):
    made = bench(capacity=4, flush_after=0.3)
    made.regressor.go.clear()
    made.send(1, 2, 3)
    made.wait(lambda: made.worker.progress.published == 0 and len(made.mailbox._items) == 0)
    made.send(4, 5)
    assert made.regressor.busy.wait(PATIENCE)  # 1..5 are being computed
    made.send(*range(6, 20))
    made.regressor.go.set()
    made.wait(lambda: made.worker.progress.published == 9)
    assert made.stamps == [1, 2, 3, 4, 5, 16, 17, 18, 19]
    assert made.dropped == 10


def test_an_unreadable_image_is_counted_and_the_next_is_taken(bench):
    made = bench()
    made.send(1, 2, None, 3, 4, 5)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.worker.progress.unreadable == 1
    assert made.reports == [('image', 'no picture')]


def test_a_failing_network_costs_its_window_only(bench):
    made = bench()
    made.regressor.fail = True
    made.send(1, 2, 3, 4, 5)
    made.wait(lambda: made.reports)
    made.regressor.fail = False
    made.send(6, 7, 8, 9, 10)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.reports == [('model', 'RuntimeError: out of memory')]
    assert made.worker.progress.dropped['model_error'] == 5
    assert made.stamps == [6, 7, 8, 9, 10]


def test_stamps_that_do_not_advance_are_reported(bench):
    made = bench()
    made.send(1, 2, 2, 1, 3, 4, 5)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.stamps == [1, 2, 3, 4, 5]
    assert [kind for kind, _ in made.reports] == ['stamp', 'stamp']

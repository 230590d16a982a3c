"""A worker of depth_node on a bench of its own, without ROS 2."""

import threading
import time

import numpy as np

from dvd_ros.messages.image_conversion import ImageError
from dvd_ros.ros.depth_worker import DepthWorker
from dvd_ros.ros.mailbox import Mailbox
from dvd_ros.stream import DepthStream, Frame, StreamConfig

# Each picture is another: so many cuts, if those were looked for.
CONFIG = StreamConfig(window=5, overlap=2, cuts=False)
PATIENCE = 60.0


class Brightness:
    """A small regressor: bright is near. It can be told to fail, or to wait."""

    name, window, size = 'brightness', 13, None

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


class Receiver:
    """Keeps the stamps that are delivered to it. It can be told to fail, or to wait."""

    def __init__(self):
        self.fail = False
        self.go = threading.Event()
        self.go.set()
        self.busy = threading.Event()
        self.threads = set()
        self.stamps = []

    def take(self, batch):
        self.busy.set()
        assert self.go.wait(PATIENCE)
        if self.fail:
            raise RuntimeError('no network')
        self.threads.add(threading.current_thread())
        self.stamps.extend(done.stamp for done in batch)


class Bench:
    """A worker on a mailbox, and what it delivered and reported."""

    def __init__(self, flush_after=0.0, capacity=100, config=CONFIG, recovery=None):
        self.mailbox = Mailbox(capacity)
        self.regressor = Brightness()
        self.receiver = Receiver()
        self.stamps = self.receiver.stamps
        self.reports = []
        self.dropped = 0
        self.worker = DepthWorker(
            self.mailbox, self.read, DepthStream(self.regressor, config),
            self.receiver.take, flush_after,
            lambda kind, text: self.reports.append((kind, text)), recovery,
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

    def stop(self):
        self.mailbox.close()
        self.regressor.go.set()
        self.receiver.go.set()
        self.worker.join(PATIENCE)
        assert not self.worker.is_alive()

    def wait(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)

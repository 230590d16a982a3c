#!/usr/bin/env python3
"""depth_node for half an hour of faults, one every few seconds (benchmark/_soak_faults.py).

python3 benchmark/soak.py [--seconds 1800] [--frames 50000] [--every 5] [--only FAULT ...]

Three processes over DDS: the real node with a network that takes bright for near and raises where a
whole window is black, the camera, and who listens to depth, camera_info and clouds. Ends after so
many seconds or frames, whichever comes first, with exit status 1 unless
- the node lived through all and ended on SIGINT with 0, without a traceback in its log,
- every good frame outside of a fault window came back as depth once, and none of any twice. A fault
  window begins with the frames that may be waiting in the node (those of the queue and of a window)
  and ends 1.5 s after the fault,
- its memory in the last quarter is not 20 MB above that of the quarter after the first; not judged
  before 80 faults.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from _processes import resident, use_large_data
from _soak_camera import DISCOVERED, PATIENCE, RATE, Camera
from _soak_faults import FAULTS

QUEUE, WINDOW = 32, 13
BEFORE, AFTER = QUEUE + WINDOW, 1.5  # of a fault: frames, seconds
# Seconds until the node is taken to have answered all: the last message of a topic may come with
# the writer's next heartbeat, which is every 3 s.
SETTLE = 10.0
ALLOWED_MB, WARM = 20.0, 80  # of memory; judged where there were so many faults
LARGEST = (500, 500)


class Brightness:
    """Disparity is how bright a pixel is."""

    name, window, size, on_stage = 'brightness', WINDOW, None, None

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """A copy."""
        return image.copy()

    def predict_prepared(self, prepared: list[np.ndarray]) -> np.ndarray:
        """float32 [T,H,W] in 0..1; raises where all is black."""
        images = np.stack(prepared)
        if not images.any():
            raise RuntimeError('the device is gone')
        return images.mean(axis=-1, dtype=np.float32) / 255

    def predict(self, images: np.ndarray) -> np.ndarray:
        """As predict_prepared."""
        return self.predict_prepared(list(images))


def run_node() -> int:
    """The real node; its disk is full while a file is there."""
    from dvd_ros.ros import depth_node

    folder, full = (os.environ[f'DVD_ROS_SOAK_{name}'] for name in ('SHOTS', 'FULL'))

    def hook(event: str, args: tuple) -> None:
        if event == 'open' and str(args[0]).startswith(folder) and os.path.exists(full):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), args[0])

    sys.addaudithook(hook)
    depth_node.load_regressor = lambda *_, **__: Brightness()
    values = {'queue': QUEUE, 'snapshot_folder': folder, 'restart_delay': 0.2, 'cloud_rate': 5.0,
              'restart_longest': 0.5, 'stride': 4, 'flush_after': 1.0}
    for topic in ('/image', '/camera_info'):
        values |= {f'qos_overrides.{topic}.subscription.{key}': value for key, value in
                   (('reliability', 'reliable'), ('depth', 40))}
    # A listener that a busy machine holds up shall not cost a frame: this is about the node.
    for topic in ('/dvd/depth', '/dvd/camera_info'):
        values[f'qos_overrides.{topic}.publisher.depth'] = 60
    return depth_node.main(['--ros-args', '--log-level', 'warn', *(
        word for key, value in values.items() for word in ('-p', f'{key}:={value}'))])


def run_stray() -> int:
    """Another camera on the same topics, until it is killed."""
    camera = Camera(np.random.default_rng())
    print('there', flush=True)
    while True:
        camera.send()


def run_listener() -> int:
    """Says when it hears depth; at SIGTERM, how often each stamp, and how many of others."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions
    from sensor_msgs.msg import CameraInfo, Image, PointCloud2

    from dvd_ros.messages.stamps import nanoseconds

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('listener')
    depth: Counter[int] = Counter()
    others: Counter[str] = Counter()
    node.create_subscription(
        Image, 'dvd/depth', lambda m: depth.update([nanoseconds(m.header.stamp)]), 300)
    for kind, name in ((CameraInfo, 'camera_info'), (PointCloud2, 'points')):
        node.create_subscription(
            kind, f'dvd/{name}', lambda _, name=name: others.update([name]), 300)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    said = False
    while not ended.is_set():
        executor.spin_once(timeout_sec=0.2)
        if depth and not said:
            said = True
            print('heard', flush=True)
    print(json.dumps({'depth': list(depth.items()), 'others': others}), flush=True)
    return 0


def start_listener() -> subprocess.Popen:
    """A process that hears until SIGTERM."""
    return subprocess.Popen([sys.executable, __file__, '--role', 'listener'],
                            stdout=subprocess.PIPE, text=True)


def warm_up(camera: Camera) -> None:
    """
    Let DDS's buffers grow to their bound.

    Every place of a history keeps the memory of the largest message that it has held. Those of
    the node's inputs fill up in bursts alone, those of its outputs when a listener is held up; of
    the latter there are 26 for clouds, which come at 5 Hz.
    """
    while True:
        held_up = start_listener()
        assert held_up.stdout is not None
        end = time.monotonic() + DISCOVERED
        while not (heard := select.select([held_up.stdout], [], [], 0)[0]) \
                and time.monotonic() < end:
            camera.send()
        if heard:
            break
        held_up.kill()
        held_up.wait()
        camera.overlooked += 1
    held_up.send_signal(signal.SIGSTOP)
    for _ in range(4):
        for number in range(200 + round(2 * RATE)):
            camera.send(size=LARGEST, paced=number >= 200)
    held_up.send_signal(signal.SIGCONT)
    held_up.send_signal(signal.SIGTERM)
    held_up.communicate(timeout=PATIENCE)
    for _ in range(round(3 * RATE)):
        camera.send()


def soak(args: argparse.Namespace, node: subprocess.Popen, listener: subprocess.Popen,
         camera: Camera) -> list[str]:
    """Send and break things; what went wrong."""
    wrong: list[str] = []
    memory: list[float] = []
    warm_up(camera)
    spans = [(0, camera.number + round(AFTER * RATE), 'warm_up')]
    begin = told = time.monotonic()
    order: list[Any] = []
    faults = [fault for fault in FAULTS if not args.only or fault.__name__ in args.only]
    while time.monotonic() - begin < args.seconds and camera.number < args.frames:
        if node.poll() is not None:
            return [f'the node died with {node.returncode}; the last fault was {spans[-1:]}']
        end = time.monotonic() + args.every * camera.rng.uniform(0.8, 1.2)
        while time.monotonic() < end:
            camera.send()
        order = order or [faults[i] for i in camera.rng.permutation(len(faults))]
        fault, first = order.pop(), camera.number
        if (said := fault(camera)) is not None:
            wrong.append(f'{fault.__name__}: {said}')
        spans.append((first - BEFORE, camera.number + round(AFTER * RATE), fault.__name__))
        if node.poll() is None:
            memory.append(resident(node.pid))
        if time.monotonic() - told > 60.0:
            told = time.monotonic()
            print(f'{told - begin:6.0f} s {camera.number:7} frames {len(spans):5} faults '
                  f'{memory[-1]:6.0f} MB', flush=True)
    while camera.number < spans[-1][1] + 2 * WINDOW:
        camera.send()
    time.sleep(SETTLE)
    listener.send_signal(signal.SIGTERM)
    heard = json.loads(listener.communicate(timeout=PATIENCE)[0].splitlines()[-1])
    return wrong + judge(camera, Counter(dict(heard['depth'])), heard['others'], spans, memory)


def judge(camera: Camera, depth: Counter[int], others: dict[str, int],
          spans: list[tuple[int, int, str]], memory: list[float]) -> list[str]:
    """Print what came back; what of it is wrong."""
    wrong = []
    inside = np.zeros(camera.number + 1, bool)
    for first, last, _ in spans:
        inside[max(0, first):last + 1] = True
    clear = [(stamp, number) for stamp, number in camera.sent.items() if not inside[number]]
    lost = [(stamp, number) for stamp, number in clear if not depth[stamp]]
    twice = [stamp for stamp in camera.sent if depth[stamp] > 1]
    counts = Counter(name for _, _, name in spans)
    print(f'{camera.number} frames, {len(spans)} faults: '
          + ', '.join(f'{count} {name}' for name, count in sorted(counts.items())))
    print(f'depth {sum(depth.values())}, camera_info {others["camera_info"]}, clouds '
          f'{others["points"]}; good frames outside of fault windows {len(clear)}, of them '
          f'lost {len(lost)}; stamps that came twice {len(twice)}')
    if camera.overlooked:
        print(f'{camera.overlooked} publishers or listeners were not discovered within '
              f'{DISCOVERED:.0f} s, and made anew')
    if lost:
        print(f'lost: numbers {[number for _, number in lost]}; faults at {spans}')
        after = Counter(max((span for span in spans if span[0] < number), default=(0, 0, 'none'),
                            key=lambda span: span[0])[2] for _, number in lost)
        wrong.append(f'{len(lost)} good frames lost, after {dict(after)}')
    if twice:
        wrong.append(f'{len(twice)} stamps came twice')
    if not clear:
        wrong.append('no frame was outside of a fault window')
    quarter = max(1, len(memory) // 4)
    growth = float(np.median(memory[-quarter:]) - np.median(memory[quarter:2 * quarter]))
    print(f'memory {memory[0]:.0f} MB first, {memory[-1]:.0f} MB last; second quarter to last '
          f'{growth:+.1f} MB')
    if growth > ALLOWED_MB and len(memory) >= WARM:
        wrong.append(f'memory grew by {growth:.1f} MB')
    return wrong


def main() -> int:
    """Run it; 0 if all that is asserted holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--role', choices=('node', 'stray', 'listener'))
    parser.add_argument('--seconds', type=float, default=1800.0)
    parser.add_argument('--frames', type=int, default=50000)
    parser.add_argument('--every', type=float, default=5.0, help='mean seconds between faults')
    parser.add_argument('--only', nargs='+', choices=[fault.__name__ for fault in FAULTS],
                        help='these faults alone')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    use_large_data()
    if args.role:
        return {'node': run_node, 'stray': run_stray, 'listener': run_listener}[args.role]()

    with tempfile.TemporaryDirectory(prefix='soak-') as scratch:
        folder = Path(scratch)
        os.environ |= {'DVD_ROS_SOAK_SHOTS': str(folder / 'shots'), 'ROS_LOG_DIR': scratch,
                       'DVD_ROS_SOAK_FULL': str(folder / 'full')}
        log = folder / 'node.log'
        with log.open('w') as file:
            node = subprocess.Popen([sys.executable, __file__, '--role', 'node'], stdout=file,
                                    stderr=subprocess.STDOUT)
        listener = start_listener()
        try:
            camera = Camera(np.random.default_rng(args.seed))
            wrong = soak(args, node, listener, camera)
            if node.poll() is None:
                node.send_signal(signal.SIGINT)
                if status := node.wait(PATIENCE):
                    wrong.append(f'the node ended with {status}')
            if 'Traceback' in (words := log.read_text()):
                wrong.append('a traceback in the log of the node')
            if wrong:
                print(words[-4000:])
        finally:
            for process in (node, listener):
                process.kill()
                process.wait()
    for line in wrong:
        print(f'FAULT: {line}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        status = main()
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        status = error.code if isinstance(error.code, int) else 1
    os._exit(status)  # the executor's thread is still spinning

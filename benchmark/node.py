#!/usr/bin/env python3
"""What depth_node costs, how late depth comes, and what becomes of it when it is too slow.

python3 benchmark/node.py [--seconds 20] [--parts overhead latency overload] [--model mini]

Three processes over DDS: a camera (640x480 rgb8 with camera_info at 30 Hz), the real node, and a
listener to depth, camera_info and points.

overhead: the node with a network that returns at once. CPU per frame (user and system, all
threads), from /proc, beside that of a bare rclpy publisher of the same bytes to the same listener;
then the node's stages one by one. At most 12 ms and no drops, else the exit status is 1.
latency: with `--model`: stamp to reception, p50 and p95.
overload: the network is made ten times too slow for the camera. Drops are counted, latency stays
below what queue and three windows take, stamps rise, memory is flat (at most 20 MB more in the
second half); else the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _processes import cpu_seconds, resident, use_large_data

use_large_data()
os.environ.setdefault('ROS_LOG_DIR', tempfile.mkdtemp(prefix='node-bench-'))
RATE = float(os.environ.get('DVD_ROS_BENCH_RATE', '30'))  # images per second
WIDTH, HEIGHT = 640, 480
ALLOWED_MS, ALLOWED_MB = 12.0, 20.0
WARM = 4.0  # seconds before anything is measured
PATIENCE = 120.0


class Instant:
    """A network that returns at once, or after `pause` seconds: a slope, near below."""

    name, window, size, on_stage = 'instant', 13, None, None

    def __init__(self, pause: float = 0.0) -> None:
        self._pause = pause
        slope = np.linspace(0.05, 0.95, HEIGHT, dtype=np.float32)[:, None]
        self._answer = np.ascontiguousarray(
            np.broadcast_to(slope, (self.window, HEIGHT, WIDTH)))

    def prepare(self, image: np.ndarray) -> None:
        """Nothing to prepare."""

    def predict_prepared(self, prepared: list) -> np.ndarray:
        """The same for all."""
        time.sleep(self._pause)
        return self._answer[:len(prepared)]

    def predict(self, images: np.ndarray) -> np.ndarray:
        """As predict_prepared."""
        return self.predict_prepared(list(images))


# -- the processes


def run_node(args: argparse.Namespace) -> int:
    """The real node, with a network of ours where the model's name says so."""
    from dvd_ros.ros import depth_node

    if args.model.startswith('instant'):
        pause = float(args.model.partition(':')[2] or 0.0)
        depth_node.load_regressor = lambda *_, **__: Instant(pause)
        model = []
    else:
        model = ['-p', f'model:={args.model}']
    return depth_node.main(['--ros-args', '--log-level', 'error', *model])


def run_camera(args: argparse.Namespace) -> int:
    """Images at the rate, for so many seconds; or, bare, the outputs' bytes without a node."""
    import rclpy
    from sensor_msgs.msg import CameraInfo, Image, PointCloud2

    from dvd_ros.geometry import Intrinsics
    from dvd_ros.messages.image_conversion import fill_image, payload
    from dvd_ros.ros.depth_messages import camera_info, header

    rclpy.init(args=[])
    node = rclpy.create_node('camera')
    info = camera_info(Intrinsics.from_hfov(WIDTH, HEIGHT, 1.0), None)
    infos = node.create_publisher(CameraInfo, 'dvd/camera_info' if args.bare else 'camera_info', 10)
    if args.bare:
        depth = fill_image(Image(), np.ones((HEIGHT, WIDTH), np.float32), '32FC1')
        cloud = payload(np.ones((HEIGHT, WIDTH, 4), np.float32))
        points = PointCloud2(height=HEIGHT, width=WIDTH, point_step=16, row_step=cloud.step,
                             data=cloud.data)
        out = [(node.create_publisher(Image, 'dvd/depth', 26), depth),
               (node.create_publisher(PointCloud2, 'dvd/points', 26), points)]
    else:
        small = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        image = fill_image(Image(), small.repeat(20, 0).repeat(20, 1), 'rgb8')
        out = [(node.create_publisher(Image, 'image', 10), image)]
    end = time.monotonic() + PATIENCE
    while not all(one.get_subscription_count() for one in (infos, *(pub for pub, _ in out))):
        if time.monotonic() > end:
            return 1
        time.sleep(0.1)
    time.sleep(1.0)
    print('begins', flush=True)
    start = time.monotonic()
    sent = []
    for number in range(round(args.seconds * RATE)):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        sent.append(time.time_ns())
        head = header(sent[-1], 'cam')
        info.header = head
        infos.publish(info)
        for publisher, message in out:
            message.header = head
            publisher.publish(message)
    time.sleep(1.0)
    print(json.dumps(sent), flush=True)
    rclpy.try_shutdown()
    return 0


def run_listener(_: argparse.Namespace) -> int:
    """Receives until SIGTERM, then prints what it got: stamps and latencies of each topic."""
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray
    from rclpy.executors import ExternalShutdownException
    from sensor_msgs.msg import CameraInfo, Image, PointCloud2

    from dvd_ros.messages.stamps import nanoseconds

    rclpy.init(args=[])
    node = rclpy.create_node('listener')
    got: dict[str, list] = {'depth': [], 'camera_info': [], 'points': []}
    counts: dict[str, float] = {}

    def take(name: str, message: Any) -> None:
        stamp = nanoseconds(message.header.stamp)
        got[name].append((stamp, time.time_ns() - stamp))

    def note(message: Any) -> None:
        for status in message.status:
            if status.name.endswith(': depth'):
                counts.update({pair.key: float(pair.value) for pair in status.values})

    for kind, name in ((Image, 'depth'), (CameraInfo, 'camera_info'), (PointCloud2, 'points')):
        node.create_subscription(kind, f'dvd/{name}', lambda m, name=name: take(name, m), 200)
    node.create_subscription(DiagnosticArray, '/diagnostics', note, 10)
    try:
        rclpy.spin(node)
    except ExternalShutdownException:
        pass
    print(json.dumps({'got': got, 'counts': counts}), flush=True)
    return 0


# -- the measurements


def start(role: str, *arguments: str, out: int | None = subprocess.PIPE) -> subprocess.Popen:
    """One of the processes above."""
    return subprocess.Popen([sys.executable, __file__, '--role', role, *arguments], stdout=out,
                            text=True)


def measure(model: str | None, seconds: float) -> dict[str, Any]:
    """CPU and memory of the node (of the bare publisher without a model), and what was heard."""
    listener = start('listener')
    node = start('node', '--model', model, out=subprocess.DEVNULL) if model else None
    bare = [] if model else ['--bare']
    camera = start('camera', '--seconds', str(seconds + WARM), *bare)
    measured = node or camera
    try:
        assert camera.stdout is not None
        if not camera.stdout.readline():
            raise SystemExit('the processes did not find each other')
        time.sleep(WARM)
        begin, first, cpu = time.monotonic(), time.time_ns(), cpu_seconds(measured.pid)
        memory = []
        while time.monotonic() < begin + seconds - 0.5:
            time.sleep(0.5)
            memory.append(resident(measured.pid))
        cpu, last = cpu_seconds(measured.pid) - cpu, time.time_ns()
        sent = json.loads(camera.communicate(timeout=PATIENCE)[0].splitlines()[-1])
        time.sleep(4.0)  # the last window is flushed, and counted
        listener.send_signal(signal.SIGTERM)
        heard = json.loads(listener.communicate(timeout=PATIENCE)[0].splitlines()[-1])
        # Frames that it was at work on meanwhile: depth that arrived, or what it sent itself.
        times = [stamp + late for stamp, late in heard['got']['depth']] if model else sent
        frames = sum(first <= when < last for when in times)
        return {'cpu_ms': 1e3 * cpu / max(frames, 1), 'sent': len(sent), 'memory': memory,
                **heard}
    finally:
        for process in (node, camera, listener):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def told(name: str, result: dict[str, Any]) -> str:
    """A line of what was measured."""
    counts = result['counts']
    dropped = {key[8:]: int(value) for key, value in counts.items()
               if key.startswith('dropped_') and value}
    late = np.array([late for _, late in result['got']['depth']][round(WARM * RATE):]) * 1e-6
    latency = '      -      -' if not late.size else \
        f'{np.percentile(late, 50):7.0f}{np.percentile(late, 95):7.0f}'
    return (f'{name:<26}{result["cpu_ms"]:9.2f}{latency}{len(result["got"]["depth"]):7}'
            f'{len(result["got"]["points"]):7}{int(counts.get("received", 0)):9}{result["sent"]:7}'
            f'  {dropped or "none"}')


def stages() -> list[tuple[str, float]]:
    """ms of one core that each stage takes for one frame, here, without DDS."""
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

    from dvd_ros.geometry import Intrinsics
    from dvd_ros.messages.cloud_message import CloudMaker
    from dvd_ros.messages.image_conversion import fill_image, rgb_from_message
    from dvd_ros.messages.output_config import OutputConfig
    from dvd_ros.ros.depth_messages import TYPES, camera_info, float_image
    from dvd_ros.stream import DepthStream, Frame, StreamConfig

    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    message = fill_image(Image(), small.repeat(20, 0).repeat(20, 1), 'rgb8')
    camera = Intrinsics.from_hfov(WIDTH, HEIGHT, 1.0)
    stream = DepthStream(Instant(), StreamConfig(stride=4))
    image, maker, head = rgb_from_message(message), CloudMaker(TYPES), Header()
    stamp = 0
    done: list = []

    def push() -> None:
        nonlocal stamp, done
        stamp += round(1e9 / RATE)
        done = stream.push(Frame(image, stamp, 'cam', camera)) or done

    for _ in range(20):
        push()
    depth = done[-1].depth
    cloud = maker.make(depth, image, None, camera, head, OutputConfig())
    picture = float_image(depth, head)
    steps = {
        'image to array': lambda: rgb_from_message(message),
        'stream: align, scale, depth': push,
        'depth image': lambda: float_image(depth, head),
        'camera_info': lambda: camera_info(camera, None),
        'cloud': lambda: maker.make(depth, image, None, camera, head, OutputConfig()),
        'serialise depth': lambda: serialize_message(picture),
        'serialise cloud': lambda: serialize_message(cloud),
    }
    result = []
    for name, step in steps.items():
        begin = time.thread_time()
        for _ in range(60):
            step()
        result.append((name, 1e3 * (time.thread_time() - begin) / 60))
    return result


def main() -> int:
    """Run the benchmark; 0 if what it asserts holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--role', choices=('node', 'camera', 'listener'))
    parser.add_argument('--bare', action='store_true')
    parser.add_argument('--model', default='mini', help='of the part latency')
    parser.add_argument('--seconds', type=float, default=20.0)
    parts = ('overhead', 'latency', 'overload')
    parser.add_argument('--parts', nargs='+', choices=parts, default=parts)
    args = parser.parse_args()
    if args.role:
        return {'node': run_node, 'camera': run_camera, 'listener': run_listener}[args.role](args)

    faults = []
    print(f'{"":<26}{"CPU ms":>9}{"p50 ms":>7}{"p95 ms":>7}{"depth":>7}{"clouds":>7}'
          f'{"images":>9}{"sent":>7}  dropped')
    if 'overhead' in args.parts:
        print(told('bare publisher', measure(None, args.seconds)), flush=True)
        result = measure('instant', args.seconds)
        print(told('node, instant network', result), flush=True)
        lost = sum(value for key, value in result['counts'].items() if key.startswith('dropped_'))
        if result['cpu_ms'] > ALLOWED_MS:
            faults.append(f'{result["cpu_ms"]:.1f} ms per frame, allowed are {ALLOWED_MS}')
        lost += result['sent'] - result['counts'].get('received', 0)
        if lost:
            faults.append(f'{lost:.0f} frames dropped or lost')
    if 'latency' in args.parts:
        print(told(f'node, {Path(args.model).name}', measure(args.model, args.seconds)), flush=True)
    if 'overload' in args.parts:
        # At the largest stride, 8, a window has 8/30 s; this takes ten times as long.
        pause = 10.0 * 8.0 / RATE
        result = measure(f'instant:{pause}', max(args.seconds, 12 * pause))
        print(told('node, 10x too slow', result), flush=True)
        depth, memory = result['got']['depth'], result['memory']
        stamps = [stamp for stamp, _ in depth]
        # What enters a full queue of 16 waits for the window under way, for that of the 8 before it
        # and for its own; besides, for the images that fill it (a busy machine loses some).
        arriving = RATE * min(1.0, result['counts'].get('received', 0) / result['sent'])
        bound = 3.0 * pause + 13.0 / max(arriving, 0.1) + 1.0
        worst = max((late for _, late in depth), default=0) * 1e-9
        growth = np.mean(memory[-len(memory) // 4:]) - np.mean(
            memory[len(memory) // 2:-len(memory) // 4])
        print(f'  worst latency {worst:.1f} s (bound {bound:.1f}), memory {memory[-1]:.0f} MB, '
              f'{growth:+.1f} MB in the last quarter')
        for wrong, text in (
            (not depth, 'no depth at all'), (stamps != sorted(set(stamps)), 'stamps do not rise'),
            (worst > bound, f'latency {worst:.1f} s'), (growth > ALLOWED_MB, 'memory grows'),
            (not result['counts'].get('dropped_too_slow'), 'nothing was dropped'),
        ):
            if wrong:
                faults.append(f'overload: {text}')
    if 'overhead' in args.parts:
        print('\nstages of one frame, one core, without DDS:')
        for name, ms in stages():
            print(f'  {name:<28}{ms:7.2f} ms')
    for fault in faults:
        print(f'FAULT: {fault}')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())

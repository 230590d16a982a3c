#!/usr/bin/env python3
"""Memory of depth_node while it streams: python3 benchmark/node_memory.py [--frames 2000].

Starts the real node in a process of its own, publishes images to it over DDS as fast as it takes
them and listens to all of its topics. After each tenth it waits until all is answered and prints
the node's resident memory (in mid-window it is higher by the activations of the network). Flat
means: the mean of tenths 8 to 10 is at most 20 MB above that of tenths 3 to 5 (before, the buffers
of DDS fill); else the exit status is 1.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
from _processes import resident, use_large_data

_ALLOWED = 20.0  # MB
_PATIENCE = 300.0  # seconds


def _settled(answers: dict[str, int], executor) -> int:
    """Number of depth images once no more come: the last window is flushed after 2 s."""
    count, since = answers['depth'], time.monotonic()
    while time.monotonic() - since < 4.0:
        executor.spin_once(timeout_sec=0.1)
        if answers['depth'] != count:
            count, since = answers['depth'], time.monotonic()
    return count


def stream(node: subprocess.Popen, frames: int, width: int, height: int) -> list[float]:
    """Publish `frames` images, at most two windows ahead of the answers; memory per tenth."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import CameraInfo, Image, PointCloud2

    from dvd_ros.geometry import Intrinsics
    from dvd_ros.messages.image_conversion import fill_image
    from dvd_ros.msg import WindowAlignment
    from dvd_ros.ros.depth_messages import camera_info, header

    rclpy.init()
    peer = rclpy.create_node('node_memory')
    executor = SingleThreadedExecutor()
    executor.add_node(peer)
    images = peer.create_publisher(Image, 'image', 50)
    infos = peer.create_publisher(CameraInfo, 'camera_info', 50)
    answers = dict.fromkeys(('depth', 'camera_info', 'points', 'disparity', 'alignment'), 0)

    def count(name: str) -> None:
        answers[name] += 1

    for name, kind in zip(answers, (Image, CameraInfo, PointCloud2, Image, WindowAlignment),
                          strict=True):
        peer.create_subscription(kind, f'dvd/{name}', lambda _, name=name: count(name), 50)

    def until(ready) -> None:
        end = time.monotonic() + _PATIENCE
        while not ready():
            if time.monotonic() > end or node.poll() is not None:
                raise SystemExit('the node gives no answer')
            executor.spin_once(timeout_sec=0.1)

    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (16, height, width, 3), dtype=np.uint8)
    info = camera_info(Intrinsics.from_hfov(width, height, 1.0), None)

    def send(number: int) -> None:
        head = header(number * 33_333_333, 'camera')
        info.header = head
        infos.publish(info)
        images.publish(fill_image(Image(header=head), pictures[number % 16], 'rgb8'))

    # Until every topic has answered, both sides have not yet found each other.
    until(images.get_subscription_count)
    first = 0
    while not all(answers.values()):
        first += 1
        send(first)
        executor.spin_once(timeout_sec=0.1)
        pause = time.monotonic() + 0.5
        until(lambda pause=pause: time.monotonic() > pause)
    missed = first - _settled(answers, executor)
    memory = []
    print(f'{"frames":>7} {"depth":>7} {"points":>7} {"memory MB":>10}')
    for number in range(1, frames + 1):
        send(first + number)
        # At most two windows ahead, so that nothing has to be dropped.
        until(lambda number=number: answers['depth'] + missed >= first + number - 26)
        if number % (frames // 10) == 0:
            until(lambda number=number: answers['depth'] + missed >= first + number)
            pause = time.monotonic() + 0.5
            until(lambda pause=pause: time.monotonic() > pause)
            memory.append(resident(node.pid))
            print(f'{number:7} {answers["depth"]:7} {answers["points"]:7} {memory[-1]:10.1f}',
                  flush=True)
    executor.shutdown()
    peer.destroy_node()
    rclpy.try_shutdown()
    return memory


def main() -> int:
    """Run the benchmark; 0 if memory stayed flat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--model', default='mini', help='as the parameter of depth_node')
    parser.add_argument('--frames', type=int, default=2000)
    parser.add_argument('--size', type=int, nargs=2, default=(320, 240), metavar=('W', 'H'))
    options = parser.parse_args()
    use_large_data()
    os.environ.setdefault('ROS_LOG_DIR', tempfile.mkdtemp(prefix='node_memory'))
    os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
    node = subprocess.Popen(
        [sys.executable, '-m', 'dvd_ros.ros.depth_node', '--ros-args', '--log-level', 'warn',
         '-p', f'model:={options.model}', '-p', 'queue:=1000',
         '-p', 'qos_overrides./image.subscription.reliability:=reliable',
         '-p', 'qos_overrides./image.subscription.depth:=50']
    )
    try:
        memory = stream(node, options.frames, *options.size)
    finally:
        node.send_signal(signal.SIGINT)
        node.wait(60)
    growth = float(np.mean(memory[7:10]) - np.mean(memory[2:5]))
    print(f'growth from tenths 3-5 to tenths 8-10: {growth:+.1f} MB (at most {_ALLOWED:.0f}); '
          f'exit status of the node {node.returncode}')
    return int(growth > _ALLOWED or node.returncode != 0)


if __name__ == '__main__':
    raise SystemExit(main())

"""The faults that benchmark/soak.py injects: each a function of the camera that it befalls."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _soak_camera import DISCOVERED

Fault = Callable[[Any], str | None]


def encoding(camera: Any) -> None:
    """Other encodings, known and unknown, for a second."""
    for name, channels, kind in (
        ('mono8', 1, np.uint8), ('bgra8', 4, np.uint8), ('mono16', 1, np.uint16),
        ('bayer_rggb8', 1, np.uint8), ('yuv422_yuy2', 2, np.uint8), ('32FC1', 1, np.float32),
        ('what_is_this', 3, np.uint8), ('', 3, np.uint8),
    ):
        pixels = camera.rng.integers(0, 200, (*camera.size, channels)).astype(kind)
        for _ in range(4):
            camera.send(pixels=pixels, encoding=name)


def resolution(camera: Any) -> None:
    """The largest size, so that DDS's buffers grow at once, any other, and a pixel."""
    for size in ((500, 500), tuple(camera.rng.integers(16, 500, 2)), (1, 1)):
        for _ in range(12):
            camera.send(size=size)


def truncated(camera: Any) -> None:
    """Data that ends early, and sizes that it does not have."""
    height, width = camera.size
    for number in range(20):
        cut = int(camera.rng.integers(0, height * width * 3))
        lie: dict[str, Any] = ({'data': array('B', bytes(cut))}, {'step': 1}, {'height': 2**31},
                               {'width': 0, 'height': 0})[number % 4]
        camera.send(lie=lie)


def intrinsics(camera: Any) -> None:
    """CameraInfo of NaN, of nothing, and of another size."""
    nan, zero = [float('nan')] * 9, [0.0] * 9
    for info in ({'k': nan}, {'k': zero}, {'width': 7}, {'d': [float('inf')] * 5},
                 {'distortion_model': 'x' * 1000}, {'p': [float('nan')] * 12}):
        for _ in range(5):
            camera.send(info=info)


def stamps(camera: Any) -> None:
    """Stamps that jump back and forth, repeat, and are 0."""
    for seconds in (10.0, -0.2, -100.0, 3600.0, -3599.0):
        camera.jump(seconds)
        for _ in range(10):
            camera.send()
    for _ in range(3):
        camera.send(stamp=camera.stamp)
    camera.send(stamp=0)
    camera.jump(86400.0)


def death(camera: Any) -> None:
    """The camera goes; another process takes its place and is killed; the camera comes back."""
    camera.disconnect()
    other = subprocess.Popen([sys.executable, str(Path(__file__).with_name('soak.py')), '--role',
                              'stray'], stdout=subprocess.PIPE, text=True)
    # Who comes after a process that was killed may find DDS's shared memory locked by it.
    if not select.select([other.stdout], [], [], 2 * DISCOVERED)[0]:
        camera.overlooked += 1
    time.sleep(float(camera.rng.uniform(0.2, 1.0)))
    other.send_signal(signal.SIGKILL)
    other.wait()
    camera.connect()


def burst(camera: Any) -> None:
    """200 frames at once."""
    for _ in range(200):
        camera.send(paced=False)


def disk_full(camera: Any) -> str | None:
    """A snapshot with a full disk, which must say so, and one after that."""
    full = Path(os.environ['DVD_ROS_SOAK_FULL'])
    full.touch()
    try:
        refused = camera.trigger('snapshot')
    finally:
        full.unlink()
    taken = camera.trigger('snapshot')
    if refused is None or refused.success or 'No space left' not in refused.message:
        return f'a snapshot on a full disk was answered with {refused}'
    if taken is None or not taken.success:
        return f'the snapshot after that was answered with {taken}'
    stamp = json.loads((Path(taken.message) / 'frame.json').read_text())['stamp_ns']
    for file in Path(taken.message).iterdir():
        file.unlink()
    Path(taken.message).rmdir()
    return None if stamp in camera.sent else f'the snapshot is of a frame never sent: {stamp}'


def network(camera: Any) -> None:
    """The network raises: for one window, or for so long that the model is loaded anew."""
    for _ in range(int(camera.rng.choice([16, 60]))):
        camera.send(pixels=np.zeros((*camera.size, 3), np.uint8))


def requests(camera: Any) -> str | None:
    """A reset, and a parameter that is out of its range."""
    camera.trigger('reset')
    answer = camera.set_parameter('near', -1.0)
    return f'near of -1 was taken: {answer}' if answer is None or answer.successful else None


FAULTS: tuple[Fault, ...] = (encoding, resolution, truncated, intrinsics, stamps, death, burst,
                             disk_full, network, requests)

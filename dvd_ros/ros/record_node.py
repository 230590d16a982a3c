"""record_node: listens to a camera and to its depth, and writes a StreamRecord when both end."""

from __future__ import annotations

import json
import math
import time
from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from dvd_ros.evaluation.stream_record import StreamRecord
from dvd_ros.messages.image_conversion import ImageError, rgb_from_message
from dvd_ros.messages.stamps import nanoseconds
from dvd_ros.msg import WindowAlignment
from dvd_ros.option import option
from dvd_ros.ros.parameters import declare
from dvd_ros.ros.run_node import run_node

# Reliable, and deep enough for the burst of a window while this process is not scheduled.
_DEEP = 1000
# Images whose depth is still to come; beyond, the oldest is forgotten.
_PREVIEWS = 300
# Between two looks at the graph and two lines of progress, seconds.
_TICK = 0.3
# After the last image: how long the node's counters take to be true, how long depth that they
# count may take to come, and how long they may be silent; seconds.
_SETTLE, _LATE, _SILENT = 1.0, 5.0, 30.0


@dataclass(frozen=True)
class RecordNodeConfig:
    """What record_node writes and where."""

    file: str = option('', 'npz file to write')
    frames: int = option(0, 'images that are expected; the cloud is taken at half of them', 0)
    width: int = option(320, 'depth is kept at most this wide', 1)
    preview: int = option(240, 'images are kept at most this wide', 1)
    most: int = option(300, 'frames kept at the most, evenly spaced', 2)
    node: str = option('depth_node', 'whose diagnostics count')

    def __post_init__(self) -> None:
        if not self.file:
            raise ValueError('file must name an npz file to write, got an empty string; '
                             'set it with -p file:=FILE')


class RecordNode(Node):
    """Subscribes both ends of the stream; its progress goes to stdout, a line of JSON each.

    `ready`: the depth node is there, so that a camera may begin. `inputs`, `published`: counted
    here; `dropped`, `in_work`: the depth node's. `began`: arrival of the first image. The record
    is written once the camera has gone and the depth node has nothing in work.

    The stamps of the images are those of `camera_info`, which is small and subscribed reliably;
    the images themselves are best effort and serve as previews. Clouds are subscribed for one
    only, as the depth node makes none that nobody listens to.
    """

    def __init__(self) -> None:
        super().__init__('record_node')
        self._config = declare(self, RecordNodeConfig)
        self._inputs: list[int] = []
        self._depths: list[int] = []
        self._arrivals: list[int] = []
        self._kept: list[tuple[int, np.ndarray, np.ndarray]] = []  # index, depth, image
        self._stride = 1
        self._size: tuple[int, int] | None = None  # (w, h) of kept depth
        self._previews: OrderedDict[int, np.ndarray] = OrderedDict()
        self._preview_size: tuple[int, int] | None = None
        self._cloud: tuple[np.ndarray, np.ndarray] | None = None
        self._points = None
        self._counts: dict[str, float] = {}
        self._counted = 0.0
        self._window = 0
        self._segments: set[int] = set()
        self._began: float | None = None
        self._camera_seen = False
        self._ended: float | None = None
        self._idle: float | None = None
        self._ready = False
        self.create_subscription(CameraInfo, 'camera_info', self._on_camera_info, _DEEP)
        self.create_subscription(Image, 'image', self._on_image, qos_profile_sensor_data)
        self.create_subscription(Image, 'dvd/depth', self._on_depth, _DEEP)
        self.create_subscription(WindowAlignment, 'dvd/alignment', self._on_alignment, _DEEP)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)

    def run(self) -> int:
        """Listen until the stream has ended, write the record; the exit status."""
        executor = SingleThreadedExecutor()
        executor.add_node(self)
        tick = 0.0
        while rclpy.ok():
            executor.spin_once(timeout_sec=_TICK)
            if time.monotonic() - tick < _TICK:
                continue
            tick = time.monotonic()
            self._look()
            self._tell()
            if self._complete():
                self._record().save(self._config.file)
                return 0
        return 0

    def stop(self) -> bool:
        """Destroy the node."""
        self.destroy_node()
        return True

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._began = self._began or time.time()
        self._inputs.append(nanoseconds(message.header.stamp))

    def _on_image(self, message: Image) -> None:
        try:
            image = rgb_from_message(message)
        except ImageError:
            return
        if self._preview_size is None:
            self._preview_size = _reduced(image, self._config.preview)
        self._previews[nanoseconds(message.header.stamp)] = cv2.resize(
            image, self._preview_size, interpolation=cv2.INTER_AREA)
        if len(self._previews) > _PREVIEWS:
            self._previews.popitem(last=False)

    def _on_depth(self, message: Image) -> None:
        self._arrivals.append(time.time_ns())
        stamp = nanoseconds(message.header.stamp)
        index = len(self._depths)
        self._depths.append(stamp)
        if index % self._stride == 0:
            depth = np.frombuffer(message.data, np.float32).reshape(message.height, -1)
            depth = depth[:, :message.width]
            self._size = self._size or _reduced(depth, self._config.width)
            preview = self._previews.get(stamp)
            if preview is None:
                width, height = self._preview_size or (1, 1)
                preview = np.zeros((height, width, 3), np.uint8)
            # The smaller copy, also where nothing is reduced: depth is the message's memory.
            small = cv2.resize(depth, self._size, interpolation=cv2.INTER_NEAREST)
            self._kept.append((index, np.array(small), preview))
            if len(self._kept) == self._config.most:
                del self._kept[1::2]
                self._stride *= 2
        while self._previews and next(iter(self._previews)) <= stamp:
            self._previews.popitem(last=False)

    def _on_alignment(self, message: WindowAlignment) -> None:
        self._window = max(self._window, message.frames)
        self._segments.add(message.segment)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith(f'/{self._config.node}: depth'):
                self._counts = {pair.key: float(pair.value) for pair in status.values}
                self._counted = time.monotonic()

    def _on_points(self, message: PointCloud2) -> None:
        if self._cloud is not None:
            return
        layout = np.dtype({
            'names': [entry.name for entry in message.fields],
            'formats': ['<f4'] * len(message.fields),
            'offsets': [entry.offset for entry in message.fields],
            'itemsize': message.point_step,
        })
        step = math.ceil(message.width / (2 * self._config.width))
        cloud = np.frombuffer(message.data, layout).reshape(message.height, message.width)
        cloud = cloud[::step, ::step]
        points = np.stack([cloud[name] for name in 'xyz'], axis=-1)
        packed = np.ascontiguousarray(cloud['rgb']).view(np.uint32)
        colours = np.stack([packed >> shift & 255 for shift in (16, 8, 0)], axis=-1)
        there = np.isfinite(points).all(axis=-1)
        self._cloud = points[there], colours[there].astype(np.uint8)

    def _look(self) -> None:
        """Look who is there: the depth node at the start, the camera to its end."""
        self._ready = self._ready or self.count_publishers('dvd/depth') > 0
        camera = self.count_publishers('image') > 0
        self._camera_seen |= camera or bool(self._inputs)
        if self._camera_seen and not camera:
            self._ended = self._ended or time.monotonic()
        elif camera:
            self._ended = None
        halfway = len(self._inputs) >= max(1, self._config.frames / 2)
        if self._points is None and (halfway or self._ended):
            self._points = self.create_subscription(
                PointCloud2, 'dvd/points', self._on_points, 1)
        if self._cloud is not None and self._points:
            self.destroy_subscription(self._points)
            self._points = False

    def _complete(self) -> bool:
        if self._ended is None:
            return False
        now = time.monotonic()
        if now - max(self._counted, self._ended) > _SILENT:
            self.get_logger().warning('the depth node says nothing any more')
            return True
        if self._counted < self._ended + _SETTLE or self._counts['in_work']:
            self._idle = None
            return False
        self._idle = self._idle or now
        return len(self._depths) >= self._counts['published'] or now - self._idle > _LATE

    def _tell(self) -> None:
        dropped = {key.removeprefix('dropped_'): int(value)
                   for key, value in self._counts.items() if key.startswith('dropped_') and value}
        print(json.dumps({
            'ready': self._ready, 'inputs': len(self._inputs), 'published': len(self._depths),
            'dropped': dropped, 'in_work': int(self._counts.get('in_work', 0)),
            'began': self._began, 'ended': self._ended is not None,
        }), flush=True)

    def _record(self) -> StreamRecord:
        kept = {}
        if self._kept:
            width, height = self._preview_size or (1, 1)
            images = [image if image.shape[:2] == (height, width)
                      else np.zeros((height, width, 3), np.uint8) for _, _, image in self._kept]
            kept = {'kept': np.array([index for index, _, _ in self._kept]),
                    'depth': np.stack([depth for _, depth, _ in self._kept]),
                    'images': np.stack(images)}
        if self._cloud is not None:
            kept |= {'points': self._cloud[0], 'colours': self._cloud[1]}
        return StreamRecord(
            inputs=np.array(self._inputs, np.int64), depths=np.array(self._depths, np.int64),
            arrivals=np.array(self._arrivals, np.int64), counts=self._counts,
            window=self._window, segments=len(self._segments), **kept,
        )


def _reduced(image: np.ndarray, most: int) -> tuple[int, int]:
    """(width, height) of an image [H,W,...] at most so wide, its shape kept."""
    height, width = image.shape[:2]
    part = min(1.0, most / width)
    return max(1, round(width * part)), max(1, round(height * part))


def main(args: list[str] | None = None) -> int:
    """Run the node as a process; the exit status."""
    return run_node(RecordNode, 'record_node', args)


if __name__ == '__main__':
    raise SystemExit(main())

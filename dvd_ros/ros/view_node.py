"""view_node: shows a depth node's topics in a browser."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from dvd_ros.messages.depth_conversion import DEPTH_ENCODINGS
from dvd_ros.messages.image_conversion import check_layout, pixels_of
from dvd_ros.messages.stamps import nanoseconds
from dvd_ros.msg import MetricScale, WindowAlignment
from dvd_ros.option import option
from dvd_ros.ros.bridge import choose_converter
from dvd_ros.ros.cloud_conversion import coloured_points_from_cloud
from dvd_ros.ros.parameters import declare
from dvd_ros.ros.run_node import run_node
from dvd_ros.view.feed import Encode, Feed
from dvd_ros.view.packets import cloud_packet, colour_table, frame_packet, packet
from dvd_ros.view.playout import Playout
from dvd_ros.view.telemetry import LEVELS, Status, Telemetry

# Between two looks at who looks on, seconds.
_TICK = 0.2
# Between two looks at what is to be shown next, while somebody looks on, seconds.
_PLAY = 0.02
# Between two states that are sent, seconds.
_STATE = 0.5
# Images whose depth is still to come; beyond, the oldest is forgotten.
_IMAGES = 64
# Without depth for so long images are shown alone, nanoseconds.
_ALONE = 2_000_000_000
# The last samples in each state: a browser on a slow network skips states.
_RECENT = 10


@dataclass(frozen=True)
class ViewNodeConfig:
    """What view_node serves, where and to whom."""

    host: str = option('127.0.0.1', 'address to listen on; 0.0.0.0: all of the network may look')
    port: int = option(8642, 'TCP port; 0: a free one, which the log names', 0, 65535)
    allow_host: tuple[str, ...] = option(
        (), 'names that browsers may call this machine by, besides localhost and its addresses')
    clients: int = option(8, 'browsers that may look on at a time', 1, 64)
    node: str = option('depth_node', 'the depth node, in the namespace of this one')
    width: int = option(640, 'pictures are sent at most this wide', 32, 4096)
    points: int = option(40000, 'points of a cloud that are sent at most', 100, 1000000)
    rate: float = option(15.0, 'pictures per second that are sent at most', 0.1, 100.0)
    cloud_rate: float = option(5.0, 'clouds per second that are sent at most', 0.1, 100.0)


class ViewNode(Node):
    """Subscribes what a depth node takes and gives, while a browser looks on, and only then.

    `image` best effort, which any camera matches; `dvd/depth`, `dvd/points`, `dvd/camera_info`,
    `dvd/alignment`, `dvd/scale` and `/diagnostics` reliably. An image is shown with its own depth,
    of the same stamp.

    Raises
    ------
    ValueError, OSError, ImportError
        a parameter that makes no sense, an address that is taken, or aiohttp is not installed.

    """

    def __init__(self) -> None:
        super().__init__('view_node')
        try:
            from dvd_ros.view.guard import Guard
            from dvd_ros.view.server import ViewServer
        except ModuleNotFoundError as error:
            raise ImportError(f'{error}: pip install -r requirements/view.txt, or '
                              'sudo apt install python3-aiohttp') from error
        self._config = config = declare(self, ViewNodeConfig)
        self._node = f'{self.get_namespace().rstrip("/")}/{config.node}'
        self._telemetry = Telemetry(self._node)
        self._feed = Feed({'frame': config.rate, 'cloud': config.cloud_rate, 'state': 4.0})
        self._server = ViewServer(self._feed, self._hello, config.host, config.port,
                                  Guard(config.allow_host), config.clients)
        self._to_rgb, _ = choose_converter()
        self._images: OrderedDict[int, np.ndarray] = OrderedDict()
        self._depth_seen = 0
        self._playout: Playout[Encode] = Playout()
        self._clocks: list[Any] = []
        self._listening: list[Any] = []
        # Of its own clock: it goes on where simulated time stands still.
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_TICK, self._tick, clock=self._steady)

    def run(self) -> int:
        """Serve until the context is shut down."""
        self._server.start()
        self.get_logger().info(f'the live view of {self._node} is at {self._server.url}')
        if self._config.host not in ('127.0.0.1', '::1', 'localhost'):
            self.get_logger().warning(
                f'listening on {self._config.host}: whoever can connect sees the camera')
        executor = SingleThreadedExecutor()
        executor.add_node(self)
        while rclpy.ok():
            executor.spin_once(timeout_sec=1.0)
        return 0

    def stop(self) -> bool:
        """End the server and destroy the node; False where the server does not end."""
        stopped = self._server.stop()
        self.destroy_node()
        return stopped

    def _tick(self) -> None:
        """Subscribe when the first browser comes, and no more when the last has gone."""
        watched = self._feed.watchers > 0
        if watched and not self._listening:
            self._listen()
        elif not watched and self._listening:
            for subscription in self._listening:
                self.destroy_subscription(subscription)
            for timer in self._clocks:
                self.destroy_timer(timer)
            self._listening.clear()
            self._clocks.clear()
            self._images.clear()
            self._playout.clear()
            self._telemetry.pause()

    def _listen(self) -> None:
        # The depth node's are reliable, and so is this end: beside clouds Fast DDS loses half of
        # the depth images that come best effort.
        for kind, topic, take, qos in (
            (Image, 'image', self._on_image, qos_profile_sensor_data),
            (Image, 'dvd/depth', self._on_depth, 20),
            (PointCloud2, 'dvd/points', self._on_points, 2),
            (CameraInfo, 'dvd/camera_info', self._on_camera_info, 20),
            (WindowAlignment, 'dvd/alignment', self._on_alignment, 20),
            (MetricScale, 'dvd/scale', self._on_scale, 20),
            (DiagnosticArray, '/diagnostics', self._on_diagnostics, 20),
        ):
            self._listening.append(self.create_subscription(
                kind, topic, self._readable(topic, take), qos,
                qos_overriding_options=QoSOverridingOptions.with_default_policies()))
        self._clocks = [self.create_timer(period, work, clock=self._steady)
                        for period, work in ((_PLAY, self._play), (_STATE, self._tell))]

    def _readable(self, topic: str, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """A callback that tells of what it cannot read, and goes on."""
        def called(message: Any) -> None:
            try:
                take(message)
            except ValueError as error:
                self.get_logger().warning(f'cannot show a message on {topic}: {error}',
                                          throttle_duration_sec=5.0)
        return called

    def _hello(self) -> bytes:
        return packet({'kind': 'hello', 'colours': colour_table(),
                       'state': self._telemetry.state(), 'samples': self._telemetry.samples()})

    def _tell(self) -> None:
        state, samples = self._telemetry.state(), self._telemetry.samples(_RECENT)
        self._feed.put('state', lambda: packet(
            {'kind': 'state', 'state': state, 'samples': samples}))

    def _play(self) -> None:
        encode = self._playout.due(time.monotonic())
        if encode is not None:
            self._feed.put('frame', encode)

    def _on_image(self, message: Image) -> None:
        image = self._to_rgb(message)
        height, width = image.shape[:2]
        if width > self._config.width:
            size = self._config.width, max(1, round(height * self._config.width / width))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        stamp = nanoseconds(message.header.stamp)
        self._images[stamp] = image
        if len(self._images) > _IMAGES:
            self._images.popitem(last=False)
        # Stamps may jump back, too, where a recording begins anew.
        if abs(stamp - self._depth_seen) > _ALONE:
            self._show(image, None, message)

    def _on_depth(self, message: Image) -> None:
        layout = check_layout(message, DEPTH_ENCODINGS)
        every = -(-message.width // self._config.width)
        depth = pixels_of(message, layout)[::every, ::every, 0]
        metres = depth.astype(np.float32)
        if layout.dtype is np.uint16:
            metres *= 1e-3
        self._depth_seen = nanoseconds(message.header.stamp)
        self._show(self._images.get(self._depth_seen), metres, message)

    def _show(self, image: np.ndarray | None, depth: np.ndarray | None, message: Image) -> None:
        stamp = nanoseconds(message.header.stamp)
        head = {'stamp': stamp * 1e-9, 'frame_id': message.header.frame_id,
                'width': message.width, 'height': message.height,
                'age': (self.get_clock().now().nanoseconds - stamp) * 1e-9}
        self._playout.put(head['stamp'], lambda: frame_packet(image, depth, head))

    def _on_points(self, message: PointCloud2) -> None:
        head = {'stamp': nanoseconds(message.header.stamp) * 1e-9,
                'frame_id': message.header.frame_id, 'of': message.width * message.height}
        most = self._config.points
        # Read in the server's thread, and only what is sent; first a look whether it can be.
        coloured_points_from_cloud(message, 1)
        self._feed.put('cloud', lambda: cloud_packet(
            *coloured_points_from_cloud(message, most), head))

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._telemetry.camera(message.header.frame_id, width=message.width, height=message.height,
                               fx=message.k[0], fy=message.k[4], cx=message.k[2], cy=message.k[5])

    def _on_alignment(self, message: WindowAlignment) -> None:
        self._telemetry.align(**{name: getattr(message, name) for name in (
            'window', 'segment', 'frames', 'new_frames', 'scale', 'shift', 'scale_sigma',
            'correlation', 'cut')})

    def _on_scale(self, message: MetricScale) -> None:
        sources = [{name: getattr(source, name) for name in (
            'name', 'used', 'status', 'observations', 'age', 'relative_sigma')}
            for source in message.sources]
        self._telemetry.scale(sources, **{name: getattr(message, name) for name in (
            'segment', 'metric', 'nominal', 'reason', 'scale', 'offset', 'relative_sigma')})

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        begin = f'{self._node}: '
        own = [Status(status.name.removeprefix(begin),
                      LEVELS[min(ord(status.level), len(LEVELS) - 1)], status.message,
                      {pair.key: pair.value for pair in status.values})
               for status in message.status if status.name.startswith(begin)]
        if own:
            self._telemetry.hear(own)


def main(args: list[str] | None = None) -> int:
    """Run the node as a process; the exit status."""
    return run_node(ViewNode, 'view_node', args)


if __name__ == '__main__':
    raise SystemExit(main())

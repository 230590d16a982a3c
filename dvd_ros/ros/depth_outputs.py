"""The topics of the depth node: what is published for a DepthFrame, and to whom."""

from __future__ import annotations

import time
from typing import Any

import rclpy
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from dvd_ros.messages.frame_messages import OUTPUTS, FrameMessages
from dvd_ros.messages.output_config import OutputConfig
from dvd_ros.msg import MetricScale, WindowAlignment
from dvd_ros.ros.depth_messages import TYPES
from dvd_ros.stream import DepthFrame

_KINDS = {
    'sensor_msgs/msg/Image': Image, 'sensor_msgs/msg/CameraInfo': CameraInfo,
    'sensor_msgs/msg/PointCloud2': PointCloud2, 'dvd_ros/msg/WindowAlignment': WindowAlignment,
    'dvd_ros/msg/MetricScale': MetricScale,
}
# Between two frames of a batch, seconds. Without it a window is tens of megabytes at once, of which
# Fast DDS loses some, and delays others by up to seconds (measured: none and 0.1 s with it).
_PAUSE = 0.005
# Small messages that are kept until all have acknowledged them.
_SMALL_DEPTH = 200


class DepthOutputs:
    """Publishers under `dvd/`; nothing is computed for a topic that nobody listens to.

    Reliable, as a best-effort publisher would not reach reliable subscribers, and deep enough for
    the bursts of two windows; the small messages deeper, as Fast DDS may take seconds to repeat
    one that got lost between large ones. Overridable: `qos_overrides./dvd/depth.publisher.depth`.

    `unsent` counts messages that the middleware refused, as it does when its buffers stay full.

    Parameters
    ----------
    node:
        the node that publishes.
    window:
        frames of a full window.
    hfov:
        horizontal field of view in radians for frames without intrinsics.
    config:
        what is published; `config` may be set at any time.

    """

    def __init__(self, node: Node, window: int, hfov: float, config: OutputConfig) -> None:
        self._node = node
        self._messages = FrameMessages(TYPES, window, hfov, config)
        self.unsent = 0

        def advertise(kind: Any, name: str, depth: int) -> Any:
            qos = QoSProfile(
                history=HistoryPolicy.KEEP_LAST, depth=depth,
                reliability=ReliabilityPolicy.RELIABLE,
            )
            return node.create_publisher(
                kind, f'dvd/{name}', qos,
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )

        depths = {'camera_info': _SMALL_DEPTH, 'alignment': _SMALL_DEPTH, 'scale': _SMALL_DEPTH}
        self._publishers = {name: advertise(_KINDS[kind], name, depths.get(name, 2 * window))
                            for name, kind in OUTPUTS.items()}

    def heard(self) -> bool:
        """Whether anybody listens to any of the topics."""
        return any(map(self._listened, self._publishers.values()))

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)

    @property
    def config(self) -> OutputConfig:
        """What is published; it may be set at any time."""
        return self._messages.config

    @config.setter
    def config(self, config: OutputConfig) -> None:
        self._messages.config = config

    def publish(self, batch: list[DepthFrame]) -> None:
        """Publish depth frames in order, and after the last of each window how it was scaled."""
        for done, messages in self._messages.of_batch(batch, self._wanted):
            if done is not batch[0]:
                time.sleep(_PAUSE)
            for name, message in messages:
                self._send(self._publishers[name], message)

    def _wanted(self, name: str) -> bool:
        return self._listened(self._publishers[name])

    def _send(self, publisher: Any, message: Any) -> None:
        try:
            publisher.publish(message)
        except rclpy_implementation.RCLError:
            if not rclpy.ok():
                raise  # not refused: the node is being shut down under us
            self.unsent += 1

    @staticmethod
    def _listened(publisher: Any) -> bool:
        return publisher.get_subscription_count() > 0

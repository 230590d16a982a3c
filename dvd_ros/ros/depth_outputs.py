"""The topics of the depth node: what is published for a DepthFrame, and to whom."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import rclpy
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.msg import MetricScale, WindowAlignment
from dvd_ros.ros.camera_info import camera_info
from dvd_ros.ros.cloud_message import CloudMaker, CloudRate
from dvd_ros.ros.depth_messages import (
    float_image,
    metric_scale,
    millimetre_image,
    window_alignment,
)
from dvd_ros.ros.depth_parameters import OutputConfig
from dvd_ros.ros.stamps import header
from dvd_ros.stream import DepthFrame

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
        self.config = config
        self._node = node
        self._cloud = CloudMaker()
        self._cloud_rate = CloudRate()
        self._window = window
        self._hfov = hfov
        self._segment = -1
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

        self._depth = advertise(Image, 'depth', 2 * window)
        self._camera_info = advertise(CameraInfo, 'camera_info', _SMALL_DEPTH)
        self._points = advertise(PointCloud2, 'points', 2 * window)
        self._disparity = advertise(Image, 'disparity', 2 * window)
        self._confidence = advertise(Image, 'confidence', 2 * window)
        self._alignment = advertise(WindowAlignment, 'alignment', _SMALL_DEPTH)
        self._scale = advertise(MetricScale, 'scale', _SMALL_DEPTH)
        self._all = (self._depth, self._camera_info, self._points, self._disparity,
                     self._confidence, self._alignment, self._scale)

    def heard(self) -> bool:
        """Whether anybody listens to any of the topics."""
        return any(map(self._listened, self._all))

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._all:
            self._node.destroy_publisher(publisher)

    def publish(self, batch: list[DepthFrame]) -> None:
        """Publish depth frames in order, and after the last of each window how it was scaled."""
        for index, done in enumerate(batch):
            if index:
                time.sleep(_PAUSE)
            self._publish_frame(done)
            if index + 1 == len(batch) or batch[index + 1].window != done.window:
                self._publish_alignment(done)
                if self._listened(self._scale):
                    self._send(self._scale, metric_scale(done))

    def _publish_frame(self, done: DepthFrame) -> None:
        head = header(done.stamp, done.frame.frame_id)
        height, width = done.depth.shape
        known = done.frame.intrinsics or Intrinsics.from_hfov(
            done.frame.image.shape[1], done.frame.image.shape[0], self._hfov
        )
        intrinsics = known.scaled(width, height)
        if self._listened(self._camera_info):
            info = camera_info(
                intrinsics,
                getattr(done.frame, 'camera_info', None) if done.frame.intrinsics else None,
            )
            info.header = head
            self._send(self._camera_info, info)
        config = self.config
        depth = done.depth
        if config.min_confidence:
            depth = np.where(done.confidence < config.min_confidence, np.float32(np.nan), depth)
        if self._listened(self._depth):
            made = float_image if config.depth_encoding == '32FC1' else millimetre_image
            self._send(self._depth, made(depth, head))
        if self._listened(self._disparity):
            self._send(self._disparity, float_image(done.disparity, head))
        if self._listened(self._confidence):
            self._send(self._confidence, float_image(done.confidence, head))
        if self._listened(self._points) and self._cloud_rate.due(done.stamp, config.cloud_rate):
            confidence = done.confidence if config.cloud_min_confidence else None
            self._send(self._points, self._cloud.make(depth, done.frame.image, confidence,
                                                      intrinsics, head, config))

    def _publish_alignment(self, newest: DepthFrame) -> None:
        # The first window of a segment has new frames only; every later one is filled up.
        begins = newest.segment != self._segment
        self._segment = newest.segment
        if self._listened(self._alignment):
            frames = len(newest.alignment.disparity) if begins else self._window
            self._send(self._alignment, window_alignment(newest, frames))

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

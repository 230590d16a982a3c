"""The topics of the depth node: what is published for a DepthFrame, and to whom."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.msg import WindowAlignment
from dvd_ros.ros.camera_info import camera_info
from dvd_ros.ros.depth_messages import cloud, float_image, window_alignment
from dvd_ros.ros.stamps import header
from dvd_ros.stream import DepthFrame


class DepthOutputs:
    """Publishers under `dvd/`; nothing is computed for a topic that nobody listens to.

    Reliable, as a best-effort publisher would not reach reliable subscribers, and deep enough for
    the burst of one window. Overridable: `qos_overrides./dvd/depth.publisher.reliability` etc.

    Parameters
    ----------
    node:
        the node that publishes.
    window:
        frames of a full window.
    hfov:
        horizontal field of view in radians for frames without intrinsics.

    """

    def __init__(self, node: Node, window: int, hfov: float) -> None:
        self._window = window
        self._hfov = hfov
        self._segment = -1
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST, depth=window, reliability=ReliabilityPolicy.RELIABLE
        )

        def advertise(kind: Any, name: str) -> Any:
            return node.create_publisher(
                kind, f'dvd/{name}', qos,
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )

        self._depth = advertise(Image, 'depth')
        self._camera_info = advertise(CameraInfo, 'camera_info')
        self._points = advertise(PointCloud2, 'points')
        self._disparity = advertise(Image, 'disparity')
        self._alignment = advertise(WindowAlignment, 'alignment')

    def publish(self, batch: list[DepthFrame]) -> None:
        """Publish depth frames in order, and after the last of each window its alignment."""
        for index, done in enumerate(batch):
            self._publish_frame(done)
            if index + 1 == len(batch) or batch[index + 1].window != done.window:
                self._publish_alignment(done)

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
            self._camera_info.publish(info)
        if self._listened(self._depth):
            self._depth.publish(float_image(done.depth, head))
        if self._listened(self._disparity):
            self._disparity.publish(float_image(done.disparity, head))
        if self._listened(self._points):
            self._points.publish(cloud(done, intrinsics, head))

    def _publish_alignment(self, newest: DepthFrame) -> None:
        # The first window of a segment has new frames only; every later one is filled up.
        begins = newest.segment != self._segment
        self._segment = newest.segment
        if self._listened(self._alignment):
            frames = len(newest.alignment.disparity) if begins else self._window
            self._alignment.publish(window_alignment(newest, frames))

    @staticmethod
    def _listened(publisher: Any) -> bool:
        return publisher.get_subscription_count() > 0

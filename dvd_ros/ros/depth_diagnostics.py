"""Once a second on /diagnostics: what became of the images, how fast, and whether in metres."""

from __future__ import annotations

from collections import deque

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from dvd_ros.ros.depth_worker import Progress
from dvd_ros.ros.scale_watch import ScaleWatch


class DepthDiagnostics:
    """Counts what the node sees and publishes it with the worker's progress, and the scale's state.

    Two statuses: `NODE: scale` is the ScaleWatch's. Keys of `NODE: depth`: received, published,
    in_work (waiting, or in a window that is not yet complete), windows, stride (new frames per
    window now), compute_ms (newest run of the network), latency_p50_ms and latency_p95_ms (stamp
    to publication, last 300 frames), and one dropped_CAUSE for each cause: too_slow, unreadable,
    and those of DepthStream. received = published + in_work + sum of dropped.
    """

    def __init__(
        self, node: Node, progress: Progress, scale: ScaleWatch, hardware_id: str
    ) -> None:
        self.received = 0
        self.too_slow = 0
        self.latencies: deque[float] = deque(maxlen=300)  # seconds
        self._node = node
        self._progress = progress
        self._scale = scale
        self._hardware_id = hardware_id
        self._lost = 0
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._timer = node.create_timer(1.0, self.publish)

    def dropped(self) -> dict[str, int]:
        """Images dropped so far, by cause."""
        progress = self._progress
        return {'too_slow': self.too_slow, 'unreadable': progress.unreadable, **progress.dropped}

    def publish(self) -> None:
        """Publish the present state; WARN where images were dropped since the last time."""
        progress = self._progress
        dropped = self.dropped()
        lost = sum(dropped.values())
        status = DiagnosticStatus(
            name=f'{self._node.get_fully_qualified_name()}: depth', hardware_id=self._hardware_id,
            level=DiagnosticStatus.OK, message='running' if self.received else 'no image yet',
        )
        if lost > self._lost:
            status.level = DiagnosticStatus.WARN
            status.message = f'{lost - self._lost} images dropped in the last second'
        self._lost = lost
        values = {
            'received': self.received,
            'published': progress.published,
            'in_work': self.received - progress.published - lost,
            'windows': progress.windows,
            'stride': progress.stride,
            'compute_ms': round(1e3 * progress.compute_seconds, 1),
            **{f'dropped_{cause}': count for cause, count in dropped.items()},
        }
        recent = list(self.latencies)
        if recent:
            p50, p95 = 1e3 * np.percentile(recent, (50, 95))
            values |= {'latency_p50_ms': round(float(p50), 1),
                       'latency_p95_ms': round(float(p95), 1)}
        status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        scale = self._scale.status(self._node.get_fully_qualified_name(), self._hardware_id)
        array = DiagnosticArray(status=[status, scale])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

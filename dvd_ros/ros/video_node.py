"""video_node: plays a video file, camera device, image folder or RGB-D folder as a camera would."""

from __future__ import annotations

import math
import time
from itertools import count

import numpy as np
import rclpy
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image

from dvd_ros.capture import open_capture
from dvd_ros.geometry import Intrinsics
from dvd_ros.messages.image_conversion import fill_image
from dvd_ros.ros.depth_messages import camera_info, float_image, header
from dvd_ros.ros.parameters import VideoNodeConfig, declare
from dvd_ros.ros.run_node import run_node
from dvd_ros.stream import Frame

# A subscriber is matched on our side a little before it is on its own, and the last images of a
# finite video may still be on their way when the process ends; seconds.
_SETTLE = 0.5
# DDS takes seconds to notice that a message was lost and to send it again, and more on a busy
# machine; a process that has gone does not. Subscribers that are best effort are not waited for.
_UNTIL_ACKNOWLEDGED = 60.0
# Later than this the schedule is moved instead of catching up in a burst, seconds.
_LATE = 0.5


class VideoNode(Node):
    """Publishes `image` (rgb8) and `camera_info` from a capture source, best effort.

    With `depth_share` it publishes that share of the true depth's pixels, too, on `scale/depth`
    (32FC1, NaN elsewhere), ahead of the image: a stand-in for a depth camera that sees little.

    Images leave at the intervals of the source's own stamps, scaled where parameter `rate` asks
    for another rate, and are stamped with the time at which they were due: the differences of the
    stamps are those of the source, their origin is the time of the first image. Images of a live
    camera leave as they come, stamped with the time of their arrival.

    Raises
    ------
    ValueError, OSError
        a parameter that makes no sense, or a source that does not open.

    """

    def __init__(self) -> None:
        super().__init__('video_node')
        self._config = declare(self, VideoNodeConfig)
        self._capture = open_capture(self._config.source, frame_id=self._config.frame_id)
        if self._capture.live and self._config.rate:
            # Only the camera itself can change its rate; of a recording the intervals are scaled.
            self._capture = open_capture(
                self._config.source, self._config.rate, self._config.frame_id
            )
        overridable = QoSOverridingOptions.with_default_policies()
        self._image, self._camera_info = (
            self.create_publisher(
                kind, topic, qos_profile_sensor_data, qos_overriding_options=overridable
            )
            for kind, topic in ((Image, 'image'), (CameraInfo, 'camera_info'))
        )
        self._depth = None
        if self._config.depth_share:
            if not self._capture.has_truth:
                raise ValueError(f"depth_share needs an RGB-D folder, '{self._config.source}' has "
                                 'no depth')
            self._depth = self.create_publisher(
                Image, 'scale/depth', qos_profile_sensor_data, qos_overriding_options=overridable
            )
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)
        self._audience = {name.strip() for name in self._config.audience.split(',')} - {''}
        self._left = self._config.seconds or math.inf
        self.published = 0

    def run(self) -> int:
        """Play to the end, or on and on with `loop`; the exit status."""
        log = self.get_logger()
        rate = self._config.rate or self._capture.rate
        log.info(f"playing '{self._capture.name}' at {rate:.3g} Hz on '{self._image.topic_name}'")
        if not self._await_subscriber():
            absent = ' and '.join(sorted(self._absent())) or 'anybody'
            log.error(f"'{self._image.topic_name}' was not subscribed by {absent} in "
                      f'{self._config.wait_for_subscriber} s (parameter wait_for_subscriber)')
            return 1
        for turn in count():
            before = self.published
            self._play(self._capture.rate / rate)
            if not rclpy.ok() or not self._config.loop or self._left <= 0.0:
                break
            if self.published == before:
                raise ValueError(f"source '{self._config.source}' has no image to loop over")
            log.info(f'turn {turn + 2} begins')
        if rclpy.ok():
            log.info(f'end of the source: {self.published} images published')
            self._spin_until(time.monotonic() + _SETTLE)
            for publisher in (self._camera_info, self._image):
                if not publisher.wait_for_all_acked(Duration(seconds=_UNTIL_ACKNOWLEDGED)):
                    log.error(f"messages on '{publisher.topic_name}' did not arrive")
                    return 1
        while rclpy.ok() and not self._config.exit_at_end:
            self._executor.spin_once(timeout_sec=1.0)
        return 0

    def stop(self) -> bool:
        """Destroy the node."""
        self.destroy_node()
        return True

    def _play(self, stretch: float) -> None:
        """Publish the source once; intervals are `stretch` times those of its stamps."""
        first: int | None = None
        start = begin = due = 0
        for index, frame in enumerate(self._capture):
            if first is not None:
                due = round((frame.stamp - first) * stretch)
                if due >= self._left * 1e9:
                    break
            if self._capture.live:
                first = frame.stamp if first is None else first
                self._publish(frame, frame.stamp, index)
                self._spin_until(time.monotonic() + 0.001)
                if not rclpy.ok():
                    return
                continue
            if first is None:
                first = frame.stamp
                start = time.monotonic_ns()
                begin = self.get_clock().now().nanoseconds
            self._spin_until((start + due) * 1e-9)
            if not rclpy.ok():
                return
            late = time.monotonic_ns() - start - due
            if late > _LATE * 1e9:
                start += late
                begin += late
                self.get_logger().warning(
                    f'reading the source is too slow for its rate: {late * 1e-9:.1f} s late',
                    throttle_duration_sec=5.0,
                )
            self._publish(frame, begin + due, index)
        # The next turn of a loop begins one interval later.
        self._left -= due * 1e-9 + stretch / self._capture.rate
        self._spin_until(time.monotonic() + stretch / self._capture.rate)

    def _publish(self, frame: Frame, stamp: int, index: int) -> None:
        height, width = frame.image.shape[:2]
        intrinsics = frame.intrinsics or Intrinsics.from_hfov(width, height, self._config.hfov)
        head = header(stamp, frame.frame_id)
        info = camera_info(intrinsics, None)
        info.header = head
        truth = self._capture.truth(index) if self._depth is not None else None
        if self._depth is not None and truth is not None:
            hidden = np.random.default_rng(index).random(truth.shape) >= self._config.depth_share
            self._depth.publish(float_image(np.where(hidden, np.float32(np.nan), truth), head))
        self._camera_info.publish(info)
        self._image.publish(fill_image(Image(header=head), frame.image, 'rgb8'))
        self.published += 1

    def _await_subscriber(self) -> bool:
        limit = self._config.wait_for_subscriber
        if not limit:
            return True
        end = time.monotonic() + limit
        while rclpy.ok() and (self._absent() or not self._image.get_subscription_count()):
            if time.monotonic() > end:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        self._spin_until(time.monotonic() + _SETTLE)
        return True

    def _absent(self) -> set[str]:
        return self._audience - {found.node_name for found in
                                 self.get_subscriptions_info_by_topic(self._image.topic_name)}

    def _spin_until(self, moment: float) -> None:
        """Answer parameter services and the like until time.monotonic() is `moment`."""
        while rclpy.ok() and (left := moment - time.monotonic()) > 0.0:
            self._executor.spin_once(timeout_sec=left)


def main(args: list[str] | None = None) -> int:
    """Run the node as a process; the exit status."""
    return run_node(VideoNode, 'video_node', args)


if __name__ == '__main__':
    raise SystemExit(main())

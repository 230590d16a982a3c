"""depth_node: images in, and what measures metres; depth images, clouds and the like out."""

from __future__ import annotations

import os
import time
from threading import Event

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image

from dvd_ros.regressor import load_regressor
from dvd_ros.ros.bridge import choose_converter
from dvd_ros.ros.camera_info import CameraInfos, intrinsics_of
from dvd_ros.ros.depth_diagnostics import DepthDiagnostics
from dvd_ros.ros.depth_messages import CameraFrame
from dvd_ros.ros.depth_outputs import DepthOutputs
from dvd_ros.ros.depth_worker import DepthWorker, Mail
from dvd_ros.ros.mailbox import Mailbox
from dvd_ros.ros.parameters import DepthNodeConfig, declare
from dvd_ros.ros.run_node import run_node
from dvd_ros.ros.scale_inputs import ScaleInputs
from dvd_ros.ros.scale_parameters import ScaleParameters
from dvd_ros.ros.scale_watch import ScaleWatch
from dvd_ros.ros.stamps import nanoseconds
from dvd_ros.scale import ScaleConfig, StreamScale
from dvd_ros.stream import DepthFrame, DepthStream, StreamConfig

# How long the very first image waits for a camera_info that is still on its way, seconds.
_FIRST_INFO = 0.5
# At most one warning of a kind in so many seconds.
_THROTTLE = 5.0
# How long a stop waits for the window that is being computed, seconds.
_STOP = 3.0


class DepthNode(Node):
    """Subscribes `image` and `camera_info`, publishes under `dvd/` (see DepthOutputs).

    The subscriptions are best effort (they match any publisher) and appear once the model is
    loaded. Parameters are the fields of StreamConfig, ScaleConfig, DepthNodeConfig and
    ScaleParameters; what the last of them ask for is subscribed, too (see ScaleInputs).

    Raises
    ------
    ValueError, OSError, ImportError
        a parameter that makes no sense, or a model that cannot be loaded.

    """

    def __init__(self) -> None:
        super().__init__('depth_node')
        config = declare(self, StreamConfig)
        self._config = declare(self, DepthNodeConfig)
        scale = declare(self, ScaleConfig)
        parameters = declare(self, ScaleParameters)
        regressor = load_regressor(
            self._config.model, backend=self._config.backend, device=self._config.device,
            window=config.window, codec=self._config.codec,
        )
        self._to_rgb, converter = choose_converter()
        self._infos = CameraInfos(2 * self._config.queue)
        self._info_came = Event()
        self._hfov_assumed = False
        self._segment = 0
        self._mailbox: Mailbox[Mail] = Mailbox(self._config.queue)
        self._outputs = DepthOutputs(self, config.window, self._config.hfov,
                                     self._config.depth_encoding)
        self._inputs = ScaleInputs(self, parameters)
        self._scale = ScaleWatch(self.get_logger(), scale)
        self._worker = DepthWorker(
            self._mailbox, self._read,
            DepthStream(regressor, config, StreamScale(scale, self._inputs.sources)),
            self._deliver, self._config.flush_after, self._report,
        )
        self._diagnostics = DepthDiagnostics(
            self, self._worker.progress, self._scale, regressor.name
        )
        self._worker.start()
        overridable = QoSOverridingOptions.with_default_policies()
        self._subscribed = [
            self.create_subscription(
                kind, topic, callback, qos_profile_sensor_data,
                qos_overriding_options=overridable,
            )
            for kind, topic, callback in (
                (CameraInfo, 'camera_info', self._on_camera_info),
                (Image, 'image', self._on_image),
            )
        ]
        log = self.get_logger()
        new = config.stride or f'at most {config.most_new}, as this machine keeps up,'
        log.info(f"model '{regressor.name}', windows of {config.window} frames, {new} of them new; "
                 f'images read by {converter}')
        self._scale.start(parameters.sources)
        log.info(f"waiting for images on '{self._subscribed[1].topic_name}'")

    def run(self) -> int:
        """Spin until the context is shut down; 1 where the worker died."""
        executor = SingleThreadedExecutor()
        executor.add_node(self)
        while rclpy.ok():
            executor.spin_once(timeout_sec=1.0)
            if not self._worker.is_alive():
                self.get_logger().fatal('the worker thread ended; see the traceback above')
                return 1
        return 0

    def stop(self) -> bool:
        """End the worker and destroy the node; False if the worker is still computing."""
        self._mailbox.close()
        self._worker.join(_STOP)
        self.destroy_node()
        return not self._worker.is_alive()

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._infos.add(message)
        self._info_came.set()

    def _on_image(self, message: Image) -> None:
        self._diagnostics.received += 1
        self._inputs.image_came(message.header.frame_id, nanoseconds(message.header.stamp))
        dropped = self._mailbox.put((time.monotonic(), message))
        if dropped:
            self._diagnostics.too_slow += dropped
            self.get_logger().warning(
                f'too slow for the images that come: {self._diagnostics.too_slow} dropped so far',
                throttle_duration_sec=_THROTTLE,
            )

    def _read(self, message: Image) -> CameraFrame:
        """An image message and its camera_info as a frame. Runs in the worker."""
        image = self._to_rgb(message)
        height, width = image.shape[:2]
        stamp = nanoseconds(message.header.stamp)
        if not self._hfov_assumed:
            self._info_came.wait(_FIRST_INFO)
        info = self._infos.find(stamp)
        intrinsics = None
        trouble = f"no message on '{self._subscribed[0].topic_name}'"
        if info is not None:
            try:
                intrinsics = intrinsics_of(info, width, height)
            except ValueError as error:
                trouble = f'camera_info is of no use: {error}'
        if intrinsics is None and not self._hfov_assumed:
            self._hfov_assumed = True
            self.get_logger().warning(
                f'{trouble}; assuming a horizontal field of view of {self._config.hfov:.3f} rad '
                '(parameter hfov)'
            )
        return CameraFrame(image, stamp, message.header.frame_id, intrinsics, info)

    def _deliver(self, batch: list[DepthFrame]) -> None:
        """Publish what a run of the network gave. Runs in the worker's delivery thread."""
        for done in batch:
            if done.segment != self._segment:
                self._segment = done.segment
                self.get_logger().info(
                    f'segment {done.segment} begins: '
                    f'{done.frame.image.shape[1]}x{done.frame.image.shape[0]}, scale anew'
                )
            self._scale.take(done)
        unsent = self._outputs.unsent
        try:
            self._outputs.publish(batch)
        except Exception:
            if rclpy.ok():  # else the node is being shut down under us
                raise
            return
        if self._outputs.unsent > unsent:
            self.get_logger().warning(
                f'{self._outputs.unsent} messages refused by the middleware so far: '
                'who listens is too slow for them', throttle_duration_sec=_THROTTLE,
            )
        now = self.get_clock().now().nanoseconds
        self._diagnostics.latencies.extend((now - done.stamp) * 1e-9 for done in batch)

    def _report(self, kind: str, text: str) -> None:
        """One throttled log line for a fault of the given kind. Runs in the worker."""
        log = self.get_logger()
        # The throttle works per call site, so each kind has its own.
        if kind == 'image':
            log.warning(f'image dropped: {text}', throttle_duration_sec=_THROTTLE)
        elif kind == 'stamp':
            log.warning(f'image dropped: {text}', throttle_duration_sec=_THROTTLE)
        else:
            log.error(f'window dropped, the model failed: {text}', throttle_duration_sec=_THROTTLE)


def main(args: list[str] | None = None) -> int:
    """Run the node as a process; the exit status."""
    # Depth comes in bursts, a window at a time: Fast DDS shall send them from a thread of its own.
    os.environ.setdefault('RMW_FASTRTPS_PUBLICATION_MODE', 'ASYNCHRONOUS')
    return run_node(DepthNode, 'depth_node', args)


if __name__ == '__main__':
    raise SystemExit(main())

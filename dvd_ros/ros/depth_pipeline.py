"""All that a configured depth node has: the network, its worker, topics in and out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import rclpy
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dvd_ros.messages.compressed_conversion import rgb_from_compressed
from dvd_ros.messages.output_config import OutputConfig
from dvd_ros.messages.stamps import nanoseconds
from dvd_ros.ros.bridge import choose_converter
from dvd_ros.ros.camera_frame_reader import CameraFrameReader
from dvd_ros.ros.camera_mount import CameraMount
from dvd_ros.ros.depth_outputs import DepthOutputs
from dvd_ros.ros.depth_parameters import CameraConfig, DepthNodeConfig
from dvd_ros.ros.depth_worker import DepthWorker, Mail, Progress
from dvd_ros.ros.gpu_memory import release
from dvd_ros.ros.mailbox import Mailbox
from dvd_ros.ros.recovery import Recovery
from dvd_ros.ros.scale_inputs import ScaleInputs
from dvd_ros.ros.scale_parameters import ScaleParameters
from dvd_ros.ros.scale_watch import ScaleWatch
from dvd_ros.ros.traffic import Traffic
from dvd_ros.scale import ScaleConfig, StreamScale
from dvd_ros.stream import DepthFrame, DepthStream, StreamConfig

# At most one warning of a kind in so many seconds.
_THROTTLE = 5.0


@dataclass(frozen=True)
class Settings:
    """The configs of the node's parameters."""

    stream: StreamConfig
    scale: ScaleConfig
    node: DepthNodeConfig
    camera: CameraConfig
    output: OutputConfig
    sources: ScaleParameters


class _NoModel:
    """Stands in while the model is being loaded anew, so that the old one's memory is free."""

    name = 'none'

    def __init__(self, window: int) -> None:
        self.window = window

    def predict(self, images: np.ndarray) -> np.ndarray:  # noqa: ARG002
        raise RuntimeError('there is no model: it could not be loaded anew')


class DepthPipeline:
    """Made when the node is configured; `start` and `stop` as it is activated and deactivated.

    All but the worker's and its delivery's work runs in the thread that spins the node.

    Parameters
    ----------
    node:
        the node.
    settings:
        as it was configured.
    load:
        loads the model.

    Raises
    ------
    ValueError, OSError, ImportError
        settings that make no sense together, or a model that cannot be loaded.

    """

    def __init__(self, node: Any, settings: Settings, load: Callable[[], Any]) -> None:
        self.traffic = Traffic()
        self.progress = Progress()
        self.regressor = load()
        self.newest: tuple[float, DepthFrame] | None = None  # time.monotonic() of delivery
        self.worker: DepthWorker | None = None
        self._node = node
        self._log = node.get_logger()
        self._settings = settings
        self._load = load
        self._wanted_until = 0.0
        self._mailbox: Mailbox[Mail] = Mailbox(settings.node.queue)
        self.recovery = Recovery(self._load_again, settings.node.restart_delay,
                                 settings.node.restart_longest)
        to_rgb, self._converter = choose_converter()
        if settings.camera.image_transport == 'compressed':
            to_rgb, self._converter = rgb_from_compressed, 'OpenCV (compressed)'
        self._reader = CameraFrameReader(settings.camera, to_rgb, 2 * settings.node.queue,
                                         self._log.warning)
        self._inputs = ScaleInputs(node, settings.sources)
        self._inputs.unsubscribe()
        self.stream = DepthStream(self.regressor, settings.stream,
                                  StreamScale(settings.scale, self._inputs.sources))
        self.outputs = DepthOutputs(node, settings.stream.window, settings.camera.hfov,
                                    settings.output)
        self._mount = CameraMount(node, settings.camera)
        self.scale = ScaleWatch(self._log, settings.scale)
        self._segment = 0
        self._subscribed: list[Any] = []
        self._jumps = node.get_clock().create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1),
                          on_clock_change=True), post_callback=self._on_jump)
        new = settings.stream.stride or f'at most {settings.stream.most_new}, as this machine ' \
            'keeps up,'
        self._log.info(f"model '{self.regressor.name}', windows of {settings.stream.window} "
                       f'frames, {new} of them new; images read by {self._converter}')

    @property
    def hfov(self) -> float:
        """Field of view that is assumed where no camera_info comes, radians."""
        return self._settings.camera.hfov

    def start(self) -> None:
        """Subscribe, and compute what comes."""
        settings = self._settings
        self._mailbox = Mailbox(settings.node.queue)
        self.worker = DepthWorker(
            self._mailbox, self._reader.read, self.stream, self._deliver,
            settings.node.flush_after, self._report, self.recovery, self.progress)
        self.worker.start()
        self._inputs.subscribe()
        # As image_transport: the transport's name is added to the name that image is mapped to.
        compressed = settings.camera.image_transport == 'compressed'
        topic = self._node.resolve_topic_name('image') + '/compressed' if compressed else 'image'
        self._subscribed = [
            self._node.create_subscription(
                kind, name, callback, qos_profile_sensor_data,
                qos_overriding_options=QoSOverridingOptions.with_default_policies())
            for kind, name, callback in (
                (CameraInfo, 'camera_info', self._reader.add_info),
                (CompressedImage if compressed else Image, topic, self._on_image))
        ]
        self.traffic.last_image = time.monotonic()
        self.scale.start(settings.sources.sources)
        self._log.info(f"waiting for images on '{self._subscribed[1].topic_name}'")

    def stop(self, seconds: float | None = None) -> bool:
        """Unsubscribe, end the worker; False if it is still computing after so many seconds.

        None: waits as long as it takes. What waited is dropped, and counted.
        """
        while self._subscribed:
            self._node.destroy_subscription(self._subscribed.pop())
        self._inputs.unsubscribe()
        self._mailbox.close()
        if self.worker is None:
            return True
        self.worker.join(seconds)
        if self.worker.is_alive():
            return False
        self.worker = None
        self.stream.reset()
        self.progress.dropped = self.stream.counters.dropped.copy()
        # Besides, images in the mailbox, and depth that was not handed on any more.
        self.traffic.inactive += self.in_work()
        return True

    def close(self) -> None:
        """Release all: the model, its memory, the topics. Stop it before."""
        self._jumps.unregister()
        self._inputs.close()
        self.outputs.close()
        self._mount.close()
        self.newest = None
        self._forget_model()

    def dropped(self) -> dict[str, int]:
        """Images dropped so far, by cause."""
        traffic, progress = self.traffic, self.progress
        return {'too_slow': traffic.too_slow, 'unreadable': progress.unreadable,
                'restart': progress.restart, 'inactive': traffic.inactive, **progress.dropped}

    def in_work(self) -> int:
        """Images that wait, or are in a window that is not complete yet."""
        return (self.traffic.received - self.traffic.unheard - self.progress.published
                - sum(self.dropped().values()))

    def want(self, seconds: float) -> None:
        """Compute for so long, whether anybody listens or not."""
        self._wanted_until = time.monotonic() + seconds

    def change(self, config: Any) -> None:
        """Take other settings, live: one of the configs of Settings."""
        names = {StreamConfig: 'stream', ScaleConfig: 'scale', DepthNodeConfig: 'node',
                 OutputConfig: 'output'}
        name = names.get(type(config))
        if name is None:
            return
        self._settings = Settings(**vars(self._settings) | {name: config})
        if name == 'node':
            self.recovery.delay, self.recovery.longest = (config.restart_delay,
                                                          config.restart_longest)
            if self.worker is not None:
                self.worker.flush_after = config.flush_after
        elif name == 'output':
            self.outputs.config = config
        elif name == 'stream':
            self._in_worker(lambda: self.worker.change(config) if self.worker else
                            self.stream.change(config))
        else:
            self.scale.config = config
            self._in_worker(lambda: setattr(self.stream.scale, 'config', config))

    def _in_worker(self, action: Callable[[], Any]) -> None:
        """Do it in the thread that uses the stream: the worker's while there is one."""
        if self.worker is None:
            action()
        else:
            self.worker.do(action)

    def _load_again(self) -> Any:
        """Runs in the worker."""
        self.stream.replace_model(_NoModel(self.stream.config.window))
        self._forget_model()
        self.regressor = self._load()
        return self.regressor

    def _forget_model(self) -> None:
        close = getattr(self.regressor, 'close', None)
        if close is not None:
            close()
        self.regressor = _NoModel(self._settings.stream.window)
        self.stream.replace_model(self.regressor)
        release()

    def _on_jump(self, jump: Any) -> None:  # noqa: ARG002
        """The clock ran back or is another one, as where a recording begins again."""
        self.traffic.forget_latency()
        if self.worker is not None:
            self._log.info('the clock has jumped: a new segment begins')
            self.worker.do(self.worker.begin_segment)

    def _on_image(self, message: Any) -> None:
        self.traffic.received += 1
        self.traffic.last_image = now = time.monotonic()
        frame_id = self._reader.frame_id(message)
        self._inputs.image_came(frame_id, nanoseconds(message.header.stamp))
        self._mount.image_came(frame_id)
        if self._settings.node.lazy and now > self._wanted_until and not self.outputs.heard():
            self.traffic.unheard += 1
            return
        dropped = self._mailbox.put((now, message))
        if dropped:
            self.traffic.too_slow += dropped
            self._log.warning(
                f'too slow for the images that come: {self.traffic.too_slow} dropped so far',
                throttle_duration_sec=_THROTTLE)

    def _deliver(self, batch: list[DepthFrame]) -> None:
        """Publish what a run of the network gave. Runs in the worker's delivery thread."""
        for done in batch:
            if done.segment != self._segment:
                self._segment = done.segment
                self._log.info(f'segment {done.segment} begins: {done.frame.image.shape[1]}x'
                               f'{done.frame.image.shape[0]}, scale anew')
            self.scale.take(done)
        self.newest = time.monotonic(), batch[-1]
        unsent = self.outputs.unsent
        try:
            self.outputs.publish(batch)
        except Exception:
            if rclpy.ok():  # else the node is being shut down under us
                raise
            return
        if self.outputs.unsent > unsent:
            self._log.warning(
                f'{self.outputs.unsent} messages refused by the middleware so far: '
                'who listens is too slow for them', throttle_duration_sec=_THROTTLE)
        now = self._node.get_clock().now().nanoseconds
        for done in batch:
            self.traffic.add_latency((now - done.stamp) * 1e-9)

    def _report(self, kind: str, text: str) -> None:
        """One throttled log line for a fault of the given kind. Runs in the worker."""
        # The throttle works per call site, so each kind has its own.
        if kind == 'image':
            self._log.warning(f'image dropped: {text}', throttle_duration_sec=_THROTTLE)
        elif kind == 'stamp':
            self._log.warning(f'image dropped: {text}', throttle_duration_sec=_THROTTLE)
        elif kind == 'restart':
            self._log.error(text)
        else:
            self._log.error(f'window dropped, the model failed: {text}',
                            throttle_duration_sec=_THROTTLE)

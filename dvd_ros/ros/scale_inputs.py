"""The topics that metres come in by: subscriptions that fill the sources of scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image, Imu, LaserScan, PointCloud2, Range

from dvd_ros.messages.camera_info import CameraInfos, intrinsics_of
from dvd_ros.messages.depth_conversion import metres_from_message
from dvd_ros.messages.stamps import nanoseconds
from dvd_ros.ros.beam_conversion import points_from_scan, range_from_message
from dvd_ros.ros.cloud_conversion import points_from_cloud
from dvd_ros.ros.extrinsics import Extrinsics, ExtrinsicsError, GivenPose, TfPoses
from dvd_ros.ros.fed_source import FedSource
from dvd_ros.ros.gravity import down_from_imu
from dvd_ros.ros.pose import pose_from_text
from dvd_ros.ros.scale_parameters import ScaleParameters
from dvd_ros.scale import DepthImageSource, GroundSource, PointsSource, RangeSource

# camera_info messages of the depth camera that are remembered.
_INFOS = 32
# Gravity changes slowly, and is looked up at the images' own times.
_GRAVITY_TOLERANCE = 0.2
_NO_IMAGE = 'no image yet, to whose frame its readings belong'

_Take = Callable[[Any, int, str], None]  # message, its stamp (ns), frame of the images


class ScaleInputs:
    """Subscribes what the configured sources need, and nothing else.

    Topics: `scale/depth` with `scale/camera_info`, `scale/points`, `scale/scan`, `scale/range` and
    `imu`; best effort, as the images are, and overridable. A message that cannot be used, because
    it cannot be read or nothing tells where its frame lies, makes its source silent, with the
    reason. All runs in the thread that spins the node; the sources may be asked from another.

    Parameters
    ----------
    node:
        the node that subscribes.
    parameters:
        which sources, and where they are.

    """

    def __init__(self, node: Node, parameters: ScaleParameters) -> None:
        self._node = node
        self._parameters = parameters
        self._camera_frame: str | None = None
        self._tf: TfPoses | None = None
        feeds: dict[str, Callable[[], FedSource]] = {
            'depth': self._depth, 'points': self._points, 'scan': self._scan,
            'range': self._range, 'ground': self._ground,
        }
        self._on_image: Callable[[int], None] | None = None
        self._topics: list[tuple[Any, str, Callable[[Any], None]]] = []
        self._subscribed: list[Any] = []
        self.sources = tuple(feeds[name]() for name in parameters.sources)
        self.subscribe()

    def subscribe(self) -> None:
        """Listen to the topics, as at the start."""
        self._subscribed += [
            self._node.create_subscription(
                kind, topic, callback, qos_profile_sensor_data,
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            for kind, topic, callback in self._topics
        ]

    def unsubscribe(self) -> None:
        """Listen to none of the topics until `subscribe`."""
        while self._subscribed:
            self._node.destroy_subscription(self._subscribed.pop())

    def close(self) -> None:
        """Listen to nothing any more, TF included."""
        self.unsubscribe()
        if self._tf is not None:
            self._tf.close()

    def image_came(self, frame_id: str, stamp: int) -> None:
        """Tell the frame of the camera's images, in which depth is wanted, and a stamp (ns)."""
        self._camera_frame = frame_id
        if self._on_image is not None:
            self._on_image(stamp)

    def _depth(self) -> FedSource:
        source = DepthImageSource('depth', tolerance=self._parameters.scale_tolerance)
        fed = FedSource(source)
        extrinsics = self._extrinsics('depth_pose')
        infos = CameraInfos(_INFOS)
        self._subscribe(CameraInfo, 'scale/camera_info', infos.add)

        def take(message: Any, stamp: int, camera_frame: str) -> None:
            frame_id = message.header.frame_id
            # In the image's own frame it is registered: pixel for pixel, up to a resize.
            registered = frame_id == camera_frame and not self._parameters.depth_pose
            source.extrinsics = None if registered else \
                extrinsics.find(camera_frame, frame_id, stamp)
            depth = metres_from_message(message)
            intrinsics = None
            if source.extrinsics is not None:
                info = infos.find(stamp)
                if info is None:
                    raise ValueError('no message on scale/camera_info')
                intrinsics = intrinsics_of(info, depth.shape[1], depth.shape[0])
            source.push(stamp, depth, intrinsics, frame_id)

        self._feed(fed, Image, 'scale/depth', take)
        return fed

    def _points(self) -> FedSource:
        return self._cloud('points', PointCloud2, points_from_cloud)

    def _scan(self) -> FedSource:
        return self._cloud('scan', LaserScan, points_from_scan)

    def _cloud(self, name: str, kind: Any, read: Callable[[Any], Any]) -> FedSource:
        source = PointsSource(name, tolerance=self._parameters.scale_tolerance)
        fed = FedSource(source)
        extrinsics = self._extrinsics(f'{name}_pose')

        def take(message: Any, stamp: int, camera_frame: str) -> None:
            frame_id = message.header.frame_id
            source.extrinsics = extrinsics.find(camera_frame, frame_id, stamp)
            source.push(stamp, read(message), frame_id)

        self._feed(fed, kind, f'scale/{name}', take)
        return fed

    def _range(self) -> FedSource:
        source = RangeSource(self._parameters.box, 'range',
                             tolerance=self._parameters.scale_tolerance)
        fed = FedSource(source)

        def take(message: Any, stamp: int, camera_frame: str) -> None:  # noqa: ARG001
            source.push(stamp, range_from_message(message))

        self._feed(fed, Range, 'scale/range', take)
        return fed

    def _ground(self) -> FedSource:
        parameters = self._parameters
        source = GroundSource(parameters.camera_height, parameters.camera_pitch,
                              parameters.camera_roll, 'ground',
                              tolerance=max(parameters.scale_tolerance, _GRAVITY_TOLERANCE))
        fed = FedSource(source, fed=parameters.camera_tilt == 'fixed')
        if parameters.camera_tilt == 'imu':
            extrinsics = self._extrinsics('imu_pose')

            def take(message: Any, stamp: int, camera_frame: str) -> None:
                pose = extrinsics.find(camera_frame, message.header.frame_id, stamp)
                source.push_gravity(stamp, pose.rotation @ down_from_imu(message))

            self._feed(fed, Imu, 'imu', take)
        elif parameters.camera_tilt == 'tf':
            poses = self._tf_poses()

            def look_up(_: Any, stamp: int, camera_frame: str) -> None:
                pose = poses.find(camera_frame, parameters.ground_frame, stamp)
                source.push_gravity(stamp, pose.rotation @ np.array([0.0, 0.0, -1.0]))

            self._on_image = lambda stamp: self._give(fed, look_up, None, stamp)
        return fed

    def _extrinsics(self, parameter: str) -> Extrinsics:
        text = getattr(self._parameters, parameter)
        if text:
            return GivenPose(pose_from_text(text), parameter)
        return self._tf_poses()

    def _tf_poses(self) -> TfPoses:
        if self._tf is None:
            self._tf = TfPoses(self._node)
        return self._tf

    def _feed(self, fed: FedSource, kind: Any, topic: str, take: _Take) -> None:
        """Subscribe a topic whose messages `take` gives to a source."""
        self._subscribe(kind, topic, lambda message: self._give(
            fed, take, message, nanoseconds(message.header.stamp)))

    def _give(self, fed: FedSource, take: _Take, message: Any, stamp: int) -> None:
        if self._camera_frame is None:
            fed.trouble = _NO_IMAGE
            return
        try:
            take(message, stamp, self._camera_frame)
            fed.fed, fed.trouble = True, ''
        except ExtrinsicsError as error:
            fed.trouble = str(error)
        except ValueError as error:
            fed.trouble = f'unusable: {error}'

    def _subscribe(self, kind: Any, topic: str, callback: Callable[[Any], None]) -> None:
        self._topics.append((kind, topic, callback))

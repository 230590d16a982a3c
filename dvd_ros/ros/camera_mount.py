"""The static transform from what the camera is mounted on to its optical frame."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from dvd_ros.geometry import RigidTransform
from dvd_ros.ros.depth_parameters import CameraConfig
from dvd_ros.ros.pose import pose_from_text

# REP-103: from the optical frame (z forward, x right, y down) to the body (x forward, z up).
_BODY_FROM_OPTICAL = RigidTransform(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.zeros(3))


def mount_transform(parent: str, frame: str, pose: str) -> TransformStamped:
    """The transform from `parent` to the optical `frame` of a camera whose body is at `pose`."""
    found = pose_from_text(pose) @ _BODY_FROM_OPTICAL
    made = TransformStamped(child_frame_id=frame)
    made.header.frame_id = parent
    move, turn = made.transform.translation, made.transform.rotation
    move.x, move.y, move.z = (float(value) for value in found.translation)
    turn.x, turn.y, turn.z, turn.w = quaternion(found.rotation)
    return made


def quaternion(rotation: np.ndarray) -> tuple[float, float, float, float]:
    """The quaternion x, y, z, w of a rotation [3,3], w not negative."""
    r = np.asarray(rotation, np.float64)
    # The largest of the four first (Shepperd 1978): none is divided by what is nearly 0.
    squares = np.array([1 + r[0, 0] - r[1, 1] - r[2, 2], 1 - r[0, 0] + r[1, 1] - r[2, 2],
                        1 - r[0, 0] - r[1, 1] + r[2, 2], 1 + r[0, 0] + r[1, 1] + r[2, 2]])
    largest = int(squares.argmax())
    s = 2.0 * math.sqrt(squares[largest])
    x, y, z = r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]
    xy, xz, yz = r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1]
    q = np.array([(s * s / 4, xy, xz, x), (xy, s * s / 4, yz, y), (xz, yz, s * s / 4, z),
                  (x, y, z, s * s / 4)][largest]) / s
    q = -q if q[3] < 0 else q
    return tuple(float(value) for value in q)  # type: ignore[return-value]


class CameraMount:
    """Publishes the transform on `/tf_static` as soon as the optical frame is known.

    Raises
    ------
    ImportError
        where a transform is wanted and `tf2_msgs` is not there.

    """

    def __init__(self, node: Any, config: CameraConfig) -> None:
        self._node = node
        self._config = config
        self._publisher = None
        self._frame = ''
        if not config.camera_parent:
            return
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError as error:
            raise ImportError(f'camera_parent needs the package tf2_msgs ({error})') from error
        self._message = TFMessage
        # As tf2_ros does it: whoever comes later gets it, too.
        self._publisher = node.create_publisher(TFMessage, '/tf_static', QoSProfile(
            history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL))
        if config.camera_frame:
            self.image_came(config.camera_frame)

    def image_came(self, frame_id: str) -> None:
        """Tell the frame that depth is in."""
        if self._publisher is None or not frame_id or frame_id == self._frame:
            return
        self._frame = frame_id
        made = mount_transform(self._config.camera_parent, frame_id, self._config.camera_pose)
        made.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(self._message(transforms=[made]))

    def close(self) -> None:
        """Destroy the publisher."""
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)

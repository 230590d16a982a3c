"""The static transform of a camera: REP-103's optical frame, and the quaternion of a rotation."""

import numpy as np
import pytest

pytest.importorskip('geometry_msgs.msg', reason='ROS 2 is not installed here')

from dvd_ros.geometry import RigidTransform  # noqa: E402
from dvd_ros.ros.camera_mount import CameraMount, mount_transform, quaternion  # noqa: E402
from dvd_ros.ros.depth_parameters import CameraConfig  # noqa: E402


def read(transform):
    move, turn = transform.transform.translation, transform.transform.rotation
    return RigidTransform.from_quaternion((move.x, move.y, move.z),
                                          (turn.x, turn.y, turn.z, turn.w))


@pytest.mark.parametrize(('pose', 'point', 'expected'), [
    # 2 m ahead, 0.5 m to the right, 0.3 m down, in the optical frame
    ('0.1 0 1 0 0 0', (0.5, 0.3, 2.0), (2.1, -0.5, 0.7)),
    ('0 0 1 0 1.5707963267948966 0', (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),  # looks at the floor
    ('0 0 0 0 0 1.5707963267948966', (0.0, 0.0, 3.0), (0.0, 3.0, 0.0)),  # looks to the left
])
def test_what_the_camera_sees_is_where_it_is_on_the_robot(pose, point, expected):
    made = mount_transform('base_link', 'cam_optical', pose)
    assert (made.header.frame_id, made.child_frame_id) == ('base_link', 'cam_optical')
    assert np.allclose(read(made).apply(np.array(point)), expected, atol=1e-9)


def test_every_rotation_has_its_quaternion():
    rng = np.random.default_rng(0)
    for angles in [(0, 0, 0), (np.pi, 0, 0), (0, np.pi, 0), (0, 0, np.pi),
                   *rng.uniform(-np.pi, np.pi, (50, 3))]:
        turn = RigidTransform.from_rpy((0, 0, 0), *angles).rotation
        again = RigidTransform.from_quaternion((0, 0, 0), quaternion(turn)).rotation
        assert np.allclose(turn, again, atol=1e-9)


class Node:
    """Keeps what is published."""

    def __init__(self):
        self.sent, self.destroyed = [], 0

    def create_publisher(self, kind, topic, qos):
        self.topic, self.qos = topic, qos
        return self

    def publish(self, message):
        self.sent.append(message)

    def destroy_publisher(self, publisher):
        self.destroyed += 1

    def get_clock(self):
        from rclpy.clock import Clock

        return Clock()


def test_it_is_published_once_for_each_frame(monkeypatch):
    """tf2_msgs has no wheel: a stand-in of its one message."""
    import sys
    from types import ModuleType, SimpleNamespace

    stand_in = ModuleType('tf2_msgs.msg')
    stand_in.TFMessage = lambda transforms: SimpleNamespace(transforms=transforms)
    monkeypatch.setitem(sys.modules, 'tf2_msgs', ModuleType('tf2_msgs'))
    monkeypatch.setitem(sys.modules, 'tf2_msgs.msg', stand_in)
    node = Node()
    mount = CameraMount(node, CameraConfig(camera_parent='base', camera_pose='1 2 3 0 0 0'))
    for frame in ('', 'cam', 'cam', 'other'):
        mount.image_came(frame)
    assert node.topic == '/tf_static'
    assert node.qos.durability.name == 'TRANSIENT_LOCAL'
    assert [sent.transforms[0].child_frame_id for sent in node.sent] == ['cam', 'other']
    mount.close()
    assert node.destroyed == 1


def test_without_a_parent_there_is_no_transform():
    node = Node()
    mount = CameraMount(node, CameraConfig())
    mount.image_came('cam')
    mount.close()
    assert node.sent == []


def test_a_pose_that_is_none_is_named():
    with pytest.raises(ValueError, match='camera_pose: a pose is'):
        CameraConfig(camera_pose='1 2')

"""Where a source's frame lies in the camera's: poses from text, and from a stand-in for TF."""

import sys
from types import ModuleType
from types import SimpleNamespace as Message

import numpy as np
import pytest

from dvd_ros.ros.extrinsics import ExtrinsicsError, GivenPose, TfPoses
from dvd_ros.ros.pose import pose_from_text

# x forward, y left, z up to x right, y down, z forward: a laser that looks where the camera looks
FLU_TO_OPTICAL = [[0, -1, 0], [0, 0, -1], [1, 0, 0]]


def test_pose_from_text():
    # REP-103: an optical frame has roll -90 degrees and yaw -90 degrees in its camera's frame.
    turned = pose_from_text(f'0.1 0.2 -0.3 {-np.pi / 2} 0 {-np.pi / 2}')
    same = pose_from_text('0.1, 0.2, -0.3, -0.5, 0.5, -0.5, 0.5')
    for pose in (turned, same):
        assert pose.translation.tolist() == [0.1, 0.2, -0.3]
        assert np.allclose(pose.rotation.T, FLU_TO_OPTICAL)


@pytest.mark.parametrize('text', ['1 2 3', 'a b c d e f', '0 0 0 0 0 nan', '0 0 0 1 1 1 1',
                                  '0 0 0 0 0 0 0', ''])
def test_text_that_is_no_pose(text):
    with pytest.raises(ValueError, match='a pose is'):
        pose_from_text(text)


def test_given_pose_holds_for_the_frames_that_came_first():
    given = GivenPose(pose_from_text('1 0 0 0 0 0'), 'points_pose')
    assert given.find('cam', 'lidar', 1).translation[0] == 1
    assert given.find('cam', 'lidar', 2).translation[0] == 1
    with pytest.raises(ExtrinsicsError, match="'other' in 'cam', but parameter points_pose.*lidar"):
        given.find('cam', 'other', 3)


class TransformException(Exception):
    """As in tf2_py, from where tf2_ros has it."""


class ExtrapolationException(TransformException):
    """What is raised for a time that the buffer does not cover."""


class Buffer:
    """The part of tf2_ros.Buffer that is used; `known` is filled by the test."""

    def __init__(self, cache_time=None, node=None):
        self.known = {}
        self.latest = None  # ns; nothing is known later

    def lookup_transform(self, target_frame, source_frame, time, timeout=None):
        assert timeout is None  # it would wait in a callback
        if (target_frame, source_frame) not in self.known:
            raise TransformException(f'"{source_frame}" passed to lookupTransform does not exist.')
        if self.latest is not None and time.nanoseconds > self.latest:
            raise ExtrapolationException('Lookup would require extrapolation into the future.')
        (x, y, z), (qx, qy, qz, qw) = self.known[target_frame, source_frame]
        return Message(transform=Message(translation=Message(x=x, y=y, z=z),
                                         rotation=Message(x=qx, y=qy, z=qz, w=qw)))


class TransformListener:
    def __init__(self, buffer, node, *, spin_thread=False, qos=None, static_qos=None):
        assert isinstance(buffer, Buffer)
        self.node = node


@pytest.fixture
def tf(monkeypatch):
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    module = ModuleType('tf2_ros')
    for kind in (Buffer, TransformListener, TransformException, ExtrapolationException):
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)
    return TfPoses(node='the node')


def test_tf_gives_the_pose_of_the_source_in_the_camera(tf):
    tf._buffer.known['cam_optical', 'lidar'] = (0.1, 0.2, 0.3), (0.5, -0.5, 0.5, 0.5)
    pose = tf.find('cam_optical', 'lidar', 5_000)
    assert pose.translation.tolist() == [0.1, 0.2, 0.3]
    assert tf._listener.node == 'the node'


def test_a_transform_that_is_late_is_taken_as_it_was(tf):
    tf._buffer.known['cam', 'lidar'] = (0.1, 0.2, 0.3), (0.0, 0.0, 0.0, 1.0)
    tf._buffer.latest = 4_000
    assert tf.find('cam', 'lidar', 5_000).translation.tolist() == [0.1, 0.2, 0.3]


def test_a_frame_that_tf_does_not_know_is_told(tf):
    assert np.array_equal(tf.find('cam', 'cam', 0).rotation, np.eye(3))
    with pytest.raises(ExtrinsicsError, match="from 'lidar' to 'cam'.*does not exist"):
        tf.find('cam', 'lidar', 0)
    with pytest.raises(ExtrinsicsError, match='without frame_id'):
        tf.find('cam', '', 0)
    tf._buffer.known['cam', 'lidar'] = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)
    with pytest.raises(ExtrinsicsError, match='quaternion'):
        tf.find('cam', 'lidar', 0)


def test_without_tf_only_the_same_frame_is_known(monkeypatch):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    poses = TfPoses(node=None)
    assert np.array_equal(poses.find('cam', 'cam', 0).rotation, np.eye(3))
    with pytest.raises(ExtrinsicsError, match="'lidar' is not 'cam', and tf2_ros"):
        poses.find('cam', 'lidar', 0)

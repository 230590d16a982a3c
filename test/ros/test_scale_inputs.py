"""What reaches the sources of metres from their topics, without DDS: callbacks called directly."""

import sys
from array import array

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')

from sensor_msgs.msg import CameraInfo, Image, Imu, LaserScan, PointCloud2, PointField, Range

from dvd_ros.geometry import Intrinsics
from dvd_ros.messages.image_conversion import fill_image, payload
from dvd_ros.ros.depth_messages import header
from dvd_ros.ros.parameters import declare
from dvd_ros.ros.scale_inputs import ScaleInputs
from dvd_ros.ros.scale_parameters import ScaleParameters
from dvd_ros.scale import Observation, Silence

STAMP = 1_000_000_000
CAMERA = Intrinsics(64, 48, 50.0, 50.0, 31.5, 23.5)
DISPARITY = np.tile(np.linspace(0.1, 0.9, 48, dtype=np.float32)[:, None], (1, 64))
# x forward, y left, z up in the optical frame of a camera that looks where the sensor looks
FLU = '0 0 0 0.5 -0.5 0.5 0.5'


class Node:
    """Keeps what is subscribed."""

    def __init__(self):
        self.callbacks = {}

    def create_subscription(self, kind, topic, callback, qos, *, qos_overriding_options):
        def checked(message):
            assert isinstance(message, kind)
            callback(message)

        self.callbacks[topic] = checked


@pytest.fixture
def made(monkeypatch):
    """made(parameter=value, ...): the node, its inputs and their first source; without TF."""
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)

    def make(seen=True, **values):
        node = Node()
        inputs = ScaleInputs(node, ScaleParameters(**values))
        if seen:
            inputs.image_came('cam', STAMP)
        return node, inputs, inputs.sources[0] if inputs.sources else None

    return make


def head(frame_id='cam', stamp=STAMP):
    return header(stamp, frame_id)


def observe(source, stamp=STAMP):
    return source.observe(stamp, CAMERA, DISPARITY)


def reason(source, stamp=STAMP):
    said = observe(source, stamp)
    assert isinstance(said, Silence)
    return said.reason


@pytest.mark.parametrize(
    ('values', 'topics'),
    [
        ({}, set()),
        ({'scale_sources': ('depth',)}, {'scale/depth', 'scale/camera_info'}),
        ({'scale_sources': ('nominal', 'points', 'scan')}, {'scale/points', 'scale/scan'}),
        ({'scale_sources': ('range', 'range')}, {'scale/range'}),
        ({'scale_sources': ('ground',), 'camera_height': 1.0}, set()),
        ({'scale_sources': ('ground',), 'camera_height': 1.0, 'camera_tilt': 'imu'}, {'imu'}),
    ],
)
def test_only_what_is_needed_is_subscribed(made, values, topics):
    node, inputs, _ = made(**values)
    assert set(node.callbacks) == topics
    names = [name for name in dict.fromkeys(values.get('scale_sources', ())) if name != 'nominal']
    assert [source.name for source in inputs.sources] == names


def test_a_registered_depth_image(made):
    node, _, source = made(scale_sources=('depth',))
    assert reason(source) == 'silent: no message yet'
    depth = np.full((24, 32), 2.0, np.float32)
    node.callbacks['scale/depth'](fill_image(Image(header=head()), depth, '32FC1'))
    said = observe(source)
    assert isinstance(said, Observation)
    assert np.allclose(said.inverse_depth, 0.5)
    assert 'stale' in reason(source, STAMP + 10**9)


def test_a_depth_camera_of_its_own(made):
    # 0.5 m behind the camera, the same way: what it has at 2.5 m lies 2 m before the camera
    node, _, source = made(scale_sources=('depth',), depth_pose='0 0 -0.5 0 0 0')
    image = fill_image(Image(header=head('tof')), np.full((24, 32), 2.5, np.float32), '32FC1')
    node.callbacks['scale/depth'](image)
    assert reason(source) == 'unusable: no message on scale/camera_info'
    info = CameraInfo(header=head('tof'), width=32, height=24,
                      k=[25.0, 0.0, 15.5, 0.0, 25.0, 11.5, 0.0, 0.0, 1.0])
    node.callbacks['scale/camera_info'](info)
    node.callbacks['scale/depth'](image)
    assert np.allclose(observe(source).inverse_depth, 0.5)
    image.header.frame_id = 'other'
    node.callbacks['scale/depth'](image)
    assert "wrong frame: 'other' in 'cam'" in reason(source, STAMP + 10**9)


def test_points_before_the_first_image_and_in_a_frame_that_nothing_knows(made):
    node, inputs, source = made(scale_sources=('points',), seen=False)
    packed = payload(np.array([[[0.0, 0.0, 4.0]]], np.float32))
    cloud = PointCloud2(
        header=head('lidar'), height=1, width=1, point_step=12, row_step=12, data=packed.data,
        fields=[PointField(name=name, offset=4 * index, datatype=7, count=1)
                for index, name in enumerate('xyz')])
    node.callbacks['scale/points'](cloud)
    assert 'no image yet' in reason(source)
    inputs.image_came('cam', STAMP)
    node.callbacks['scale/points'](cloud)
    assert "wrong frame: 'lidar' is not 'cam', and tf2_ros does not import" in reason(source)
    cloud.header.frame_id = 'cam'
    node.callbacks['scale/points'](cloud)
    assert observe(source).inverse_depth.tolist() == [0.25]
    # what came before is good until it is too old; then the newest trouble is told
    cloud.fields = cloud.fields[:2]
    node.callbacks['scale/points'](cloud)
    assert isinstance(observe(source), Observation)
    assert reason(source, STAMP + 10**9) == 'unusable: no field z; there are x, y'


def test_a_scan_before_the_camera(made):
    node, _, source = made(scale_sources=('scan',), scan_pose=FLU)
    node.callbacks['scale/scan'](LaserScan(
        header=head('laser'), angle_min=-np.pi / 2, angle_increment=np.pi / 2, range_min=0.1,
        range_max=9.0, ranges=array('f', [1.0, 4.0, 1.0])))
    said = observe(source)
    assert np.allclose(said.inverse_depth, [0.25])
    assert np.allclose(said.disparity, DISPARITY[24, 32], atol=0.02)


def test_a_range_in_a_box(made):
    node, _, source = made(scale_sources=('range',), range_box='0.4, 0.4, 0.6, 0.6')
    reading = Range(header=head('sonar'), min_range=0.1, max_range=5.0, range=4.0)
    node.callbacks['scale/range'](reading)
    assert observe(source).inverse_depth == pytest.approx([0.25], rel=1e-3)
    reading.range = np.inf
    node.callbacks['scale/range'](reading)
    assert 'range nan' in reason(source, STAMP + 10**9)


def floor(down):
    """Disparity of a floor 2 m below the camera, where `down` [3] says; 1/Z is the disparity."""
    v, u = np.mgrid[:48, :64]
    rays = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones_like(u)], -1)
    return np.maximum(rays @ np.asarray(down) / 2.0, 0.0).astype(np.float32)


def test_the_floor_by_parameters(made):
    _, _, source = made(scale_sources=('ground',), camera_height=2.0, camera_pitch=0.3)
    said = source.observe(STAMP, CAMERA, floor([0.0, np.cos(0.3), np.sin(0.3)]))
    assert np.allclose(said.inverse_depth, said.disparity, rtol=1e-3)


def test_the_floor_by_gravity(made):
    node, _, source = made(scale_sources=('ground',), camera_height=2.0, camera_tilt='imu',
                           imu_pose=FLU)
    image = floor([0.0, np.cos(0.3), np.sin(0.3)])
    # not by the parameters for pitch and roll, which are zero
    assert source.observe(STAMP, CAMERA, image).reason == 'silent: no message yet'
    imu = Imu(header=head('imu'))
    imu.orientation_covariance[0] = -1.0
    # the nose points down, so that up is backwards and up
    imu.linear_acceleration.x, imu.linear_acceleration.z = -9.8 * np.sin(0.3), 9.8 * np.cos(0.3)
    node.callbacks['imu'](imu)
    said = source.observe(STAMP, CAMERA, image)
    assert np.allclose(said.inverse_depth, said.disparity, rtol=1e-3)
    imu.linear_acceleration.x = 30.0
    node.callbacks['imu'](imu)
    assert 'is not gravity alone' in source.observe(STAMP + 10**9, CAMERA, image).reason


def test_the_floor_by_tf(made, monkeypatch):
    from dvd_ros.ros import scale_inputs
    from dvd_ros.ros.extrinsics import ExtrinsicsError
    from dvd_ros.ros.pose import pose_from_text

    known = {}

    class Poses:
        def __init__(self, node):
            pass

        def find(self, parent, child, stamp):
            if (parent, child) not in known:
                raise ExtrinsicsError(f'wrong frame: no transform from {child!r}')
            return known[parent, child]

    monkeypatch.setattr(scale_inputs, 'TfPoses', Poses)
    _, inputs, source = made(scale_sources=('ground',), camera_height=2.0, camera_tilt='tf')
    image = floor([0.0, 1.0, 0.0])
    assert "no transform from 'base_footprint'" in source.observe(STAMP, CAMERA, image).reason
    known['cam', 'base_footprint'] = pose_from_text(FLU)
    inputs.image_came('cam', STAMP)
    said = source.observe(STAMP, CAMERA, image)
    assert np.allclose(said.inverse_depth, said.disparity, rtol=1e-3)


@pytest.mark.parametrize(
    ('values', 'told'),
    [
        ({'scale_sources': ('lidar',)}, "scale_sources must be of nominal, depth.*'lidar'"),
        ({'scale_sources': ('ground',)}, 'camera_height must be the height'),
        ({'camera_height': -1.0}, 'camera_height'), ({'camera_tilt': 'level'}, 'camera_tilt'),
        ({'camera_pitch': np.nan}, 'camera_pitch'), ({'points_pose': '1 2'}, 'points_pose: a pose'),
        ({'range_box': '0 0 1'}, 'range_box'), ({'range_box': '0.6 0 0.4 1'}, 'range_box'),
        ({'scale_tolerance': -0.1}, 'scale_tolerance'),
    ],
)
def test_parameters_that_make_no_sense_are_named(values, told):
    with pytest.raises(ValueError, match=told):
        ScaleParameters(**values)


class Declaring:
    """A node that was given parameters."""

    def __init__(self, **given):
        self._given = given

    def declare_parameter(self, name, default, descriptor):
        value = self._given.get(name, default)
        return type('Parameter', (), {'value': value})


@pytest.mark.parametrize(
    ('given', 'expected'),
    [(['depth', 'scan'], ('depth', 'scan')), ('depth, scan', ('depth', 'scan')),
     ('depth', ('depth',)), (None, ()), ('nominal', ()), (['nominal', 'depth'], ('depth',))],
)
def test_a_list_or_names_with_commas(given, expected):
    parameters = declare(Declaring(scale_sources=given), ScaleParameters)
    assert parameters.sources == expected


def test_a_list_of_numbers_is_none_of_names():
    with pytest.raises(ValueError, match='scale_sources needs a list of strings'):
        declare(Declaring(scale_sources=[1, 2]), ScaleParameters)

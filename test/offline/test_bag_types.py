"""Messages made without ROS 2 are those of ROS 2."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed here')

from dvd_ros.messages.image_conversion import fill_image  # noqa: E402
from dvd_ros.messages.message_maker import MessageMaker  # noqa: E402
from dvd_ros.offline.bag_types import BagTypes, _places  # noqa: E402

KINDS = {'Image': 'sensor_msgs', 'CameraInfo': 'sensor_msgs', 'PointCloud2': 'sensor_msgs',
         'WindowAlignment': 'dvd_ros', 'MetricScale': 'dvd_ros'}


@pytest.fixture(scope='module')
def types():
    return BagTypes()


@pytest.mark.parametrize('name', KINDS)
def test_defaults_are_written_and_read(types, name):
    kind = f'{KINDS[name]}/msg/{name}'
    made = getattr(types.types, name)()
    assert types.read(types.write(made, kind), kind).header.frame_id == ''


def test_fields_come_back_whatever_sequence_they_were(types):
    head = MessageMaker(types.types).header(-1, 'optical')
    assert (head.stamp.sec, head.stamp.nanosec) == (-1, 999_999_999)
    image = fill_image(types.types.Image(header=head), np.arange(6, dtype=np.float32).reshape(2, 3),
                       '32FC1')
    read = types.read(types.write(image, 'sensor_msgs/msg/Image'), 'sensor_msgs/msg/Image')
    assert read.data.view(np.float32).tolist() == [0, 1, 2, 3, 4, 5]
    info = types.types.CameraInfo(d=[1, 2.5], k=tuple(range(9)))
    read = types.read(types.write(info, 'sensor_msgs/msg/CameraInfo'), 'sensor_msgs/msg/CameraInfo')
    assert (read.d.tolist(), read.k.tolist()) == ([1.0, 2.5], list(range(9)))


@pytest.mark.parametrize('data', [b'', b'\0\1\0\0', b'\0\1\0\0' + b'\xff' * 40, b'rubbish' * 9])
def test_bytes_that_are_no_message_are_refused(types, data):
    with pytest.raises(ValueError, match='no sensor_msgs/msg/Image'):
        types.read(data, 'sensor_msgs/msg/Image')


@pytest.mark.parametrize('name', ['WindowAlignment', 'MetricScale', 'ScaleSource'])
def test_the_hash_of_our_types_is_that_of_ros(types, name):
    """Players compare it with what they were built with."""
    built = next((path for path in (folder / f'{name}.json' for folder in _places())
                  if path.is_file()), None)
    if built is None:
        pytest.skip('the messages are not built here')
    hashes = {entry['type_name']: entry['hash_string']
              for entry in json.loads(Path(built).read_text())['type_hashes']}
    kind = f'dvd_ros/msg/{name}'
    assert types.store.hash_rihs01(kind) == hashes[kind]


def test_ros_reads_what_was_written(types):
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    messages = pytest.importorskip('dvd_ros.msg', reason='the messages are not built')
    from rclpy.serialization import deserialize_message
    source = types.types.ScaleSource(name='depth', used=True, age=math.inf, observations=3)
    made = types.types.MetricScale(
        header=MessageMaker(types.types).header(5_000_000_007, 'optical'), reason='why',
        scale=0.5, covariance=[1.0, 2.0, 2.0, 4.0], sources=[source])
    read = deserialize_message(bytes(types.write(made, 'dvd_ros/msg/MetricScale')),
                               messages.MetricScale)
    assert (read.header.stamp.sec, read.header.stamp.nanosec) == (5, 7)
    assert (read.reason, read.scale, list(read.covariance)) == ('why', 0.5, [1.0, 2.0, 2.0, 4.0])
    assert (read.sources[0].name, read.sources[0].age, read.sources[0].observations) == (
        'depth', math.inf, 3)

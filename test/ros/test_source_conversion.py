"""What other sensors send, as arrays: depth images, clouds, scans, ranges. No ROS 2 is needed."""

from types import SimpleNamespace as Message

import numpy as np
import pytest

from dvd_ros.geometry.millimetres import millimetres
from dvd_ros.messages.depth_conversion import metres_from_message
from dvd_ros.messages.image_conversion import ImageError, payload
from dvd_ros.ros.beam_conversion import points_from_scan, range_from_message
from dvd_ros.ros.cloud_conversion import (
    CloudError,
    coloured_points_from_cloud,
    points_from_cloud,
)

INF, NAN = np.inf, np.nan
KINDS = {'f4': 7, 'f8': 8, 'i2': 3, 'u1': 2}


def image(pixels, encoding, padding=0):
    packed = payload(pixels)
    rows = np.frombuffer(packed.data, np.uint8).reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=7)
    return Message(encoding=encoding, height=pixels.shape[0], width=pixels.shape[1],
                   step=rows.shape[1], data=rows.tobytes(), is_bigendian=int(packed.is_bigendian))


def cloud(points, fields, order='<', row_padding=0, point_padding=0):
    """A message of points [H,W,3]; `fields` is [(name, type), ...] in the order of memory."""
    layout = np.dtype([(name, order + kind) for name, kind in fields]
                      + [('', f'V{point_padding}')] * bool(point_padding))
    packed = np.zeros(points.shape[:2], layout)
    for index, name in enumerate('xyz'):
        packed[name] = points[..., index]
    rows = packed.view(np.uint8).reshape(len(points), -1)
    data = np.pad(rows, ((0, 0), (0, row_padding)), constant_values=9)
    return Message(
        height=points.shape[0], width=points.shape[1], point_step=layout.itemsize,
        row_step=data.shape[1], data=data.tobytes(), is_bigendian=order == '>',
        fields=[Message(name=name, offset=layout.fields[name][1], datatype=KINDS[kind], count=1)
                for name, kind in fields])


@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize('padding', [0, 4])
def test_depth_image_in_metres_and_millimetres(order, padding):
    metres = np.array([[1.5, 0.0, NAN], [-2.0, INF, 60.25]], order + 'f4')
    expected = np.array([[1.5, NAN, NAN], [NAN, NAN, 60.25]], np.float32)
    assert np.array_equal(metres_from_message(image(metres, '32FC1', padding)), expected,
                          equal_nan=True)
    short = np.array([[1500, 0, 65535], [1, 2, 3]], order + 'u2')
    expected = np.array([[1.5, NAN, 65.535], [0.001, 0.002, 0.003]], np.float32)
    for encoding in ('16UC1', 'mono16'):
        read = metres_from_message(image(short, encoding, padding))
        assert read.dtype == np.float32
        assert np.allclose(read, expected, equal_nan=True)


@pytest.mark.parametrize(
    ('changed', 'told'),
    [({'encoding': 'rgb8'}, "'rgb8'.*32FC1"), ({'step': 11}, 'step'), ({'data': b''}, 'data'),
     ({'width': 0}, 'size 0x2')],
)
def test_a_depth_image_that_cannot_be_read_says_why(changed, told):
    message = image(np.ones((2, 3), np.float32), '32FC1')
    vars(message).update(changed)
    with pytest.raises(ImageError, match=told):
        metres_from_message(message)


def test_depth_as_millimetres():
    depth = np.array([[NAN, INF, 65.535, 65.5356], [-1.0, 0.0, 1.2346, 0.0004]], np.float32)
    assert millimetres(depth).tolist() == [[0, 0, 65535, 0], [0, 0, 1235, 0]]
    assert millimetres(depth).dtype == np.uint16


@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize(
    ('fields', 'paddings'),
    [
        ([('x', 'f4'), ('y', 'f4'), ('z', 'f4')], (0, 0)),
        ([('x', 'f4'), ('y', 'f4'), ('z', 'f4'), ('intensity', 'f4'), ('ring', 'u1')], (8, 15)),
        ([('ring', 'u1'), ('z', 'f4'), ('x', 'f4'), ('y', 'f4')], (3, 0)),
        ([('x', 'f8'), ('y', 'f8'), ('z', 'f8')], (0, 8)),
        ([('x', 'f8'), ('y', 'f4'), ('z', 'i2')], (0, 0)),
    ],
)
def test_clouds_of_any_layout(order, fields, paddings):
    points = np.random.default_rng(0).integers(1, 99, (3, 5, 3)).astype(float)
    read = points_from_cloud(cloud(points, fields, order, *paddings))
    assert read.dtype == (np.float64 if ('x', 'f8') in fields else np.float32)
    assert np.array_equal(read, points.reshape(-1, 3))


def test_points_that_are_none_are_left_out():
    points = np.array([[[1, 2, 3], [NAN, 1, 1], [0, 0, 0], [1, INF, 1], [0, 0, 4]]], float)
    message = cloud(points, [(name, 'f4') for name in 'xyz'])
    message.row_step = 0  # some drivers leave it out where there is one row
    assert points_from_cloud(message).tolist() == [[1, 2, 3], [0, 0, 4]]
    message.width, message.data = 0, b''
    assert points_from_cloud(message).shape == (0, 3)
    message.height = 0
    assert points_from_cloud(message).shape == (0, 3)


@pytest.mark.parametrize('shape', [(1, 1280), (16, 80)])
@pytest.mark.parametrize('padding', [0, 12])
def test_of_a_large_cloud_some_points_of_every_ring_are_taken(shape, padding):
    rings = np.arange(1280) % 16  # one after the other, as a spinning lidar fires
    points = np.stack([np.ones(1280), rings, np.arange(1280)], -1).reshape(*shape, 3)
    message = cloud(points, [(name, 'f4') for name in 'xyz'], row_padding=padding)
    read = points_from_cloud(message, most=200)
    assert 100 < len(read) <= 200
    assert set(read[:, 1]) == set(range(16))
    assert len(set(np.diff(read[:, 2]))) == 1


@pytest.mark.parametrize(
    ('changed', 'told'),
    [({'fields': []}, 'no field x, y, z'), ({'data': b'abc'}, 'data of 3 bytes'),
     ({'row_step': 5}, 'row_step 5'), ({'point_step': 8}, 'field z at 8'),
     ({'fields': [Message(name=name, offset=0, datatype=11) for name in 'xyz']}, 'datatype 11')],
)
def test_a_cloud_that_cannot_be_read_says_why(changed, told):
    message = cloud(np.ones((2, 3, 3)), [(name, 'f4') for name in 'xyz'])
    vars(message).update(changed)
    with pytest.raises(CloudError, match=told):
        points_from_cloud(message)


@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize('name', ['rgb', 'rgba'])
def test_colours_stay_with_their_points(order, name):
    points = np.random.default_rng(0).integers(1, 99, (4, 50, 3)).astype(float)
    points[1, 3] = NAN
    fields = [('x', 'f4'), ('y', 'f4'), ('z', 'f4'), (name, 'f4')]
    message = cloud(points, fields, order, 4, 8)
    rows = np.frombuffer(message.data, np.uint8).reshape(4, -1)
    packed = np.arange(200, dtype=np.uint32).reshape(4, 50) * 0x010203
    at = message.fields[-1].offset
    data = np.array(rows)
    for column in range(50):
        begin = column * message.point_step + at
        data[:, begin:begin + 4] = packed[:, column].astype(f'{order}u4')[:, None].view(np.uint8)
    message.data = data.tobytes()
    for most in (1000, 60):
        read, colours = coloured_points_from_cloud(message, most)
        assert np.array_equal(read, points_from_cloud(message, most))
        assert colours.dtype == np.uint8
        every = 1 if most > 200 else 5
        kept = np.isfinite(points[..., 0]).reshape(-1)[::every]
        expected = packed.reshape(-1)[::every][kept]
        assert np.array_equal(colours.astype(np.uint32) @ [1 << 16, 1 << 8, 1], expected)


def test_a_cloud_without_colours_is_white():
    message = cloud(np.ones((2, 3, 3)), [(name, 'f4') for name in 'xyz'])
    points, colours = coloured_points_from_cloud(message)
    assert points.shape == colours.shape == (6, 3)
    assert (colours == 255).all()
    # A field of that name that is none, or that is outside of the point.
    for offset, datatype in ((9, 6), (0, 8)):
        message.fields = [*message.fields[:3], Message(name='rgb', offset=offset,
                                                       datatype=datatype)]
        assert (coloured_points_from_cloud(message)[1] == 255).all()


def test_scan_becomes_points_of_its_plane():
    scan = Message(angle_min=-np.pi / 2, angle_increment=np.pi / 2, range_min=0.1, range_max=10.0,
                   ranges=[2.0, 3.0, 4.0, 5.0])
    assert np.allclose(points_from_scan(scan), [[0, -2, 0], [3, 0, 0], [0, 4, 0], [-5, 0, 0]],
                       atol=1e-6)
    scan.ranges = [NAN, INF, -INF, 3.0, 0.05, 11.0, 0.0, -1.0]
    assert np.allclose(points_from_scan(scan), [[-3, 0, 0]], atol=1e-6)
    scan.range_max = 0.0  # not told
    assert len(points_from_scan(scan)) == 2


def test_range_reading():
    reading = Message(range=1.5, min_range=0.2, max_range=4.0)
    assert range_from_message(reading) == 1.5
    for bad in (INF, -INF, NAN, 0.1, 4.5, 0.0, -1.0):
        reading.range = bad
        assert np.isnan(range_from_message(reading))


def test_depth_that_is_none_or_too_far_is_a_hole_of_the_cloud():
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    from std_msgs.msg import Header

    from dvd_ros.geometry import Intrinsics
    from dvd_ros.messages.cloud_message import CloudMaker
    from dvd_ros.messages.output_config import OutputConfig
    from dvd_ros.ros.depth_messages import TYPES, millimetre_image

    depth = np.array([[1.5, INF], [NAN, 2.0]], np.float32)
    points = points_from_cloud(CloudMaker(TYPES).make(
        depth, np.zeros((2, 2, 3), np.uint8), None, Intrinsics(2, 2, 1.0, 1.0, 0.5, 0.5),
        Header(), OutputConfig()))
    assert points[:, 2].tolist() == [1.5, 2.0]
    image = millimetre_image(depth, Header())
    assert (image.encoding, image.step) == ('16UC1', 4)
    assert np.frombuffer(image.data, np.uint16).tolist() == [1500, 0, 0, 2000]

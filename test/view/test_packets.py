"""Arrays to packets: what a browser can read back out of them."""

import cv2
import numpy as np
import pytest


def test_depth_survives_within_a_tenth_of_a_percent():
    from dvd_ros.view.packets import TOO_FAR, depth_codes

    depth = np.geomspace(0.002, 5000.0, 1000, dtype=np.float32).reshape(10, 100)
    codes = depth_codes(depth)
    assert codes.dtype == np.uint16
    assert 1e-3 * np.exp(codes / 1000.0) == pytest.approx(depth, rel=6e-4)
    odd = np.array([[np.nan, np.inf, 0.0, -1.0, -np.inf, 1e-9, 1e30]], np.float32)
    assert depth_codes(odd)[0, :5].tolist() == [0, TOO_FAR, 0, 0, 0]
    assert ((depth_codes(odd)[0, 5:] > 0) & (depth_codes(odd)[0, 5:] < TOO_FAR)).all()


def test_a_frame_holds_the_picture_and_the_codes(unpack, scene):
    from dvd_ros.view.packets import depth_codes, frame_packet

    image, depth, _, _ = scene(0)
    header, (jpeg, png) = unpack(frame_packet(image, depth, {'frame_id': 'cam'}))
    assert header['frame_id'] == 'cam'
    assert header['near'] == pytest.approx(1.1, abs=0.1)
    assert header['far'] == pytest.approx(5.45, abs=0.1)
    read = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(read.astype(float) - image).mean() < 4.0
    low, high = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., 1:].astype(
        np.uint16).transpose(2, 0, 1)
    assert np.array_equal(high << 8 | low, depth_codes(depth))


@pytest.mark.parametrize('missing', ['image', 'depth'])
def test_a_frame_may_lack_one_of_both(unpack, scene, missing):
    from dvd_ros.view.packets import frame_packet

    image, depth, _, _ = scene(0)
    header, parts = unpack(frame_packet(
        None if missing == 'image' else image, None if missing == 'depth' else depth, {}))
    assert len(parts) == 1
    assert (header['image'], header['depth']) == (missing != 'image', missing != 'depth')


def test_depth_without_a_pixel_has_no_range(unpack):
    from dvd_ros.view.packets import frame_packet

    header, _ = unpack(frame_packet(None, np.full((4, 5), np.nan, np.float32), {}))
    assert header['near'] is header['far'] is None


def test_a_cloud_is_what_the_graphics_card_takes(unpack):
    from dvd_ros.view.packets import cloud_packet

    points = np.array([[0.5, -1.25, 3.0], [1.0, 2.0, 4.0], [0.0, 0.0, 1e9]])
    colours = np.array([[1, 2, 3], [250, 251, 252], [9, 9, 9]], np.uint8)
    header, (rows,) = unpack(cloud_packet(points, colours, {}))
    assert header['count'] == 2
    assert header['centre'] == [0.75, 0.375, 3.5]
    assert len(rows) == 24
    assert np.frombuffer(rows, '<f2').reshape(2, 6)[:, :3].tolist() == points[:2].tolist()
    assert np.frombuffer(rows, np.uint8).reshape(2, 12)[:, 8:11].tolist() == colours[:2].tolist()
    header, (rows,) = unpack(cloud_packet(points[:0], colours[:0], {}))
    assert (header['count'], header['centre'], rows) == (0, None, b'')


def test_colours_are_those_of_the_other_pictures_of_depth():
    from dvd_ros.evaluation.contact_sheet import colour_depth
    from dvd_ros.view.packets import colour_table

    table = colour_table()
    assert len(table) == 256
    near, far = colour_depth(np.array([[0.5, 20.0]]), 0.5, 20.0)[0].tolist()
    assert (table[255], table[0]) == (near, far)

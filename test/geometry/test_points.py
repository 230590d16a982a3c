import struct

import numpy as np
import pytest

from dvd_ros.geometry import Intrinsics, pack_rgb, points_from_depth, write_ply

CAMERA = Intrinsics(64, 48, 60.0, 62.0, 31.5, 22.0)


def test_pixels_land_on_their_rays():
    points = points_from_depth(np.full((48, 64), 2.0), CAMERA)
    assert points.shape == (48, 64, 3)
    assert points.dtype == np.float32
    assert (points[..., 2] == 2.0).all()
    np.testing.assert_allclose(points[22, :, 0], 2.0 * (np.arange(64) - 31.5) / 60.0, rtol=1e-6)
    assert points[0, 0, 0] < 0 < points[0, -1, 0]      # x to the right
    assert points[0, 0, 1] < 0 < points[-1, 0, 1]      # y down
    np.testing.assert_allclose(points[22, :, 1], 0.0)


def test_a_floor_seen_from_above_is_flat():
    # A camera 1.2 m above the floor, looking level: the floor is y = 1.2 below the horizon.
    rows = np.arange(48)
    below = rows > CAMERA.cy
    depth = np.full((48, 64), np.nan, np.float32)
    depth[below] = (1.2 * CAMERA.fy / (rows[below] - CAMERA.cy))[:, None]
    points = points_from_depth(depth, CAMERA)
    np.testing.assert_allclose(points[below][..., 1], 1.2, rtol=1e-5)
    assert np.isnan(points[~below]).all()


@pytest.mark.parametrize('hole', [np.nan, np.inf, -np.inf, 0.0, -1.0])
def test_a_pixel_without_depth_is_a_hole_and_keeps_its_place(hole):
    depth = np.ones((48, 64), np.float32)
    depth[5, 7] = hole
    missing = np.isnan(points_from_depth(depth, CAMERA))
    assert missing[5, 7].all()
    assert missing.sum() == 3


def test_size_must_be_the_cameras():
    with pytest.raises(ValueError, match='48, 64'):
        points_from_depth(np.ones((24, 32)), CAMERA)


def test_colours_are_packed_as_point_clouds_carry_them():
    packed = pack_rgb(np.array([[[1, 2, 3], [255, 128, 0]]], np.uint8))
    assert packed.shape == (1, 2)
    assert packed.dtype == np.float32
    assert struct.unpack('<I', packed[0, 0].tobytes())[0] == 0x010203
    assert packed.view(np.uint32)[0, 1] == 0xFF8000


def test_ply_holds_the_finite_points_with_their_colours(tmp_path):
    points = np.array([[[1, 2, 3], [np.nan] * 3, [4, 5, 6.5]]], np.float32)
    colours = np.array([[[10, 20, 30], [0, 0, 0], [255, 0, 7]]], np.uint8)
    assert write_ply(tmp_path / 'cloud.ply', points, colours) == 2
    head, body = (tmp_path / 'cloud.ply').read_bytes().split(b'end_header\n')
    assert head.startswith(b'ply\nformat binary_little_endian 1.0\n')
    assert b'element vertex 2\n' in head
    assert struct.unpack('<3f3B3f3B', body) == (1, 2, 3, 10, 20, 30, 4, 5, 6.5, 255, 0, 7)


def test_ply_needs_a_colour_per_point(tmp_path):
    with pytest.raises(ValueError, match='colours'):
        write_ply(tmp_path / 'cloud.ply', np.zeros((4, 3)), np.zeros((5, 3), np.uint8))

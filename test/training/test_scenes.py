"""Rendered scenes: the geometry is true, the seed decides, shards survive an interruption."""

import numpy as np
import pytest

pytest.importorskip('numba')

from dvd_ros.training.camera_path import random_path  # noqa: E402
from dvd_ros.training.clips import disparity_range, find_shards  # noqa: E402
from dvd_ros.training.raycast import BOX, CYLINDER, ELLIPSOID, ROOM, cast  # noqa: E402
from dvd_ros.training.render import RenderConfig, render_clip, render_folder  # noqa: E402
from dvd_ros.training.scene import SceneBuilder, turn_about_z  # noqa: E402
from dvd_ros.training.textures import LEVEL_START  # noqa: E402

SMALL = RenderConfig(frames=2, height=48, width=64, supersample=1.0)
# Looks along +x from the origin at height 1: right is -y, down is -z.
POSE = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1]], float)


def render(*shapes, pose=POSE, size=(33, 33), focal=30.0):
    rng = np.random.default_rng(0)
    textures = np.full((2, LEVEL_START[-1], 3), 200, np.uint8)
    builder = SceneBuilder(rng, textures)
    look = (0, 100.0, np.ones(3), 0.0)
    for kind, centre, half, turn in shapes:
        builder.add(kind, centre, half, turn_about_z(turn), look)
    s = builder.build([[0, 0, 2.5, 1, 1, 1, 0]], [0.3] * 6, 0.0, np.zeros((2, 3)), False)
    height, width = size
    return cast(height, width, focal, focal, width / 2, height / 2, pose, s.kind, s.rot, s.centre,
                s.half, s.radius, s.texture, s.texels_per_metre, s.tint, s.gloss, s.textures,
                s.lights, s.sky, s.haze)


def test_depth_is_along_the_optical_axis_and_not_along_the_ray():
    _, depth = render((BOX, (5, 0, 1), (1, 9, 9), 0.0))
    np.testing.assert_allclose(depth, 4.0, rtol=1e-6)


def test_each_shape_has_its_depth_in_the_middle():
    for kind, expected in ((BOX, 4.0), (ELLIPSOID, 4.0), (CYLINDER, 4.0)):
        _, depth = render((kind, (5, 0, 1), (1, 1, 1), 0.0))
        assert depth[16, 16] == pytest.approx(expected, abs=1e-3)
        assert np.isinf(depth[0, 0])
    _, depth = render((BOX, (5, 0, 1), (1, 1, 1), np.pi / 4))  # edge on
    assert depth[16, 16] == pytest.approx(5 - np.sqrt(2), abs=1e-3)


def test_the_nearest_of_two_hides_the_other():
    _, depth = render((BOX, (5, 0, 1), (1, 9, 9), 0.0), (BOX, (3, 0, 1), (0.5, 0.2, 0.2), 0.3))
    assert depth[16, 16] == pytest.approx(2.5, abs=0.05)
    assert depth[0, 0] == pytest.approx(4.0, abs=1e-4)


def test_a_room_is_seen_from_inside_floor_below_ceiling_above():
    _, depth = render((ROOM, (0, 0, 1.5), (4, 4, 1.5), 0.0))
    assert depth[16, 16] == pytest.approx(4.0, abs=1e-4)
    # The floor is 1 m below, the ceiling 2 m above: rows look down at 30 px a unit of slope.
    assert depth[32, 16] == pytest.approx(min(4.0, 30 / 16.0), abs=1e-3)
    assert depth[0, 16] == pytest.approx(min(4.0, 2 * 30 / 16.0), abs=1e-3)


def test_what_stands_before_the_light_casts_a_shadow():
    wall = (BOX, (5, 0, 1), (1, 9, 9), 0.0)
    lit, _ = render(wall)
    shaded, depth = render(wall, (BOX, (2, 0, 1.75), (0.5, 0.1, 0.1), 0.0))
    dark = (shaded < 0.7 * lit).all(-1) & (depth == 4.0)
    assert dark.any()


def test_the_same_seed_gives_the_same_clip_and_another_another():
    one, again, other = (render_clip(seed, SMALL) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.images, again.images)
    np.testing.assert_array_equal(one.depth, again.depth)
    assert (one.images != other.images).mean() > 0.5


def test_clips_have_sound_depth_indoors_and_outdoors():
    for street in (0.0, 1.0):
        clip = render_clip(11, RenderConfig(frames=2, height=48, width=64, street=street))
        assert clip.images.shape == (2, 48, 64, 3)
        assert clip.images.dtype == np.uint8
        assert (clip.depth > 0).all()
        assert np.isfinite(clip.depth).all() == (street == 0.0)
        assert 30 < clip.focal < 100
        assert clip.images.std() > 4  # neither black nor white


def test_camera_paths_are_rotations_and_stay_in_the_room():
    from dvd_ros.training.places import room
    rng = np.random.default_rng(3)
    scene = room(rng)
    path = random_path(rng, scene, 40, 10.0)
    turns = path.poses[:, :, :3]
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (40, 1, 1)),
                               atol=1e-9)
    assert (np.linalg.det(turns) > 0.99).all()
    assert (path.poses[:, :, 3] >= scene.bounds[0] - 1e-9).all()
    assert (path.poses[:, :, 3] <= scene.bounds[1] + 1e-9).all()


def test_the_range_of_disparity_leaves_two_percent_at_each_end_and_is_never_zero():
    ramp = np.linspace(1, 3, 1000, dtype=np.float32).reshape(1, 10, 100)
    low, span = disparity_range(ramp)
    assert (ramp < low).mean() == pytest.approx(0.02, abs=2e-3)
    assert (ramp > low + span).mean() == pytest.approx(0.02, abs=2e-3)
    assert disparity_range(np.ones((1, 4, 4)))[1] > 0


def test_shards_are_written_once_and_go_on_after_an_interruption(tmp_path):
    render_folder(tmp_path, 50, 4, SMALL, processes=1, per_shard=2)
    shards = find_shards(tmp_path)
    assert len(shards) == 2
    with np.load(shards[0]) as shard:
        np.testing.assert_array_equal(shard['images'][0], render_clip(50, SMALL).images)
        assert shard['disparity'].shape == (2, 2, 48, 64)
    kept = shards[0].stat().st_mtime_ns
    shards[1].unlink()
    render_folder(tmp_path, 50, 4, SMALL, processes=1, per_shard=2)
    assert shards[0].stat().st_mtime_ns == kept
    assert len(find_shards(tmp_path)) == 2


def test_other_settings_in_the_same_folder_are_refused(tmp_path):
    render_folder(tmp_path, 50, 1, SMALL, processes=1, per_shard=1)
    with pytest.raises(ValueError, match='other settings'):
        render_folder(tmp_path, 50, 1, RenderConfig(frames=1, height=48, width=64), 1, 1)
    with pytest.raises(FileNotFoundError, match='render_folder'):
        find_shards(tmp_path / 'empty')

"""Rich scenes: depth is exact, places are places, the seed decides, and plain stays as it was."""

import hashlib

import numpy as np
import pytest

pytest.importorskip('numba')

from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.training.fresh_scenes import render_scene  # noqa: E402
from dvd_ros.training.render import RenderConfig, render_clip  # noqa: E402
from dvd_ros.training.rich import mesh, places  # noqa: E402
from dvd_ros.training.rich.builder import Builder, Frame  # noqa: E402
from dvd_ros.training.rich.clip import Stage, try_clip  # noqa: E402
from dvd_ros.training.rich.materials import Palette  # noqa: E402

SMALL = RenderConfig(frames=2, height=48, width=64, supersample=1.0, style='rich')
# Looks along +x from the origin: right is -y, down is -z.
POSE = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0]], float)
FOCAL, SIZE = 60.0, 65
# sha256 of images, depth and poses of (seed, street), of the renderer before there was a rich one;
# and the mean grey of each, to tell a changed scene from another processor's rounding.
PLAIN = {
    (5, 0.0): ('59a08b30bffe3e73e2a077a023e3e0e9ae7b13701c308e8f3ba504af0f9b63f9',
                (144.115, 0.4558)),
    (6, 0.0): ('55fd448e9fa96c66b71290dd1ff8a00b9e5682f5b1ec646e13ff0695a616e1b4',
                (96.725, 0.4202)),
    (11, 1.0): ('d3e384f0ea048ad2195f1b45e1efd0b055bf8f55e9bfec9208f0cb8a7e2d7eaf',
                (100.036, 0.0000)),
    (12, 1.0): ('c8546c3c4323f370ce6f58fe4d4c3cc60a5ac8113aceefe078cef9d1405a273d',
                (126.008, 0.1806))}


def look(fill, pose=POSE, time=0.0, light=(-1.0, 0.5, 2.0)):
    """Light and depth [65,65] of what ``fill`` puts into a builder."""
    rng = np.random.default_rng(0)
    b = Builder(rng, Palette(rng))
    fill(b, b.mat('plain', (0.8, 0.8, 0.8)))
    b.light(light, 0.05, np.ones(3))
    scene = b.build(np.full((6, 3), 0.3), np.r_[np.ones(9), 0, 0, -1, 0, 0, 0], 0.0,
                    np.zeros((2, 3)), True, 0.5, 'test')
    return Stage(scene).at(time).look(pose, SIZE, SIZE, FOCAL)


def slopes():
    """Of each pixel's ray: along right and down."""
    along = (np.arange(SIZE) + 0.5 - SIZE / 2) / FOCAL
    return np.meshgrid(along, along)


@pytest.mark.parametrize('config', PLAIN)
def test_plain_scenes_are_what_they_were(config):
    seed, street = config
    clip = render_clip(seed, RenderConfig(frames=2, height=48, width=64, street=street))
    digest = hashlib.sha256(clip.images.tobytes() + clip.depth.tobytes() + clip.poses.tobytes())
    if digest.hexdigest() != PLAIN[config][0]:
        now = clip.images.mean(), np.median(1 / clip.depth)
        np.testing.assert_allclose(now, PLAIN[config][1], rtol=2e-3)
        pytest.skip('the same scene, of other rounding: the digests are those of another processor')


def test_depth_of_a_ball_is_exact():
    _, depth = look(lambda b, mat: b.ellipsoid(Frame(), (4, 0, 0), (2, 2, 2), mat))
    right, down = slopes()
    a, c = 1 + right**2 + down**2, 16.0 - 1.0
    disc = 16.0 - a * c
    expected = np.where(disc > 0, (4 - np.sqrt(np.maximum(disc, 0))) / a, np.inf)
    np.testing.assert_allclose(depth, expected, rtol=1e-6)


def test_depth_of_a_triangle_is_its_planes():
    corners = np.array([[[3.0, 2, -2], [4.0, -2, -2], [5.0, 0, 2.5]]])
    _, depth = look(lambda b, mat: b.mesh(Frame(), mesh.flat(corners), mat))
    normal = np.cross(corners[0, 1] - corners[0, 0], corners[0, 2] - corners[0, 0])
    right, down = slopes()
    rays = np.stack([np.ones_like(right), -right, -down], -1)
    seen = np.isfinite(depth)
    assert 0.2 < seen.mean() < 0.9
    np.testing.assert_allclose(depth[seen], (normal @ corners[0, 0] / (rays @ normal))[seen],
                               rtol=1e-6)


@pytest.mark.parametrize(('fill', 'expected'), [
    (lambda b, mat: b.box(Frame().at(4, 0, 0, np.pi / 4), (0, 0, 0), (2, 2, 2), mat),
     4 - np.sqrt(2)),
    (lambda b, mat: b.cone(Frame(), (4, 0, -1), 1.0, 0.5, 2, mat), 3.25),
    (lambda b, mat: b.rod(Frame(), (4, -2, 0), (4, 2, 0), 0.3, mat), 3.7),
    (lambda b, mat: b.mesh(Frame(), mesh.superellipsoid(0.02, 0.02), mat, (1, 1, 1),
                           (4, 0, 0)), 3.0),
    (lambda b, mat: b.mesh(Frame().at(4, 0, 0, 0, np.pi / 2), mesh.torus(0.25, 64, 32), mat),
     None),
])
def test_each_shape_has_its_depth_in_the_middle(fill, expected):
    _, depth = look(fill)
    middle = depth[SIZE // 2, SIZE // 2]
    if expected is None:  # through a ring upright across the view one sees the sky, or its rim
        assert np.isfinite(depth).any()
    else:
        assert middle == pytest.approx(expected, abs=0.02)
    assert np.isinf(depth[0, 0])


def test_holes_of_a_mesh_show_what_is_behind():
    def fill(b, mat):
        b.box(Frame(), (3, 0, 0), (0.01, 4, 4), b.mat('mesh', cutout=0.5))
        b.box(Frame(), (6, 0, 0), (1, 40, 40), mat)

    _, depth = look(fill)
    near, far = np.isclose(depth, 2.995, atol=1e-3), np.isclose(depth, 5.5, atol=1e-3)
    assert (near | far).all()
    assert near.mean() > 0.1
    assert far.mean() > 0.3


def test_a_lamp_of_some_size_casts_a_soft_shadow():
    def fill(b, mat):
        b.box(Frame(), (5, 0, 0), (1, 40, 40), mat)
        b.ellipsoid(Frame(), (3, 0.4, 1.0), (0.8, 0.8, 0.8), mat)

    light, depth = look(fill)
    wall = light.mean(-1)[depth > 4.4]
    assert wall.min() < 0.75 * np.median(wall)
    assert len(np.unique(wall.round(3))) > 20


@pytest.mark.parametrize('name', places.PLACES)
def test_every_kind_of_place_is_near_and_varied(name):
    for attempt in range(20):
        made = try_clip(np.random.default_rng((3, attempt)), 1, 48, 64, 1.0, 0.0, 0.25, name)
        if made is not None:
            break
    images, depth, view = made
    assert images.shape == (1, 48, 64, 3)
    assert images.std() > 4
    near, middle, far = np.quantile(1 / depth, [0.99, 0.5, 0.05])
    assert 0.25 < 1 / near < 30
    assert near > 1.3 * far
    assert (depth > 0).all()
    assert 35 <= 2 * np.degrees(np.arctan(0.5 / view.focal)) <= 110


def test_the_same_seed_gives_the_same_clip_and_another_another():
    one, again, other = (render_clip(seed, SMALL) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.images, again.images)
    np.testing.assert_array_equal(one.depth, again.depth)
    assert (one.images != other.images).mean() > 0.5


def test_what_moves_is_where_its_velocity_takes_it():
    def fill(b, mat):
        moving = Frame((6.0, 0.0, 0.0), velocity=(-1.5, 0.0, 0.0))
        b.box(moving, (0, 0, 0), (2, 2, 2), mat)
        b.mesh(moving, mesh.superellipsoid(), mat, (0.3, 0.3, 0.3), (0, 0, 1.3))

    for time in (0.0, 0.8):
        ahead = np.array(POSE)
        ahead[0, 3] = 0.5 * time
        _, depth = look(fill, ahead, time)
        assert depth[SIZE // 2, SIZE // 2] == pytest.approx(5 - 2.0 * time, abs=1e-5)
        scale = FOCAL / (5 - 2.0 * time)  # half a metre above the middle is on its front, still
        above = depth[int(SIZE / 2 - 0.5 * scale), SIZE // 2]
        assert above == pytest.approx(5 - 2 * time, abs=1e-5)


def test_what_one_frame_sees_is_where_the_next_one_sees_it():
    """Depth, poses and focal length of a clip belong together; a few things move or are hidden."""
    agreed = []
    for seed in range(4):
        clip = render_clip(seed, RenderConfig(2, 96, 128, 1.0, style='rich'))
        z = clip.depth[0]
        y, x = np.mgrid[:96, :128]
        rays = np.stack([(x + 0.5 - 64) / clip.focal, (y + 0.5 - 48) / clip.focal, np.ones_like(z)])
        known = np.isfinite(z)
        points = clip.poses[0, :, :3] @ (rays[:, known] * z[known]) + clip.poses[0, :, 3:]
        there = clip.poses[1, :, :3].T @ (points - clip.poses[1, :, 3:])
        u = (clip.focal * there[0] / there[2] + 64).astype(int)
        v = (clip.focal * there[1] / there[2] + 48).astype(int)
        inside = (u >= 0) & (u < 128) & (v >= 0) & (v < 96) & (there[2] > 0)
        seen = clip.depth[1][v[inside], u[inside]]
        agreed.append((abs(seen - there[2][inside]) < 0.03 * there[2][inside]).mean())
    assert np.median(agreed) > 0.85


def test_nearest_is_honoured():
    for seed in range(4):
        clip = render_clip(seed, RenderConfig(1, 48, 64, 1.0, nearest=0.8, style='rich'))
        assert np.quantile(clip.depth, 0.005) >= 0.79


def test_the_share_of_rich_scenes_is_the_seeds_to_say():
    config = RenderConfig(frames=1, height=48, width=64, rich=0.5)
    rich = [config.is_rich(seed) for seed in range(400)]
    assert 0.4 < np.mean(rich) < 0.6
    for wanted, style in ((True, 'rich'), (False, 'plain')):
        seed = rich.index(wanted)
        alone = render_clip(seed, RenderConfig(frames=1, height=48, width=64, style=style))
        np.testing.assert_array_equal(render_clip(seed, config).images, alone.images)
        images, disparity = render_scene(seed, config)  # as while training
        np.testing.assert_array_equal(images, alone.images)
        assert np.isfinite(disparity).all()
    assert not any(RenderConfig().is_rich(seed) for seed in range(50))


def test_a_sheet_of_scenes_is_drawn(tmp_path, capsys):
    cv2 = pytest.importorskip('cv2')
    path = tmp_path / 'new' / 'sheet.png'
    assert main(['render', str(path), '--sheet', '3', '--style', 'rich', '--street', '0.5',
                 '--size', '48x64']) == 0
    sheet = cv2.imread(str(path))
    assert sheet.shape[0] % 96 == 0
    assert sheet.shape[1] % 64 == 0
    clip = render_clip(0, RenderConfig(1, 48, 64, street=0.5, style='rich'))
    np.testing.assert_array_equal(sheet[:48, :64, ::-1], clip.images[0])
    assert main(['render', str(tmp_path / 'folder'), '--sheet', '3']) == 1
    assert 'goes into a .png' in capsys.readouterr().err


def test_a_rich_clip_is_written_as_a_folder(tmp_path):
    folder = tmp_path / 'clip'
    assert main(['render', str(folder), '--frames', '2', '--style', 'rich', '--size', '48x64']) == 0
    assert (folder / 'camera.json').is_file()


def test_the_recipe_hands_its_share_on():
    from dvd_ros.training.recipe import MiniRecipe
    assert 'rich' not in MiniRecipe().described()  # so that runs from before it go on
    assert MiniRecipe(rich=0.5).described()['rich'] == 0.5
    with pytest.raises(ValueError, match='rich=2'):
        MiniRecipe(rich=2)


@pytest.mark.parametrize('bad', [{'style': 'pretty'}, {'rich': 1.5}])
def test_bad_settings_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        RenderConfig(**bad)
    with pytest.raises(ValueError, match='castle.*kitchen'):
        places.make(np.random.default_rng(0), 'castle')

import threading

import numpy as np
import pytest

from dvd_ros.geometry import Intrinsics, RigidTransform, rays
from dvd_ros.scale import (
    DepthImageSource,
    KnownSizeSource,
    Observation,
    PointsSource,
    RangeSource,
    Silence,
)
from dvd_ros.scale.points import POINTS

CAMERA = Intrinsics(160, 120, 150.0, 150.0, 79.5, 59.5)
S = 1_000_000_000


def scene(intrinsics=CAMERA):
    """Depth [H,W] of a slanted wall, seen by a camera; the frame is that of CAMERA."""
    r = rays(intrinsics).astype(np.float64)
    return 4.0 / (1.0 + 0.5 * r[..., 0] - 0.3 * r[..., 1])


def disparity_of(depth):
    return (0.8 / depth).astype(np.float32)


def fits(said, tolerance=0.01):
    assert isinstance(said, Observation), said
    np.testing.assert_allclose(said.disparity, 0.8 * said.inverse_depth, rtol=tolerance)
    assert (said.sigma > 0.0).all()


def test_a_registered_depth_image_of_another_size():
    source = DepthImageSource()
    depth = scene()
    half = depth[::2, ::2]
    source.push(S, half)
    said = source.observe(S, None, disparity_of(depth))
    fits(said, 0.03)
    assert len(said) == half.size


def test_a_depth_camera_of_its_own():
    """Other intrinsics, beside and turned: a wall with a known plane, from both places."""
    own = Intrinsics(128, 96, 90.0, 92.0, 60.0, 50.0)
    to_camera = RigidTransform.from_rpy((0.1, -0.05, 0.02), 0.02, -0.1, 0.03)
    # n.p = 4 in the camera's frame; p = R q + t of the depth camera's.
    normal = np.array([0.5, -0.3, 1.0])
    seen = rays(own).astype(np.float64) @ (to_camera.rotation.T @ normal)
    depth = (4.0 - normal @ to_camera.translation) / seen
    source = DepthImageSource(extrinsics=to_camera, frame_id='depth')
    source.push(S, depth, own, 'depth')
    fits(source.observe(S, CAMERA, disparity_of(scene())))
    assert 'no camera_info' in source.observe(S, None, disparity_of(scene())).reason


def test_what_is_no_reading_is_left_out():
    depth = scene()
    depth[0, :6] = np.nan, np.inf, -np.inf, 0.0, -1.0, 1e30
    depth[1, :2] = 0.01, 500.0
    source = DepthImageSource()
    source.push(S, depth)
    said = source.observe(S, CAMERA, disparity_of(scene()))
    fits(said)
    # A message of more pixels than are kept is thinned; none of the bad ones is among them.
    assert POINTS / 2 < len(said) <= POINTS
    source.push(2 * S, np.zeros((120, 160)))
    assert 'no valid reading' in source.observe(2 * S, CAMERA, disparity_of(scene())).reason


@pytest.mark.parametrize('kind', ['depth', 'points'])
def test_why_a_source_is_silent(kind):
    d = disparity_of(scene())
    source = (DepthImageSource(frame_id='right') if kind == 'depth' else
              PointsSource(frame_id='right', extrinsics=RigidTransform.identity()))

    def push(stamp, frame_id='right'):
        data = scene() if kind == 'depth' else (rays(CAMERA) * scene()[..., None]).reshape(-1, 3)
        source.push(stamp, data, frame_id=frame_id)

    assert source.observe(S, CAMERA, d).reason == 'never heard of'
    push(S, 'wrong')
    said = source.observe(S, CAMERA, d).reason
    assert 'wrong frame' in said
    assert 'wrong' in said
    assert 'right' in said
    push(S)
    fits(source.observe(S, CAMERA, d))
    assert 'stale' in source.observe(3 * S, CAMERA, d).reason
    push(3 * S, 'wrong')
    assert 'wrong frame' in source.observe(3 * S, CAMERA, d).reason
    push(10 * S)
    assert 'no reading within' in source.observe(5 * S, CAMERA, d).reason
    assert 'no overlap' in source.observe(10 * S, CAMERA, np.full_like(d, np.nan)).reason
    push(2 * S)     # time ran back: a bag is played again
    fits(source.observe(2 * S, CAMERA, d))


def test_memory_is_bounded():
    source = PointsSource(extrinsics=RigidTransform.identity())
    for stamp in range(500):
        source.push(stamp, np.ones((100_000, 3), np.float32)[:: 1 if stamp < 2 else 50_000])
    held = source._readings._held
    assert len(held) <= 64
    assert max(len(points) for _, points in held) <= POINTS


def test_readings_come_in_while_others_are_looked_up():
    source = PointsSource(extrinsics=RigidTransform.identity())
    points = (rays(CAMERA) * scene()[..., None]).reshape(-1, 3)[::50]
    done = threading.Event()

    def feed():
        for i in range(300):
            source.push(i * S // 100, points)
        done.set()

    thread = threading.Thread(target=feed)
    thread.start()
    while not done.is_set():
        said = source.observe(S, CAMERA, disparity_of(scene()))
        assert isinstance(said, Observation | Silence)
    thread.join()
    fits(source.observe(3 * S - S // 100, CAMERA, disparity_of(scene())))


def test_points_behind_the_camera_and_outside_are_no_readings():
    source = PointsSource(extrinsics=RigidTransform.identity())
    source.push(S, np.array([[0, 0, -2.0], [50.0, 0, 1.0], [np.nan, 0, 1.0]]))
    said = source.observe(S, CAMERA, disparity_of(scene()))
    assert 'no overlap' in said.reason


def test_a_laser_that_sees_past_things_does_not_speak_of_what_is_hidden():
    """A board at 1 m hides a wall at 5 m from the camera; the sensor sees points of both."""
    rng = np.random.default_rng(0)
    count = 4000
    uv = np.stack([rng.uniform(-0.5, 0.5, count), rng.uniform(-0.35, 0.35, count),
                   np.ones(count)], 1)
    board = np.abs(uv[:, 0]) < 0.2
    points = np.concatenate([uv * 5.0, uv[board] * 1.0])
    d = disparity_of(np.where(np.abs(rays(CAMERA)[..., 0]) < 0.2, 1.0, 5.0))
    source = PointsSource(extrinsics=RigidTransform.identity())
    source.push(S, points)
    said = source.observe(S, CAMERA, d)
    right = np.abs(said.disparity / (0.8 * said.inverse_depth) - 1.0) < 0.01
    assert right.mean() > 0.98
    assert len(said) > count / 2


def test_points_need_extrinsics_and_a_calibrated_camera():
    source = PointsSource(frame_id='lidar')
    source.push(S, np.tile([0.1, 0.1, 1.0], (5, 1)), 'lidar')
    d = disparity_of(scene())
    assert 'no extrinsics' in source.observe(S, CAMERA, d).reason
    source.extrinsics = RigidTransform.identity()
    assert 'no camera_info' in source.observe(S, None, d).reason
    assert isinstance(source.observe(S, CAMERA, d), Observation)


def test_one_beam():
    source = RangeSource((0.4, 0.4, 0.6, 0.6))
    depth = np.full((120, 160), 2.5)
    source.push(S, 2.5)
    fits(source.observe(S, CAMERA, disparity_of(depth)))
    # Along the beam it is farther than along the optical axis.
    aside = RangeSource((0.9, 0.4, 1.0, 0.6))
    aside.push(S, 2.5)
    said = aside.observe(S, CAMERA, disparity_of(depth))
    assert 1.0 / said.inverse_depth[0] < 2.4
    for bad in (np.nan, np.inf, -1.0, 0.0, 1e9):
        source.push(5 * S, bad)
        assert 'range' in source.observe(5 * S, CAMERA, disparity_of(depth)).reason
    hole = disparity_of(depth)
    hole[40:80, 60:100] = np.nan
    assert 'no disparity in the box' in source.observe(S, CAMERA, hole).reason


def test_a_beam_that_hangs_is_named_and_one_at_rest_is_not():
    source, resting = (RangeSource((0.4, 0.4, 0.6, 0.6)) for _ in range(2))
    for i in range(40):
        source.push(i * S, 2.5)
        resting.push(i * S, 2.5)
        said = source.observe(i * S, CAMERA, np.full((120, 160), 0.3 + 0.01 * i, np.float32))
        still = resting.observe(i * S, CAMERA, np.full((120, 160), 0.3, np.float32))
        assert isinstance(still, Observation)
    assert isinstance(said, Silence)
    assert 'constant readings' in said.reason


def test_a_thing_of_known_width():
    source = KnownSizeSource(0.5)
    box = (60 / 160, 0.3, 90 / 160, 0.6)      # 30 pixels: 150 * 0.5 / 30 = 2.5 m
    source.push(S, box)
    fits(source.observe(S, CAMERA, disparity_of(np.full((120, 160), 2.5))))
    source.push(9 * S, (0.6, 0.0, 0.5, 1.0))
    assert 'no box' in source.observe(9 * S, CAMERA, disparity_of(scene())).reason


@pytest.mark.parametrize('make', [
    lambda: DepthImageSource(relative_sigma=0.0),
    lambda: DepthImageSource(min_range=5, max_range=1),
    lambda: PointsSource(bias=-1), lambda: PointsSource(tolerance=-1),
    lambda: RangeSource((0.5, 0, 0.4, 1)), lambda: KnownSizeSource(0.0)])
def test_parameters_are_checked(make):
    with pytest.raises(ValueError, match='must|need'):
        make()

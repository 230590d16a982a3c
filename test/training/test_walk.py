"""The walk closes on itself, runs into nothing, and any frame of it can be had again."""

import numpy as np
import pytest

pytest.importorskip('numba')

from dvd_ros.training.walk import Walk, WalkConfig  # noqa: E402

SMALL = {'frames': 40, 'lap': 16, 'height': 36, 'width': 48, 'seed': 1}


@pytest.fixture(scope='module')
def walk():
    return Walk(WalkConfig(**SMALL))


def test_frames_are_images_with_depth_of_a_furnished_hall(walk):
    frames = list(walk)
    assert len(frames) == 40
    for frame in frames:
        assert frame.image.shape == (36, 48, 3)
        assert frame.image.dtype == np.uint8
        assert frame.depth.shape == (36, 48)
        assert np.isfinite(frame.depth).all()
        assert frame.depth.min() > 0.1
        assert 20 < np.median(frame.image) < 235
    assert np.mean([np.quantile(f.depth, 0.9) / np.quantile(f.depth, 0.1) for f in frames]) > 1.5


def test_any_frame_is_the_same_every_time(walk):
    again = Walk(WalkConfig(**SMALL)).frame(7)
    np.testing.assert_array_equal(walk.frame(7).image, again.image)
    np.testing.assert_array_equal(walk.frame(7).depth, again.depth)


def test_a_walk_without_shaking_hand_closes_on_itself():
    walk = Walk(WalkConfig(**SMALL, shake=0.0))
    np.testing.assert_allclose(walk.path.pose(0), walk.path.pose(16), atol=1e-9)
    np.testing.assert_allclose(walk.path.pose(5), walk.path.pose(37), atol=1e-9)
    np.testing.assert_allclose(walk.frame(3).depth, walk.frame(19).depth, rtol=1e-3)
    # The camera's noise is new each time.
    assert (walk.frame(3).image != walk.frame(19).image).any()


def test_a_hand_shakes_but_keeps_to_the_path(walk):
    still = Walk(WalkConfig(**SMALL, shake=0.0))
    apart = np.array([walk.path.pose(i) - still.path.pose(i) for i in range(0, 200, 3)])
    assert 0.002 < np.abs(apart[:, :, 3]).max() < 0.05
    assert np.abs(apart[:, :, :3]).max() < 0.05


def test_poses_are_rotations_and_move_smoothly():
    path = Walk(WalkConfig(frames=10, lap=1000, height=36, width=48, seed=1)).path
    poses = np.array([path.pose(i) for i in range(0, 1001)])
    for pose in poses[::100]:
        np.testing.assert_allclose(pose[:, :3] @ pose[:, :3].T, np.eye(3), atol=1e-9)
    steps = np.linalg.norm(np.diff(poses[:, :, 3], axis=0), axis=1)
    assert steps.max() < 0.1
    assert 10.0 < steps.sum() < 100.0


@pytest.mark.parametrize('bad', [{'frames': 0}, {'lap': 4}, {'height': 8}, {'rate': 0.0},
                                 {'shake': -1.0}])
def test_a_walk_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError):
        WalkConfig(**bad)

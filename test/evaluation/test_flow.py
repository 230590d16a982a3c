import cv2
import numpy as np
import pytest

from dvd_ros.evaluation.flow import FlowEstimator, warping_error


@pytest.fixture(scope='module')
def scene():
    noise = np.random.default_rng(0).integers(0, 255, (60, 90, 3)).astype(np.uint8)
    return cv2.GaussianBlur(cv2.resize(noise, (360, 240), interpolation=cv2.INTER_CUBIC), (0, 0), 2)


def panned(scene, x):
    return np.ascontiguousarray(scene[20:200, x:x + 260])


def test_what_moves_with_the_image_is_no_change(scene):
    flows = FlowEstimator()
    assert flows.next(panned(scene, 20)) is None
    flow = flows.next(panned(scene, 26))
    slope = np.tile(np.linspace(0.0, 1.0, 360, dtype=np.float32), (240, 1))
    followed = warping_error(flow, panned(slope, 20), panned(slope, 26))
    assert followed < 0.1 * np.abs(panned(slope, 26) - panned(slope, 20)).mean()
    assert warping_error(flow, panned(slope, 20), panned(slope, 26) + 0.1) == pytest.approx(
        0.1, rel=0.05)


def test_what_left_the_picture_and_what_has_no_depth_is_not_compared(scene):
    flows = FlowEstimator()
    flows.next(panned(scene, 20))
    flow = flows.next(panned(scene, 32))
    assert flow.seen[20:-20, 20:-20].mean() > 0.95
    assert flow.seen[:, -6:].mean() < 0.1
    values = np.zeros((180, 260), np.float32)
    values[:, 200:] = np.nan
    assert warping_error(flow, values, values) == 0.0
    assert np.isnan(warping_error(flow, np.full_like(values, np.nan), values))


def test_two_scenes_cannot_be_compared(scene):
    flows = FlowEstimator()
    flows.next(panned(scene, 20))
    flow = flows.next(np.random.default_rng(1).integers(0, 255, (180, 260, 3), np.uint8))
    values = np.zeros((180, 260), np.float32)
    assert np.isnan(warping_error(flow, values, values))


def test_another_size_is_another_clip(scene):
    flows = FlowEstimator()
    flows.next(panned(scene, 20))
    assert flows.next(scene) is None
    flow = flows.next(scene)
    with pytest.raises(ValueError, match='flow is of images'):
        flow.previous(np.zeros((10, 10), np.float32))

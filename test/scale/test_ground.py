import math

import numpy as np
import pytest

from dvd_ros.geometry import Intrinsics, rays
from dvd_ros.scale import GroundSource, MetricScale, Observation, Silence
from dvd_ros.scale.ground import down_vector

CAMERA = Intrinsics(160, 120, 110.0, 110.0, 79.5, 59.5)
HEIGHT = 1.2
S = 1_000_000_000
A, B = 1.6, 0.05


def view(pitch=0.15, roll=0.0, boxes=True, far=12.0):
    """Depth [H,W] over a floor, with a back wall and boxes on the floor."""
    r = rays(CAMERA).astype(np.float64)
    slope = r @ down_vector(pitch, roll)
    depth = np.where(slope > 0.0, HEIGHT / np.maximum(slope, 1e-9), np.inf)
    depth = np.minimum(depth, far)
    if boxes:
        for left, right, z in ((5, 45, 2.0), (100, 140, 3.0)):
            face = np.full_like(depth, np.inf)
            face[30:, left:right] = z
            depth = np.minimum(depth, face)
    return depth


def disparity_of(depth, rng=None):
    d = (1.0 / depth - B) / A
    if rng is not None:
        d = d + 0.01 * rng.normal(size=d.shape)
    return d.astype(np.float32)


@pytest.mark.parametrize(('pitch', 'roll'), [(0.15, 0.0), (0.5, 0.0), (0.2, 0.25), (0.2, -0.25),
                                             (0.0, 0.0)])
def test_a_floor_with_boxes_on_it_and_a_tilted_camera(pitch, roll):
    source = GroundSource(HEIGHT, pitch, roll)
    said = source.observe(S, CAMERA, disparity_of(view(pitch, roll), np.random.default_rng(0)))
    assert isinstance(said, Observation), said
    scale = MetricScale()
    assert scale.observe(said.disparity, said.inverse_depth, said.sigma).used
    assert scale.a == pytest.approx(A, rel=0.1)
    assert scale.b == pytest.approx(B, abs=0.04)
    assert said.bias > 0.03


def test_down_is_where_the_camera_says():
    np.testing.assert_allclose(down_vector(0.0, 0.0), [0, 1, 0])
    assert down_vector(0.3, 0.0)[2] == pytest.approx(math.sin(0.3))     # looks down: forth is down
    assert down_vector(0.0, 0.3)[0] == pytest.approx(math.sin(0.3))     # leans right: right is down
    with pytest.raises(ValueError, match='finite'):
        down_vector(math.nan, 0.0)


def test_tilt_is_live():
    d = disparity_of(view(0.5, 0.2))
    source = GroundSource(HEIGHT)
    source.set_orientation(0.5, 0.2)
    said = source.observe(S, CAMERA, d)
    assert isinstance(said, Observation)
    gravity = GroundSource(HEIGHT)
    for i in range(50):
        gravity.push_gravity(i * S // 50, 9.81 * down_vector(0.5, 0.2))
    again = gravity.observe(S, CAMERA, d)
    assert isinstance(again, Observation)
    np.testing.assert_allclose(np.median(again.inverse_depth), np.median(said.inverse_depth),
                               rtol=1e-3)
    stale = gravity.observe(9 * S, CAMERA, d)
    assert 'gravity: stale' in stale.reason
    gravity.push_gravity(9 * S, np.full(3, np.nan))
    assert 'gravity' in gravity.observe(9 * S, CAMERA, d).reason


@pytest.mark.parametrize('d', [
    np.full((120, 160), 0.5), np.full((120, 160), np.nan), np.zeros((120, 160)),
    np.full((120, 160), np.inf), np.full((120, 160), 1e38),
    np.tile(np.linspace(1.0, 0.2, 120)[:, None], (1, 160)),        # nearer above than below
    np.random.default_rng(0).uniform(0.0, 1.0, (120, 160))])
def test_no_floor_in_view(d):
    said = GroundSource(HEIGHT, 0.15).observe(S, CAMERA, d.astype(np.float32))
    assert isinstance(said, Silence)
    assert 'no floor in view' in said.reason


def test_nothing_is_farther_than_the_horizon():
    """A plane that would put the upper half of the image behind infinity is no floor."""
    d = disparity_of(view(0.3, boxes=False))
    said = GroundSource(HEIGHT, 0.3).observe(S, CAMERA, d)
    assert isinstance(said, Observation)
    below = rays(CAMERA)[..., 1] * math.cos(0.3) + math.sin(0.3) > 0.1
    raised = np.where(below, d + 0.15, 0.02).astype(np.float32)
    said = GroundSource(HEIGHT, 0.3).observe(S, CAMERA, raised)
    assert isinstance(said, Silence)
    assert 'beyond its horizon' in said.reason


def test_a_camera_that_looks_up_sees_no_floor():
    said = GroundSource(HEIGHT, -1.0).observe(S, CAMERA, disparity_of(view()))
    assert 'above the horizon' in said.reason


def test_needs_a_calibrated_camera_and_a_height():
    assert 'camera_info' in GroundSource(HEIGHT).observe(S, None, disparity_of(view())).reason
    with pytest.raises(ValueError, match='height'):
        GroundSource(0.0)

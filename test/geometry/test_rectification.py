"""Rectified images: a straight edge of the world becomes straight, where the pinhole has it."""

import cv2
import numpy as np
import pytest

from dvd_ros.geometry import Intrinsics, Rectification

SIZE = (160, 120)
SEEN = Intrinsics(*SIZE, 100.0, 102.0, 78.0, 61.0)
WANTED = Intrinsics(*SIZE, 90.0, 90.0, 80.0, 60.0)
MODELS = {
    'plumb_bob': [-0.25, 0.08, 0.002, -0.001, 0.0],
    'rational_polynomial': [0.4, -0.1, 0.001, 0.002, 0.02, 0.6, -0.05, 0.01],
    'equidistant': [-0.02, 0.01, -0.003, 0.001],
}


def distorted(directions, model, d):
    """Pixels [N,2] of the distorted image where directions [N,3] are seen."""
    if model == 'equidistant':
        return cv2.fisheye.projectPoints(directions[None], np.zeros(3), np.zeros(3), SEEN.matrix,
                                         np.array(d))[0][0]
    return cv2.projectPoints(directions, np.zeros(3), np.zeros(3), SEEN.matrix,
                             np.array(d))[0][:, 0]


@pytest.mark.parametrize('model', MODELS)
def test_a_point_is_seen_where_the_pinhole_camera_sees_it(model):
    """The image's colours are its own pixel coordinates: they tell where each pixel came from."""
    d = MODELS[model]
    u, v = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    image = np.stack([u, v, 0 * u], -1).astype(np.uint8)
    got = Rectification(SEEN, WANTED, model, d).apply(image)
    pixels = np.array([[40, 30], [80, 60], [120, 90], [60, 95]])
    directions = np.c_[(pixels - [WANTED.cx, WANTED.cy]) / [WANTED.fx, WANTED.fy], np.ones(4)]
    expected = distorted(directions, model, d)
    found = np.array([got[y, x, :2] for x, y in pixels])
    assert np.abs(found - expected).max() <= 1.0
    assert np.abs(expected - pixels).max() > 2.0  # the lens did something


def test_without_distortion_nothing_changes():
    image = np.random.default_rng(0).integers(0, 256, (*SIZE[::-1], 3), dtype=np.uint8)
    assert np.array_equal(Rectification(SEEN, SEEN, 'plumb_bob', [0.0] * 5).apply(image), image)


@pytest.mark.parametrize(('changed', 'told'), [
    ({'model': 'thin_prism'}, "'thin_prism' is not known"),
    ({'coefficients': [0.1, 0.2]}, 'plumb_bob needs 4 or 5 finite coefficients'),
    ({'coefficients': [np.nan] * 5}, 'finite coefficients'),
    ({'wanted': Intrinsics(80, 60, 50, 50, 40, 30)}, 'one size'),
    ({'rotation': np.zeros((3, 3))}, 'a rotation'),
])
def test_what_cannot_be_is_named(changed, told):
    arguments = {'seen': SEEN, 'wanted': WANTED, 'model': 'plumb_bob',
                 'coefficients': MODELS['plumb_bob']} | changed
    with pytest.raises(ValueError, match=told):
        Rectification(**arguments)


def test_an_image_of_another_size_is_refused():
    rectification = Rectification(SEEN, WANTED, 'plumb_bob', [0.1, 0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match='the image is 8x6'):
        rectification.apply(np.zeros((6, 8, 3), np.uint8))

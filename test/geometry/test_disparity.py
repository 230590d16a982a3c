import numpy as np
import pytest

from dvd_ros.geometry import depth_from_disparity, disparity_from_depth


def test_the_two_depths_fix_the_line():
    depth = depth_from_disparity(np.array([1.0, 0.0, 0.5]), near=0.5, far=10.0)
    np.testing.assert_allclose(depth, [0.5, 10.0, 1.0 / (0.5 * (2.0 + 0.1))], rtol=1e-6)
    assert depth.dtype == np.float32


def test_there_and_back():
    depth = np.geomspace(0.3, 9.99, 200, dtype=np.float32).reshape(10, 20)
    disparity = disparity_from_depth(depth, 0.5, 10.0)
    np.testing.assert_allclose(depth_from_disparity(disparity, 0.5, 10.0), depth, rtol=1e-5)


def test_depth_stays_positive_finite_and_within_far():
    disparity = np.array([-5.0, -1e-6, 0.0, 1.2, 100.0, 3e38], np.float32)
    depth = depth_from_disparity(disparity, 0.5, 10.0)
    assert (depth[:3] == 10.0).all()
    assert ((depth >= 0.5e-3) & (depth <= 10.0)).all()
    assert depth[3] < 0.5


def test_no_disparity_is_no_depth():
    assert np.isnan(depth_from_disparity(np.array([np.nan, np.inf, -np.inf]), 0.5, 10.0)).all()
    disparity = disparity_from_depth(np.array([np.nan, 0.0, -1.0, np.inf]), 0.5, 10.0)
    assert np.isnan(disparity[:3]).all()
    assert disparity[3] == 0.0


@pytest.mark.parametrize(('near', 'far'), [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (-1.0, 1.0)])
def test_range_must_be_one(near, far):
    with pytest.raises(ValueError, match='near'):
        depth_from_disparity(np.zeros(3), near, far)

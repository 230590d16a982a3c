import numpy as np

from dvd_ros.scale import NominalScale


def test_nominal_metres_say_that_they_are_nominal():
    scale = NominalScale(near=0.4, far=8.0)
    np.testing.assert_allclose(scale.depth(np.array([[1.0, 0.0]])), [[0.4, 8.0]], rtol=1e-6)
    assert not scale.metric

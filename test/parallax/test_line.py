"""Lines from the network's inverse depth to the scene's."""

import numpy as np
import pytest

from dvd_ros.parallax.landmarks import Known
from dvd_ros.parallax.line import believed_line, symmetric_line


def measured(rng, count=300, error=0.1):
    scene = rng.uniform(0.2, 1.0, count)
    network = (scene - 0.1) / 0.5
    network = network * (1 + error * rng.normal(size=count))
    found = scene * (1 + 0.02 * rng.normal(size=count))
    return network, found, (0.02 * scene) ** -2.0


def test_slope_and_shift_are_found_among_false_points():
    rng = np.random.default_rng(0)
    network, found, information = measured(rng)
    found[::5] *= rng.uniform(2, 4, len(found[::5]))
    slope, shift = believed_line(network, found, information, (1.0, 0.0))
    assert slope == pytest.approx(0.5, abs=0.06)
    assert shift == pytest.approx(0.1, abs=0.05)
    line = symmetric_line(Known(np.arange(len(found)), found, information, network))
    assert line is not None
    assert line[:2] == pytest.approx((0.5, 0.1), abs=0.06)
    assert line[2] > 0.9


def test_of_what_is_not_sure_nothing_is_learned():
    rng = np.random.default_rng(1)
    network, found, _ = measured(rng)
    line = believed_line(network, found, np.full(len(found), 1e-4), (1.0, 0.0))
    assert line == pytest.approx((1.0, 0.0), abs=0.05)


def test_errors_of_the_network_make_the_believed_slope_small_and_not_the_symmetric_one():
    rng = np.random.default_rng(2)
    network, found, information = measured(rng, 3000)
    noisy = network + 0.25 * rng.normal(size=len(network))
    believed = believed_line(noisy, found, information, (0.5, 0.1))
    line = symmetric_line(Known(np.arange(len(found)), found, information, noisy))
    assert believed[0] < 0.42
    assert line is not None
    assert believed[0] < line[0]


def test_few_points_make_no_line():
    few = Known(np.arange(5), np.ones(5), np.ones(5), np.ones(5))
    assert symmetric_line(few) is None
    same = Known(np.arange(50), np.ones(50), np.ones(50), np.ones(50))
    assert symmetric_line(same) is None

import numpy as np
import pytest

from dvd_ros.parallax.evidence import Told
from dvd_ros.stream.confidence import confidence, features
from dvd_ros.stream.sampling import sample


def slope(height=36, width=48):
    return np.repeat(np.linspace(0.05, 0.9, height, dtype=np.float32)[:, None], width, axis=1)


def test_disagreement_costs_confidence_where_it_is():
    apart = np.full((36, 48), 0.005, np.float32)
    apart[:, 24:] = 0.1
    likely = confidence(slope(), apart, (36, 48))
    assert (likely[:, 40] < likely[:, 8]).all()


def told(spread: float, wrong: float) -> Told:
    """Much was told, that differs by so much from place to place, and so much from the network."""
    wild = np.random.default_rng(0).normal(wrong, spread, (36, 48))
    return Told(wild.astype(np.float32), np.full((36, 48), 10, np.float32))


def test_what_parallax_told_counts_and_more_so_where_it_agrees():
    without, agrees, differs, errs = (
        confidence(slope(), None, (36, 48), one).mean()
        for one in (None, told(0.1, 0.4), told(2, 0.4), told(0.1, 3)))
    assert agrees > without > differs
    assert agrees > errs


def test_what_is_far_is_less_sure():
    likely = confidence(slope(), None, (36, 48))
    assert likely[2].mean() < likely[18].mean()


def test_it_has_the_size_of_the_image_and_is_a_probability():
    likely = confidence(slope(), None, (480, 640))
    assert likely.shape == (480, 640)
    assert likely.dtype == np.float32
    assert 0.0 < likely.min() < likely.max() < 1.0


@pytest.mark.parametrize('value', [np.nan, np.inf, 1e30, 0.0])
def test_no_disparity_makes_it_more_than_a_number(value):
    wild = slope()
    wild[5:9, 5:9] = value
    assert np.isfinite(confidence(wild, np.full_like(wild, value), (36, 48))).all()
    assert np.isfinite(features(wild, None)).all()


@pytest.mark.parametrize('size', [(480, 640), (144, 192), (720, 1280), (6, 8), (1, 5000)])
def test_the_grid_has_about_two_thousand_pixels_of_any_image(size):
    grid = sample(np.zeros((3, *size)))
    assert grid.shape[0] == 3
    assert min(grid[0].size, 2 * 2048) == grid[0].size
    assert grid[0].size >= min(size[0] * size[1], 500)

"""Matches between two views, and what they claim to know."""

import cv2
import numpy as np
import pytest
from moving_camera import view

from dvd_ros.parallax.matches import Matches, quadratic
from dvd_ros.parallax.view import NOISE_SLOPE, View


def grey(position, contrast=1.0):
    return View(cv2.cvtColor(view(position, contrast=contrast)[0], cv2.COLOR_RGB2GRAY))


def shifted(pixels: int, noise: float = 0.0, contrast: float = 1.0) -> tuple[View, View]:
    rng = np.random.default_rng(0)
    wide = cv2.GaussianBlur(rng.normal(0, 60 * contrast, (144, 220)), (0, 0), 2) * 3 + 128

    def part(first: int) -> View:
        noisy = wide[:, first:first + 192] + rng.normal(0, noise, (144, 192))
        return View(np.clip(noisy, 0, 255).astype(np.uint8))
    return part(10), part(10 + pixels)


def test_a_shift_is_found_as_well_as_it_is_claimed():
    one, other = shifted(5, noise=3.0)
    matches = Matches(one, other)
    here = np.stack(np.meshgrid(np.arange(192.0), np.arange(144.0)), -1)
    error = (matches.target - here - (-5, 0))[20:-20, 20:-20]
    information = matches.information[20:-20, 20:-20]
    assert np.median(np.hypot(*error.T)) < 0.3
    # A chi square of two degrees of freedom has median 1.39; to claim too little is no lie.
    assert np.median(quadratic(information, error)) < 2


def test_what_leads_out_of_the_image_tells_nothing():
    matches = Matches(*shifted(12))
    assert matches.information[:, :8].max() == 0


def test_noise_on_a_bare_wall_tells_next_to_nothing():
    bare = Matches(*shifted(3, noise=4.0, contrast=0.0)).information
    plain = Matches(*shifted(3, noise=4.0)).information
    assert np.median(bare[..., 0]) < 0.03 * np.median(plain[..., 0])


def test_a_rival_that_explains_the_image_as_well_takes_the_information():
    one, other = shifted(5)
    matches = Matches(one, other)
    centre = np.s_[30:-30, 30:-30]
    assert matches.against(matches.target)[centre].min() == 1
    assert np.median(matches.against(matches.target + np.float32(4))[centre]) > 0.9
    wrong = Matches(one, other)
    wrong.target = matches.target + np.float32(4)
    wrong._unlike = cv2.GaussianBlur(wrong._difference(wrong.target)[0], (0, 0), 2.5)
    assert np.median(wrong.against(matches.target)[centre]) == 0


def test_a_view_knows_its_noise():
    one, _ = shifted(0, noise=6.0)
    assert 4.5 < one.noise < 7.5
    assert grey((0, 0, 0)).noise < 1.5


def test_slopes_that_noise_alone_gives_are_as_large_as_is_said():
    noise = View(np.clip(np.random.default_rng(5).normal(128, 10, (400, 400)), 0, 255)
                 .astype(np.uint8))
    for slope in noise.slopes:
        assert (slope ** 2).mean() / 100 == pytest.approx(NOISE_SLOPE, rel=0.05)

"""Disparity that a moving camera corrects, and where it must leave it alone."""

import numpy as np
import pytest
from moving_camera import INTRINSICS, view

from dvd_ros.evaluation.align import evaluate_disparity
from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.parallax import ParallaxRefiner

ASIDE = [(0.06 * i, 0.0, 0.0) for i in range(16)]
AHEAD = [(0.01 * i, 0.0, 0.08 * i) for i in range(16)]


def guessed(depth: np.ndarray, shift: float = 0.2) -> np.ndarray:
    """Disparity as of a network that takes the left for nearer than it is."""
    wrong = np.linspace(1.3, 0.8, depth.shape[1], dtype=np.float32)
    return (0.6 * wrong / depth + shift).astype(np.float32)


def played(positions, turns=None, contrast=1.0):
    """Errors of the last frame as guessed and as corrected, and both disparities."""
    refiner = ParallaxRefiner()
    for i, position in enumerate(positions):
        image, depth = view(position, turns[i] if turns else 0.0, contrast)
        before = guessed(depth)
        after = refiner.refine(image, INTRINSICS, before)
    errors = [evaluate_disparity(one[None], depth[None])['abs_rel'] for one in (before, after)]
    return *errors, before, after


@pytest.mark.parametrize('positions', [ASIDE, AHEAD], ids=['aside', 'ahead'])
def test_a_camera_that_moves_corrects_disparity(positions):
    before, after, _, disparity = played(positions)
    assert before > 0.09
    assert after < 0.6 * before
    assert disparity.dtype == np.float32
    assert disparity.min() >= 0


@pytest.mark.parametrize('turns', [[0.0] * 16, [0.01 * i for i in range(16)]],
                         ids=['stands', 'turns'])
def test_a_camera_that_does_not_move_changes_next_to_nothing(turns):
    before, after, guess, disparity = played([(0.0, 0.0, 0.0)] * 16, turns)
    assert after < before + 0.01
    assert np.abs(disparity - guess).max() < 0.1 * np.ptp(guess)


def test_where_nothing_can_be_found_again_disparity_stays_as_it_is():
    _, _, guess, disparity = played(ASIDE, contrast=0.0)
    np.testing.assert_array_equal(disparity, guess)


def test_the_first_frame_stays_and_no_array_is_written_to():
    refiner = ParallaxRefiner()
    for position in ASIDE[:4]:
        image, depth = view(position)
        guess = guessed(depth)
        kept = image.copy(), guess.copy()
        refined = refiner.refine(image, INTRINSICS, guess)
        if position == ASIDE[0]:
            np.testing.assert_array_equal(refined, guess)
        np.testing.assert_array_equal(image, kept[0])
        np.testing.assert_array_equal(guess, kept[1])


def test_unknown_pixels_stay_unknown_and_spoil_no_other():
    refiner = ParallaxRefiner()
    for position in ASIDE:
        image, depth = view(position)
        guess = guessed(depth)
        guess[:20, :30] = np.nan
        refined = refiner.refine(image, INTRINSICS, guess)
    np.testing.assert_array_equal(np.isnan(refined), np.isnan(guess))


def test_reset_and_another_camera_begin_anew():
    refiner, fresh = ParallaxRefiner(), ParallaxRefiner()
    for position in ASIDE[:8]:
        image, depth = view(position)
        refiner.refine(image, INTRINSICS, guessed(depth))
    refiner.reset()
    for position in AHEAD[:6]:
        image, depth = view(position)
        guess = guessed(depth)
        np.testing.assert_array_equal(refiner.refine(image, INTRINSICS, guess),
                                      fresh.refine(image, INTRINSICS, guess))
    narrow = Intrinsics(192, 144, 300.0, 300.0, 95.5, 71.5)
    np.testing.assert_array_equal(refiner.refine(image, narrow, guess), guess)


def test_a_camera_that_was_lost_is_found_again():
    """Somewhere else at once, as after a hand before the lens: no frame gets worse by it."""
    refiner = ParallaxRefiner()
    places = [*ASIDE[:8], *((3.0 + 0.06 * i, 0.3, 1.0) for i in range(12))]
    for i, position in enumerate(places):
        image, depth = view(position)
        guess = guessed(depth)
        refined = refiner.refine(image, INTRINSICS, guess)
        before, after = (evaluate_disparity(one[None], depth[None])['abs_rel']
                         for one in (guess, refined))
        assert after < before + 0.03, f'frame {i}'
    assert after < 0.7 * before


def test_an_image_of_any_shape_is_taken():
    for height, width in ((60, 80), (375, 1242), (1080, 1920)):
        intrinsics = Intrinsics(width, height, 0.8 * width, 0.8 * width, width / 2, height / 2)
        refiner = ParallaxRefiner()
        rng = np.random.default_rng(0)
        for _ in range(3):
            image = rng.integers(0, 255, (height, width, 3), np.uint8)
            disparity = rng.random((height, width), np.float32)
            assert refiner.refine(image, intrinsics, disparity).shape == (height, width)


def test_a_frame_without_any_disparity_is_no_error():
    refiner = ParallaxRefiner()
    for position in ASIDE[:4]:
        image, _ = view(position)
        empty = np.full(image.shape[:2], np.nan, np.float32)
        assert np.isnan(refiner.refine(image, INTRINSICS, empty)).all()
        flat = np.zeros(image.shape[:2], np.float32)
        assert np.isfinite(refiner.refine(image, INTRINSICS, flat)).all()

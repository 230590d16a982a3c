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


def error(disparity: np.ndarray, depth: np.ndarray) -> float:
    return evaluate_disparity(disparity[None], depth[None])['abs_rel']


def played(positions, turns=None, contrast=1.0, together=1, guessed=guessed):
    """True depth, disparity as guessed and as corrected, of each frame."""
    refiner = ParallaxRefiner()
    views = [view(position, turns[i] if turns else 0.0, contrast)
             for i, position in enumerate(positions)]
    before = [guessed(depth) for _, depth in views]
    after = []
    for first in range(0, len(views), together):
        part = slice(first, first + together)
        after += [one.disparity for one in refiner.refine(
            [image for image, _ in views[part]], INTRINSICS, before[part])]
    return [depth for _, depth in views], before, after


@pytest.mark.parametrize(('positions', 'least'), [(ASIDE, 0.25), (AHEAD, 0.85)],
                         ids=['aside', 'ahead'])
@pytest.mark.parametrize('together', [1, 4])
def test_a_camera_that_moves_corrects_disparity(positions, least, together):
    depth, before, after = played(positions, together=together)
    assert error(before[-1], depth[-1]) > 0.09
    assert error(after[-1], depth[-1]) < least * error(before[-1], depth[-1])
    assert after[-1].dtype == np.float32
    assert after[-1].min() >= 0


def test_frames_that_come_together_are_corrected_from_the_first_on():
    depth, before, after = played(ASIDE, together=len(ASIDE))
    for i in (0, 1, 5):
        assert error(after[i], depth[i]) < 0.6 * error(before[i], depth[i]), f'frame {i}'


def test_a_network_that_sees_nothing_of_the_scene_is_corrected():
    """It takes all for a slanted wall."""
    depth, before, after = played(ASIDE, guessed=lambda depth: np.tile(
        np.linspace(0.5, 0.4, depth.shape[1], dtype=np.float32), (len(depth), 1)))
    assert error(after[-1], depth[-1]) < 0.5 * error(before[-1], depth[-1])


def test_what_parallax_told_is_handed_out_where_it_is_believed():
    refiner = ParallaxRefiner()
    first, *_, last = (
        refiner.refine([view(position)[0]], INTRINSICS, [guessed(view(position)[1])])[0].told
        for position in ASIDE)
    assert first is None
    assert np.median(last.sure) > 1


def test_the_scale_no_longer_changes_with_the_network():
    """A network whose scale jumps from window to window; one fit for all frames."""
    refiner, depths, guesses, refined = ParallaxRefiner(), [], [], []
    for first in range(0, 16, 4):
        views = [view(position) for position in ASIDE[first:first + 4]]
        jump = np.float32(1.3 if first % 8 else 1.0)
        guess = [guessed(depth, 0.05) * jump for _, depth in views]
        refined += [one.disparity for one in refiner.refine(
            [image for image, _ in views], INTRINSICS, guess)]
        guesses += guess
        depths += [depth for _, depth in views]
    before, after = (evaluate_disparity(np.stack(one)[4:], np.stack(depths)[4:])['abs_rel']
                     for one in (guesses, refined))
    assert after < 0.6 * before


@pytest.mark.parametrize('turns', [[0.0] * 16, [0.01 * i for i in range(16)]],
                         ids=['stands', 'turns'])
def test_a_camera_that_does_not_move_changes_next_to_nothing(turns):
    depth, before, after = played([(0.0, 0.0, 0.0)] * 16, turns)
    assert error(after[-1], depth[-1]) < error(before[-1], depth[-1]) + 0.01
    assert np.abs(after[-1] - before[-1]).max() < 0.1 * np.ptp(before[-1])


def test_where_nothing_can_be_found_again_disparity_stays_as_it_is():
    _, before, after = played(ASIDE, contrast=0.0)
    np.testing.assert_array_equal(after[-1], before[-1])


def test_the_first_frame_alone_stays_and_no_array_is_written_to():
    refiner = ParallaxRefiner()
    for position in ASIDE[:4]:
        image, depth = view(position)
        guess = guessed(depth)
        kept = image.copy(), guess.copy()
        refined = refiner.refine([image], INTRINSICS, [guess])[0].disparity
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
        refined = refiner.refine([image], INTRINSICS, [guess])[0].disparity
    np.testing.assert_array_equal(np.isnan(refined), np.isnan(guess))
    assert np.nanmax(np.abs(refined - guess)) > 0.01


def test_reset_and_another_camera_begin_anew():
    refiner, fresh = ParallaxRefiner(), ParallaxRefiner()
    for position in ASIDE[:8]:
        image, depth = view(position)
        refiner.refine([image], INTRINSICS, [guessed(depth)])
    refiner.reset()
    for position in AHEAD[:6]:
        image, depth = view(position)
        guess = guessed(depth)
        np.testing.assert_array_equal(refiner.refine([image], INTRINSICS, [guess])[0].disparity,
                                      fresh.refine([image], INTRINSICS, [guess])[0].disparity)
    narrow = Intrinsics(192, 144, 300.0, 300.0, 95.5, 71.5)
    np.testing.assert_array_equal(refiner.refine([image], narrow, [guess])[0].disparity, guess)


@pytest.mark.parametrize('together', [1, 5])
def test_a_camera_that_was_lost_is_found_again(together):
    """Somewhere else at once, as after a hand before the lens: no frame gets worse by it."""
    places = [*ASIDE[:8], *((3.0 + 0.06 * i, 0.3, 1.0) for i in range(17))]
    depth, before, after = played(places, together=together)
    for i, truth in enumerate(depth):
        assert error(after[i], truth) < error(before[i], truth) + 0.03, f'frame {i}'
    assert error(after[-1], depth[-1]) < 0.7 * error(before[-1], depth[-1])


def test_an_image_of_any_shape_is_taken():
    for height, width in ((60, 80), (375, 1242), (1080, 1920)):
        intrinsics = Intrinsics(width, height, 0.8 * width, 0.8 * width, width / 2, height / 2)
        refiner = ParallaxRefiner()
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 255, (height, width, 3), np.uint8) for _ in range(3)]
        disparity = [rng.random((height, width), np.float32) for _ in range(3)]
        for one in refiner.refine(images, intrinsics, disparity):
            assert one.disparity.shape == (height, width)


def test_a_frame_without_any_disparity_is_no_error():
    refiner = ParallaxRefiner()
    for position in ASIDE[:4]:
        image, _ = view(position)
        empty = np.full(image.shape[:2], np.nan, np.float32)
        assert np.isnan(refiner.refine([image], INTRINSICS, [empty])[0].disparity).all()
        flat = np.zeros(image.shape[:2], np.float32)
        assert np.isfinite(refiner.refine([image], INTRINSICS, [flat])[0].disparity).all()


def test_no_frame_is_no_error():
    assert ParallaxRefiner().refine([], INTRINSICS, []) == []

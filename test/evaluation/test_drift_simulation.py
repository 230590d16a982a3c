"""The simulated windows are what their case says; scores find a drift that is known."""

from dataclasses import replace

import numpy as np
import pytest

from dvd_ros.evaluation.chain_rules import RULES_AND_NONE, LeastSquareChain, new_chain
from dvd_ros.evaluation.drift_score import Track, figures, published_line, track_streams
from dvd_ros.evaluation.drift_simulation import CASES, CENTRE, SPREAD, DriftCase, Shape, simulate

SMALL = Shape(height=12, width=16)
BARE = DriftCase(noise=0.0, scale_sd=0.0, shift_sd=0.0)


def raws(case, windows=60, seed=1, shape=SMALL):
    return np.stack([window.raw for window in simulate(case, windows, seed, shape)])


def test_a_seed_is_always_the_same_and_another_one_is_not():
    np.testing.assert_array_equal(raws(CASES['outliers'], 5), raws(CASES['outliers'], 5))
    assert np.abs(raws(CASES['clean'], 5) - raws(CASES['clean'], 5, seed=2)).mean() > 0.05


def test_without_noise_and_scales_windows_agree_on_the_frames_that_they_share():
    windows = raws(BARE)
    np.testing.assert_allclose(windows[1:, :5], windows[:-1, -5:], atol=1e-6)
    assert np.abs(np.diff(windows.reshape(-1, 12, 16)[:13], axis=0)).max() < 0.1


def test_content_stays_in_range_and_has_the_spread_that_noise_is_measured_by():
    windows = raws(BARE, 200, shape=Shape())
    assert windows.min() >= 0.0
    assert windows.max() <= 1.0
    assert windows.std(axis=(2, 3)).mean() == pytest.approx(SPREAD, rel=0.12)


def test_each_window_has_its_own_scale_and_shift():
    windows = list(simulate(DriftCase(noise=0.0), 400, 3, SMALL))
    gain = np.array([window.gain[0] for window in windows])
    level = np.array([window.level[0] for window in windows])
    assert gain.std() == pytest.approx(0.05, rel=0.15)
    assert level.std() == pytest.approx(0.02, rel=0.15)
    assert gain.mean() == pytest.approx(1.0, abs=0.01)
    for window, plain in zip(windows[:3], simulate(BARE, 3, 3, SMALL), strict=True):
        np.testing.assert_allclose(window.raw, plain.raw * window.gain[0] + window.level[0],
                                   atol=1e-5)


def noise(case, windows=300):
    return raws(case, windows) - raws(replace(case, noise=0.0), windows)


def test_noise_has_its_size_and_half_of_it_is_shared_by_a_window():
    values = noise(replace(BARE, noise=0.02))
    assert values.std() == pytest.approx(0.02, rel=0.05)
    assert np.square(values.mean(axis=1)).mean() == pytest.approx(
        0.02 ** 2 * (0.5 + 0.5 / 13), rel=0.1)
    # It is smooth: neighbours are much alike.
    assert np.square(np.diff(values, axis=3)).mean() < 0.1 * 2 * values.var()


@pytest.mark.parametrize(('when', 'louder', 'plain'), [
    ('alternate', np.s_[1::2], np.s_[0::2]), ('early', np.s_[:, 0], np.s_[:, -1])])
def test_unequal_noise_is_twice_as_large_where_it_should_be(when, louder, plain):
    values = noise(replace(BARE, noise=0.02, noisier_at=when))
    assert values[louder].std() == pytest.approx(2 * values[plain].std(), rel=0.1)


def test_a_tenth_of_the_image_is_outliers():
    apart = raws(replace(BARE, outliers=0.1), 40, shape=Shape()) - raws(BARE, 40, shape=Shape())
    assert (np.abs(apart) > 1e-6).mean() == pytest.approx(0.1, abs=0.01)
    biased = raws(replace(BARE, outliers=0.1, outlier_bias=0.2), 40) - raws(BARE, 40)
    assert biased[:, 5:].max() == 0.0
    np.testing.assert_allclose(biased[biased > 1e-6], 0.2, atol=1e-5)


def test_a_scene_ends_where_it_should_and_the_overlap_with_it():
    windows = list(simulate(replace(BARE, cut_every=50), 101, 0, SMALL))
    assert [i for i, window in enumerate(windows) if window.cut] == [50, 100]
    shared = [np.corrcoef(a.raw[-5:].ravel(), b.raw[:5].ravel())[0, 1]
              for a, b in zip(windows[:-1], windows[1:], strict=True)]
    assert shared[48] > 0.999
    assert abs(shared[49]) < 0.7


def test_following_content_every_window_fills_the_same_range():
    windows = list(simulate(replace(CASES['follows content'], noise=0.0), 200, 0, SMALL))
    np.testing.assert_allclose([np.ptp(window.raw) for window in windows], 0.96, atol=1e-3)
    assert np.std([window.gain[0] for window in windows]) > 0.1


def test_gain_and_level_by_place():
    window = next(simulate(replace(BARE, place_gain=-0.1, place_level=0.02), 1, 0, SMALL))
    assert window.gain[-1] - window.gain[0] == pytest.approx(-0.1)
    at_centre = window.gain * CENTRE + window.level
    assert at_centre[-1] - at_centre[0] == pytest.approx(0.02)


def test_a_line_is_read_off_what_was_published():
    chain, rng = LeastSquareChain(), np.random.default_rng(0)
    first = rng.random((13, 6, 8), np.float32)
    second = np.concatenate([first[-5:] * 0.5 - 0.1, rng.random((8, 6, 8), np.float32)])
    chain.align(first, 13)
    scale, shift = published_line(chain.align(second, 8), second)
    np.testing.assert_allclose(scale, 2.0, rtol=1e-3)
    np.testing.assert_allclose(shift, 0.2, atol=1e-3)


def test_every_rule_is_exact_without_noise():
    for track in track_streams(BARE, 30, [0, 1], SMALL).values():
        np.testing.assert_allclose(track.gain, 1.0, atol=1e-3)
        np.testing.assert_allclose(track.offset, 0.0, atol=1e-3)
        assert np.nanmax(track.seam) < 1e-3
        assert np.isnan(track.seam[:, -1]).all()


def test_least_squares_loses_its_scale_by_the_correlation_of_the_overlap():
    # Half of the noise is shared by a window's frames: in all, the overlap's is of variance eps^2.
    track = track_streams(replace(BARE, noise=0.05), 40, range(3), SMALL)['least squares']
    expected = (1.0 + 0.05 ** 2 / SPREAD ** 2) ** -39
    assert figures(track, 40).gain < 0.4
    assert np.exp(track.log_gain[:, -1].mean()) == pytest.approx(expected, rel=0.5)


def test_figures_are_of_the_last_windows_and_survive_a_scale_that_is_gone():
    gain = np.full((2, 100), 0.5)
    gain[:, -20:] = [[2.0], [8.0]]
    nothing = np.zeros((2, 100))
    row = figures(Track(gain, nothing + 0.1, nothing, nothing > 1, nothing > 1), 100)
    assert row.gain == pytest.approx(4.0)
    assert row.gain_sd == pytest.approx(np.log(2.0))
    assert (row.offset, row.offset_sd) == pytest.approx((0.1, 0.0))
    gone = figures(Track(-gain, nothing, nothing, nothing > 1, nothing > 1), 100)
    assert 0.0 < gone.gain < 1e-9


def test_each_rule_has_a_chain_of_its_own():
    for rule in RULES_AND_NONE.values():
        assert new_chain(rule) is not new_chain(rule)

"""Drift over laps: what was put in comes out, whatever the model makes of the content."""

import numpy as np
import pytest

from dvd_ros.evaluation.chain_rules import RULES
from dvd_ros.evaluation.drift_plot import Panel, draw
from dvd_ros.evaluation.lap_drift import (
    LapTrack,
    WalkWindow,
    drift_figures,
    lap_drift,
    robust_line,
)

LAP, STRIDE, SIZE = 40, 8, (30, 40)


def walked(frames, gain=lambda frame: 1.0, noise=0.0):
    """Windows of a model whose view of the truth depends on the place, and drifts by `gain`."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:SIZE[0] * 1j, -1:1:SIZE[1] * 1j]
    angle = 2 * np.pi * np.arange(frames) / LAP
    truth = 0.5 + 0.2 * np.stack([np.cos(a) * x + np.sin(a) * y for a in angle])
    truth = truth.astype(np.float32)
    for index, start in enumerate(range(0, frames - 12, STRIDE)):
        new = STRIDE if index else 13
        raw = (0.7 + 0.1 * np.sin(angle[start])) * gain(start) * truth[start:start + 13] + 0.1
        raw += noise * rng.standard_normal(raw.shape).astype(np.float32)
        yield WalkWindow(raw, new, truth[start + 13 - new:start + 13], start + 13 - new)


def test_a_line_is_found_among_outliers():
    rng = np.random.default_rng(0)
    x = rng.random(2000)
    y = 2 * x + 1 + 0.01 * rng.standard_normal(2000)
    y[:300] += 3.0
    assert robust_line(x, y) == pytest.approx((2.0, 1.0), abs=0.01)
    assert robust_line(x, 3 * x) == pytest.approx((3.0, 0.0), abs=1e-6)


def test_without_drift_every_rule_holds_over_the_laps():
    drift = lap_drift(walked(13 + 3 * LAP), LAP)
    assert (drift.lap, len(drift.frame)) == (5, 16)
    assert np.isnan(drift.lap_correlation[:6]).all()
    assert drift.lap_correlation[6:] == pytest.approx(1.0, abs=1e-6)
    assert drift.correlation == pytest.approx(1.0, abs=1e-4)
    for name in RULES:
        track = drift.tracks[name]
        row = drift_figures(track, drift.lap)
        # Of ours the prior may still draw on the way to its steady state.
        slack = 0.05 if name == 'ours' else 1e-3
        assert row.laps == pytest.approx([0.0, 0.0], abs=slack)
        assert row.truth_laps == pytest.approx(row.laps, abs=1e-4)


def test_least_squares_drifts_with_noise_and_the_figures_show_it():
    drift = lap_drift(walked(13 + 6 * LAP, noise=0.05), LAP)
    row = drift_figures(drift.tracks['least squares'], drift.lap)
    assert row.laps[-1] < -0.5
    assert list(row.laps) == sorted(row.laps, reverse=True)
    assert row.truth_laps[-1] == pytest.approx(row.laps[-1], abs=0.05)


def test_trend_is_from_end_to_end_and_blind_to_the_place_in_the_lap():
    index = np.arange(41)
    place = (index - 1) % 8
    gain = np.exp(0.05 * index / 40) * (2 + np.sin(place))
    gain[0] = 1.0
    against = np.where(index > 8, np.exp(0.05 * 8 * ((index - 1) // 8) / 40), np.nan)
    row = drift_figures(LapTrack(gain, against, np.where(index > 8, 0.01, np.nan), 0 * index), 8)
    assert row.trend == pytest.approx(np.expm1(0.05 * 39 / 40), rel=1e-6)
    assert row.laps == pytest.approx(np.expm1(0.01 * np.arange(1, 5)), rel=1e-6)
    assert row.truth_laps == pytest.approx(row.laps, rel=1e-6)
    assert row.offsets == pytest.approx([0.01] * 4)
    assert row.wander == pytest.approx(np.std([0.01, 0.02, 0.03, 0.04]))
    assert row.trend_sigma == pytest.approx(0.0, abs=1e-9)
    assert row.in_lap == pytest.approx(np.log(2 + np.sin(np.arange(8))).std(), rel=0.02)


def test_trend_knows_its_error():
    rng, found = np.random.default_rng(0), []
    for _ in range(200):
        gain = np.exp(0.1 * rng.standard_normal(1 + 10 * 20))
        found.append(drift_figures(LapTrack(gain, gain, 0 * gain, 0 * gain), 20))
    actual = np.std([np.log1p(row.trend) for row in found])
    assert np.sqrt(np.mean([row.trend_sigma ** 2 for row in found])) == pytest.approx(actual,
                                                                                     rel=0.25)


def test_a_last_lap_that_is_hardly_begun_is_not_scored():
    one = np.ones(1 + 8 * 3 + 2)
    row = drift_figures(LapTrack(one, one, one, one), 8)
    assert len(row.laps) == len(row.truth_laps) == len(row.offsets) == 2


def test_a_lap_that_is_not_of_whole_windows_is_refused():
    with pytest.raises(ValueError, match='whole windows'):
        lap_drift(walked(60), 42)


def test_a_plot_shows_its_lines(tmp_path):
    cv2 = pytest.importorskip('cv2')
    x = np.arange(100)
    panel = Panel('gain', 'windows', {'a': (x, 1.0 + 0 * x), 'b': (x, np.full(100, np.nan))},
                  (0.1, 10.0), logarithmic=True)
    draw(tmp_path / 'new' / 'plot.png', [panel, panel, panel], columns=2)
    image = cv2.imread(str(tmp_path / 'new' / 'plot.png'))
    assert image.shape == (600, 1120, 3)
    red = (image[..., 2].astype(int) - image[..., 0] > 100).nonzero()
    assert len(red[0]) > 300

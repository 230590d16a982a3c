import math

import numpy as np
import pytest

from dvd_ros.scale import MetricScale, line_depth

A, B = 1.2, 0.08


def frame(rng, error=0.05, outliers=0.0, patches=32, per_patch=20):
    """Readings of a frame whose disparity errs smoothly: once for each patch."""
    d = np.repeat(rng.uniform(0.05, 1.0, patches), per_patch)
    y = A * d + B + np.repeat(rng.normal(0.0, error, patches), per_patch)
    gross = rng.random(d.size) < outliers
    y[gross] = 1.0 / rng.uniform(0.2, 30.0, gross.sum())
    return d, np.maximum(y, 0.01), 0.02 * y


def finite(scale):
    return np.isfinite([scale.a, scale.b]).all() and not np.isnan(scale.covariance).any()


def test_sigma_is_honest():
    """(a, b) is off by what its covariance says: chi-squared of 2 degrees of freedom."""
    rng = np.random.default_rng(0)
    squares = []
    for _ in range(300):
        scale = MetricScale()
        scale.observe(*frame(rng))
        off = np.array([scale.a - A, scale.b - B])
        squares.append(off @ np.linalg.solve(scale.covariance, off))
    assert 1.5 < np.mean(squares) < 3.0
    assert np.mean(np.array(squares) < 5.99) > 0.88        # 95 % of a true chi-squared


def test_sigma_stays_honest_over_time():
    """Errors that last as long as they are taken to; forgetting makes sigma cautious, not bold."""
    rng = np.random.default_rng(1)
    squares, sigmas = [], []
    for _ in range(60):
        scale = MetricScale()
        for _ in range(12):
            scale.advance(0.5)
            scale.observe(*frame(rng))
        off = np.array([scale.a - A, scale.b - B])
        squares.append(off @ np.linalg.solve(scale.covariance, off))
        sigmas.append(scale.relative_sigma(0.5))
    assert 0.5 < np.mean(squares) < 2.5
    assert np.mean(sigmas) < 0.02


def test_frames_in_quick_succession_are_one_piece_of_evidence():
    rng = np.random.default_rng(2)
    data = frame(rng)
    once, often = MetricScale(), MetricScale()
    once.observe(*data)
    for _ in range(15):
        often.observe(*data)
        often.advance(0.01)
    assert often.relative_sigma(0.5) > 0.8 * once.relative_sigma(0.5)


def test_thirty_percent_gross_outliers():
    rng = np.random.default_rng(3)
    scale = MetricScale()
    for _ in range(5):
        assert scale.observe(*frame(rng, outliers=0.3)).used
        scale.advance(0.5)
        d = np.array([0.2, 0.5, 0.9])
        depth, _ = scale.depth(d)
        np.testing.assert_allclose(depth, 1.0 / (A * d + B), rtol=0.12)


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e38, 1e-38])
@pytest.mark.parametrize('where', [0, 1, 2])
def test_nothing_that_is_pushed_makes_nan(bad, where):
    rng = np.random.default_rng(4)
    for share in (1.0, 0.3):
        scale = MetricScale()
        for _ in range(3):
            data = [values.astype(np.float32) for values in frame(rng)]
            data[where][rng.random(data[where].size) < share] = bad
            scale.observe(*data)
            scale.advance(0.1)
            assert finite(scale)
            assert scale.a > 0.0
            assert not np.isnan(scale.depth(np.array([0.0, 0.5, 1.0]))[0]).any()


def test_nothing_at_all_and_odd_times():
    scale = MetricScale()
    assert not scale.observe(np.empty(0), np.empty(0), np.empty(0)).used
    for seconds in (0.0, -3.0, math.nan, math.inf, 1e300):
        scale.advance(seconds)
    scale.observe(np.array([0.5]), np.array([1.0]), np.array([0.01]))
    for _ in range(2000):
        scale.advance(1e6)
    assert finite(scale)
    assert np.isfinite(scale.covariance).all()
    with pytest.raises(ValueError, match='one length'):
        scale.observe(np.ones(3), np.ones(2), np.ones(3))


def test_constant_readings_do_not_flatten_the_scale():
    rng = np.random.default_rng(5)
    scale = MetricScale()
    scale.observe(*frame(rng))
    before = scale.a, scale.b
    d = rng.uniform(0.1, 1.0, 500)
    for _ in range(20):
        scale.advance(0.1)
        outcome = scale.observe(d, np.full(500, 1.5), np.full(500, 0.01))
        assert not outcome.used
        assert 'constant' in outcome.note
    assert (scale.a, scale.b) == before


def test_a_wall_that_fills_the_view_tells_the_level_only():
    rng = np.random.default_rng(6)
    scale = MetricScale()
    for _ in range(20):
        d = 0.5 + rng.normal(0.0, 0.01, 400)
        outcome = scale.observe(d, np.full(400, A * 0.5 + B), np.full(400, 0.01))
        assert outcome.used
        assert 'level' in outcome.note
        scale.advance(0.1)
    assert scale.depth(np.array([0.5]))[0][0] == pytest.approx(1.0 / (A * 0.5 + B), rel=0.03)
    assert scale.a > 0.5
    assert scale.relative_sigma(0.1) > 2.0 * scale.relative_sigma(0.5)


def test_readings_that_run_the_other_way_are_refused():
    d = np.linspace(0.1, 1.0, 300)
    outcome = MetricScale().observe(d, 1.0 - 0.5 * d, np.full(300, 0.01))
    assert not outcome.used
    assert 'do not follow' in outcome.note


def test_one_reading_is_enough_to_converge():
    scale = MetricScale()
    assert not scale.converged
    assert scale.observe(np.array([0.4]), np.array([0.5]), np.array([0.01])).used
    assert scale.converged
    depth, sigma = scale.depth(np.array([0.4, 0.15]))
    assert depth[0] == pytest.approx(2.0, rel=0.01)
    assert sigma[0] / depth[0] < 0.2 < sigma[1] / depth[1]


def test_what_was_heard_fades_and_reset_forgets():
    scale = MetricScale(memory=2.0)
    scale.observe(*frame(np.random.default_rng(7)))
    before = scale.relative_sigma(0.5)
    scale.advance(4.0)
    assert scale.relative_sigma(0.5) == pytest.approx(before * math.e)
    scale.reset()
    assert not scale.converged
    assert scale.relative_sigma(0.5) == math.inf


def test_a_frame_that_jumps_is_doubted_first_and_believed_when_it_insists():
    rng = np.random.default_rng(8)
    scale = MetricScale()
    for _ in range(10):
        scale.observe(*frame(rng))
        scale.advance(0.2)
    used = []
    for _ in range(8):
        d, y, s = frame(rng)
        used.append(scale.observe(d, 2.5 * y, 2.5 * s).used)
        scale.advance(0.2)
    assert not used[0]
    assert used[-1]
    assert scale.a == pytest.approx(2.5 * A, rel=0.15)


def test_far_pixels_by_rep_117():
    covariance = np.diag([1e-4, 1e-4])
    d = np.array([[np.nan, 0.0, 0.038], [0.2, 1.0, np.inf]], np.float32)
    depth, sigma = line_depth(d, 1.0, -0.03, covariance, max_depth=10.0)
    assert depth.dtype == sigma.dtype == np.float32
    assert np.isnan(depth[0, 0])
    assert np.isnan(depth[1, 2])
    assert depth[0, 1] == np.inf          # the line is below 0 there
    assert depth[0, 2] == np.inf          # 0.008 +- 0.01 per metre
    np.testing.assert_allclose(depth[1, :2], [1.0 / 0.17, 1.0 / 0.97], rtol=1e-5)
    assert sigma[0, 1] == np.inf
    assert np.isnan(sigma[0, 0])
    assert line_depth(np.array([0.1]), 1.0, -0.03, covariance, max_depth=20.0)[0][0] < 20.0
    assert line_depth(np.array([0.1]), 1.0, -0.03, covariance, max_depth=10.0)[0][0] == np.inf

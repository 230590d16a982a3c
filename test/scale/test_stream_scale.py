import math

import numpy as np
import pytest

from dvd_ros.geometry import depth_from_disparity
from dvd_ros.scale import DepthImageSource, RangeSource, ScaleConfig, StreamScale
from dvd_ros.scale.line import line_depth

A, B = 1.1, 0.09
STEP = 100_000_000
SHAPE = (48, 64)
RAMP = np.linspace(0.0, 1.0, SHAPE[0] * SHAPE[1]).reshape(SHAPE)


class Scene:
    """Frames whose disparity errs smoothly, and their true depth."""

    def __init__(self, seed=0, error=0.03):
        self.rng, self.error = np.random.default_rng(seed), error

    def frame(self):
        cells = self.rng.normal(0.0, self.error, (6, 8))
        true = 0.1 + 0.8 * RAMP
        d = true + np.kron(cells, np.ones((8, 8)))
        return np.maximum(d, 0.01).astype(np.float32), 1.0 / (A * true + B)


def check_step(before, after, disparity):
    """No NaN, and no jump above the stated sigma where both are of one metric scale."""
    assert np.isfinite([after.a, after.b]).all()
    assert after.a > 0.0
    assert not np.isnan(after.covariance).any()
    assert not math.isnan(after.relative_sigma)
    if before is None or before.nominal or after.nominal:
        return
    d = np.linspace(0.05, 1.0, 20).astype(np.float32)
    old, sigma_old = line_depth(d, before.a, before.b, before.covariance)
    new, sigma_new = line_depth(d, after.a, after.b, after.covariance)
    both = np.isfinite(old) & np.isfinite(new)
    assert (np.abs(new[both] - old[both]) <= np.maximum(sigma_old, sigma_new)[both] * 1.01).all()


def run(stream, scene, frames, push, start=0):
    """Drive a stream; ``push(stamp, depth, i)`` feeds its sources. Returns the states."""
    states = []
    before = None
    for i in range(start, start + frames):
        d, depth = scene.frame()
        push(i * STEP, depth, i)
        state = stream.update(i * STEP, None, d)
        check_step(before, state, d)
        assert not np.isnan(stream.depth(d, state)).any() or \
            stream.config.unscaled == 'withhold'
        states.append(state)
        before = state
    return states


def right(state, tolerance=0.1):
    d = np.array([0.2, 0.5, 0.9])
    np.testing.assert_allclose(1.0 / (state.a * d + state.b), 1.0 / (A * d + B), rtol=tolerance)


def test_without_sources_depth_is_nominal_and_says_so():
    stream, scene = StreamScale(), Scene()
    d, _ = scene.frame()
    state = stream.update(0, None, d)
    assert not state.metric
    assert state.nominal
    assert state.reason == 'no source of metric scale'
    np.testing.assert_array_equal(stream.depth(d, state), depth_from_disparity(d, 0.5, 20.0))


def test_depth_can_be_withheld_until_it_is_metric():
    source = DepthImageSource()
    stream, scene = StreamScale(ScaleConfig(unscaled='withhold'), [source]), Scene()
    d, depth = scene.frame()
    state = stream.update(0, None, d)
    assert np.isnan(stream.depth(d, state)).all()
    assert 'never heard of' in state.reason
    source.push(STEP, depth)
    state = stream.update(STEP, None, d)
    assert state.metric
    assert state.reason == ''
    assert np.isfinite(stream.depth(d, state)).all()
    np.testing.assert_allclose(np.median(stream.depth(d, state) / depth), 1.0, atol=0.05)


def test_one_source_makes_it_metric_and_stays_right():
    source = DepthImageSource()
    states = run(StreamScale(sources=[source]), Scene(), 40, lambda s, z, i: source.push(s, z))
    assert states[0].metric
    assert all(state.metric for state in states)
    right(states[-1])
    assert states[-1].relative_sigma < 0.03
    assert states[-1].sources[0].status == 'ok'
    assert states[-1].sources[0].used


def test_one_beam_alone():
    source = RangeSource((0.4, 0.4, 0.6, 0.6))
    rng = np.random.default_rng(1)
    states = run(StreamScale(sources=[source]), Scene(), 20, lambda s, z, i: source.push(
        s, float(np.median(z[19:29, 25:39])) * (1.0 + 0.01 * rng.normal())))
    assert states[-1].metric
    right(states[-1], 0.3)


@pytest.mark.parametrize('fault', ['silent', 'wrong frame', 'nan', 'constant', 'empty', 'huge'])
def test_a_source_that_fails_is_named_and_its_metres_end(fault):
    """10 good frames, then the fault: the scale holds, its sigma grows, metres end in time."""
    source = DepthImageSource(frame_id='depth')
    stream, scene = StreamScale(ScaleConfig(timeout=2.0), [source]), Scene()

    def push(stamp, depth, i):
        if i < 10:
            source.push(stamp, depth, frame_id='depth')
        elif fault == 'wrong frame':
            source.push(stamp, depth, frame_id='other')
        elif fault == 'nan':
            source.push(stamp, np.full_like(depth, np.nan), frame_id='depth')
        elif fault == 'constant':
            source.push(stamp, np.full_like(depth, 1.3), frame_id='depth')
        elif fault == 'empty':
            source.push(stamp, np.empty((0, 0)), frame_id='depth')
        elif fault == 'huge':
            source.push(stamp, np.full_like(depth, 1e38), frame_id='depth')

    states = run(stream, scene, 50, push)
    assert states[9].metric
    right(states[25])
    assert states[25].metric
    assert states[25].relative_sigma > states[9].relative_sigma
    last = states[-1]
    assert not last.metric
    assert not last.nominal
    right(last)
    cause = {'silent': 'stale', 'wrong frame': 'wrong frame', 'nan': 'no valid reading',
             'constant': 'constant readings', 'empty': 'no valid reading',
             'huge': 'no valid reading'}[fault]
    assert cause in last.sources[0].status
    assert cause in last.reason
    assert 'depth_image' in last.reason
    # It comes back: metric again, without a jump.
    again = run(stream, scene, 20, lambda s, z, i: source.push(s, z, frame_id='depth'), start=50)
    assert again[-1].metric
    right(again[-1])


def test_thirty_percent_gross_outliers():
    source, rng = DepthImageSource(), np.random.default_rng(2)

    def push(stamp, depth, i):
        gross = rng.random(depth.shape) < 0.3
        source.push(stamp, np.where(gross, rng.uniform(0.2, 20.0, depth.shape), depth))

    states = run(StreamScale(sources=[source]), Scene(), 30, push)
    assert all(state.metric for state in states)
    for state in states[3:]:
        right(state)


@pytest.mark.parametrize('first', ['good', 'both'])
def test_a_source_that_contradicts_is_named_and_left_out(first):
    good, bad = DepthImageSource('stereo'), DepthImageSource('tof', relative_sigma=0.05, bias=0.05)
    stream = StreamScale(sources=[good, bad])

    def push(stamp, depth, i):
        good.push(stamp, depth)
        if first == 'both' or i >= 10:
            bad.push(stamp, 1.6 * depth)

    states = run(stream, Scene(), 30, push)
    alone = run(StreamScale(sources=[good]), Scene(), 30, lambda s, z, i: good.push(s, z))
    for state in states:
        right(state)
    last = states[-1]
    assert last.metric
    assert last.sources[0].used
    assert not last.sources[1].used
    assert 'contradicts stereo' in last.sources[1].status
    assert '+6' in last.sources[1].status
    assert last.relative_sigma > 1.5 * alone[-1].relative_sigma


def test_of_three_the_majority_is_believed_and_agreement_is_used():
    sources = [DepthImageSource(name) for name in ('one', 'two', 'three')]
    stream = StreamScale(sources=sources)

    def push(stamp, depth, i):
        for source, factor in zip(sources, (1.6, 1.0, 1.02), strict=True):
            source.push(stamp, factor * depth)

    last = run(stream, Scene(), 20, push)[-1]
    right(last)
    assert [one.used for one in last.sources] == [False, True, True]
    assert 'the others' in last.sources[0].status


def test_a_sensor_that_changes_its_mind_moves_the_scale_without_a_jump():
    source = DepthImageSource()
    states = run(StreamScale(sources=[source]), Scene(), 120,
                 lambda s, z, i: source.push(s, z if i < 20 else 0.7 * z))
    steps = np.abs(np.diff([np.log(0.5 * state.a + state.b) for state in states]))
    assert steps[1:].max() < 0.05
    last = states[-1]
    assert 1.0 / (0.5 * last.a + last.b) == pytest.approx(0.7 / (0.5 * A + B), rel=0.05)


def test_a_segment_begins_anew():
    source = DepthImageSource()
    stream, scene = StreamScale(sources=[source]), Scene()
    run(stream, scene, 10, lambda s, z, i: source.push(s, z))
    stream.begin_segment()
    d, depth = scene.frame()
    state = stream.update(90 * STEP, None, d)
    assert not state.metric
    assert state.nominal
    # The new segment's disparity is on another scale: known at once, from its own readings.
    source.push(91 * STEP, depth)
    state = stream.update(91 * STEP, None, 0.5 * d)
    assert state.metric
    assert state.a == pytest.approx(2.0 * A, rel=0.15)


def test_disparity_of_nothing_and_stamps_that_run_back():
    source = DepthImageSource()
    stream, scene = StreamScale(sources=[source]), Scene()
    run(stream, scene, 5, lambda s, z, i: source.push(s, z))
    for d in (np.full(SHAPE, np.nan, np.float32), np.zeros(SHAPE, np.float32),
              np.full(SHAPE, np.inf, np.float32)):
        state = stream.update(0, None, d)
        check_step(None, state, d)
        depth = stream.depth(d, state)
        assert depth.shape == SHAPE
        assert not (depth < 0.0).any()
        assert np.isnan(depth).all() == (not np.isfinite(d).any())


def test_sources_need_names_of_their_own():
    with pytest.raises(ValueError, match='different names'):
        StreamScale(sources=[DepthImageSource(), DepthImageSource()])


@pytest.mark.parametrize('change', [{'near': 0.0}, {'far': 0.1}, {'unscaled': 'guess'},
                                    {'memory': 0.0}, {'timeout': -1.0}, {'max_sigma': math.nan},
                                    {'max_depth': 0.0}])
def test_the_config_names_the_bad_value(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        ScaleConfig(**change)

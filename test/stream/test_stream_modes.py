"""Strides that change, frames held back, cuts, confidence and metres of a stream."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from luminance import SECOND, STEP, Luminance, feed, frame

from dvd_ros.scale import Observation, ScaleConfig, StreamScale
from dvd_ros.stream import DepthStream, Frame, StreamConfig


@settings(deadline=None)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=60))
def test_a_stride_may_change_at_any_time(strides):
    model = Luminance()
    stream = DepthStream(model, StreamConfig(window=13, overlap=5))
    assert stream.stride == 8
    got, sizes = [], []
    for number, stride in enumerate(strides * 3):
        stream.stride = stride
        done = stream.push(frame(number))
        if done:
            assert number < 13 or stride <= len(done) <= 8
            sizes.append(len(done))
        got += done
    got += stream.flush()
    assert [done.stamp // STEP for done in got] == list(range(3 * len(strides)))
    assert all(new <= 8 for new in sizes[1:])
    assert {done.segment for done in got} == {0}


@pytest.mark.parametrize('stride', [0, -1, 9])
def test_a_stride_out_of_range_is_named(stride):
    stream = DepthStream(Luminance(), StreamConfig(window=13, overlap=5))
    with pytest.raises(ValueError, match=rf'1\.\.8 frames, got {stride}'):
        stream.stride = stride
    assert stream.stride == 8


def test_without_a_driver_the_stride_does_not_depend_on_time():
    stream = DepthStream(Luminance(), StreamConfig(window=13, overlap=5))
    ready = [len(stream.push(frame(number))) for number in range(200)]
    assert {count for count in ready[13:] if count} == {8}


class Restless(Luminance):
    """Sees every frame a little differently in every window."""

    def predict(self, images):
        self.lengths.append(len(images))
        picture = images[..., 0].astype(np.float32) / 255.0
        return picture * 0.8 + np.float32(0.02 * (len(self.lengths) % 2))


def test_smooth_latency_publishes_every_frame_once_and_blends_where_windows_meet():
    frames = [frame(number) for number in range(40)]
    low = DepthStream(Restless(), StreamConfig(window=13, overlap=5, fade=0))
    smooth = DepthStream(Restless(), StreamConfig(window=13, overlap=5, latency='smooth'))
    at_once = feed(low, frames) + low.flush()
    later = []
    for item in frames:
        done = smooth.push(item)
        if done:  # the newest five wait for the next window
            assert done[-1].stamp == item.stamp - 5 * STEP
        later += done
    assert smooth.counters.pending == len(frames) - len(later)
    later += smooth.flush()
    assert [done.stamp for done in later] == [item.stamp for item in frames]
    assert smooth.counters.pending == 0

    def steps(done):
        return np.abs(np.diff([d.disparity.mean() for d in done]))
    assert steps(later).max() < 0.5 * steps(at_once).max()


def test_smooth_latency_lets_frames_go_at_the_end_of_a_segment():
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=2, latency='smooth'))
    first = feed(stream, [frame(number) for number in range(5)])
    assert len(first) == 3
    more = stream.push(frame(50, size=(4, 4)))
    assert [done.stamp for done in more] == [3 * STEP, 4 * STEP]
    stream.push(frame(51, size=(4, 4)))
    stream.reset()
    assert stream.counters.dropped['reset'] == 2
    assert stream.flush() == []


def test_smooth_latency_drops_what_it_holds_when_the_model_fails():
    model = Luminance()
    stream = DepthStream(model, StreamConfig(window=5, overlap=2, latency='smooth'))
    assert len(feed(stream, [frame(number) for number in range(5)])) == 3
    model.fail = True
    with pytest.raises(RuntimeError):
        feed(stream, [frame(number) for number in range(5, 8)])
    assert stream.counters.dropped['model_error'] == 5
    assert stream.counters.pending == 0


def scenes(count, size=(48, 64), seed=0):
    """Pictures that have nothing to do with each other, each moving on by a pixel a frame."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        big = rng.uniform(0, 255, (6, 9, 3)) * rng.uniform(0.3, 1.0, 3)
        big = cv2.resize(big, (96, 64), interpolation=cv2.INTER_CUBIC).clip(0, 255)
        yield lambda t, big=big: big[:size[0], t:t + size[1]].astype(np.uint8)


def test_a_cut_begins_a_segment_and_says_so():
    shots = list(scenes(3))
    frames = [Frame(shot(t), (10 * n + t) * STEP) for n, shot in enumerate(shots)
              for t in range(10)]
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=1))
    done = feed(stream, frames) + stream.flush()
    assert [d.segment for d in done] == [0] * 10 + [1] * 10 + [2] * 10
    begins = [done[i].alignment.cut for i in (0, 10, 20)]
    assert begins == [False, True, True]
    assert not done[15].alignment.cut
    blind = DepthStream(Luminance(), StreamConfig(window=5, overlap=1, cuts=False))
    cut_by_images = [d.alignment.cut for d in feed(blind, frames)]
    assert not cut_by_images[10]


def test_images_far_apart_are_not_judged():
    first, second = scenes(2)
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=1))
    frames = [Frame(first(t), t * STEP) for t in range(5)]
    frames += [Frame(second(t), SECOND + t * STEP) for t in range(5)]
    done = feed(stream, frames) + stream.flush()
    assert [d.segment for d in done] == [0] * 10


def test_exposure_and_motion_are_no_cuts():
    shot = next(scenes(1, seed=3))
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=1))
    frames = [Frame((shot(3 * t) * gain).astype(np.uint8), t * STEP)
              for t, gain in enumerate((1.0, 0.9, 0.5, 0.2, 0.9, 1.0, 0.4, 1.0, 0.3, 0.8))]
    done = feed(stream, frames) + stream.flush()
    assert {d.segment for d in done} == {0}


def test_confidence_is_of_the_image_and_nought_where_there_is_no_disparity():
    class Holes(Luminance):
        def predict(self, images):
            depth = super().predict(images)
            depth[:, 1, 2] = np.nan
            return depth
    stream = DepthStream(Holes(), StreamConfig(window=5, overlap=1))
    for done in feed(stream, [frame(number) for number in range(13)]):
        assert done.confidence.shape == (6, 8)
        assert done.confidence.dtype == np.float32
        assert done.confidence[1, 2] == 0.0
        assert np.isfinite(done.confidence).all()
        assert (done.confidence >= 0).all()
        assert (done.confidence <= 1).all()
        assert (done.confidence > 0).sum() == 47


class Ruler:
    """A source of metric scale that knows all: 1/Z = 0.5 * disparity + 0.1."""

    name = 'ruler'

    def observe(self, stamp, intrinsics, disparity):
        known = disparity.ravel()
        return Observation(known, 0.5 * known + 0.1, np.full(known.shape, 0.01))


def test_depth_becomes_metric_and_each_segment_finds_its_own_scale():
    scale = StreamScale(ScaleConfig(unscaled='withhold'), [Ruler()])
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=1), scale)
    done = feed(stream, [frame(number, size=(24, 16)) for number in range(21)])
    done += feed(stream, [frame(number, size=(24, 12)) for number in range(21, 40)])
    assert [d.scale.metric for d in done[-5:]] == [True] * 5
    last = done[-1]
    np.testing.assert_allclose(last.depth, 1 / (0.5 * last.disparity + 0.1), rtol=0.1)
    begin = next(d for d in done if d.segment == 1)
    assert all(np.isnan(d.depth).all() for d in done if not d.scale.metric)
    assert begin.scale.sources[0].observations == 1

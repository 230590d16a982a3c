import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from luminance import SECOND, STEP, Luminance, feed, frame

from dvd_ros.geometry import Intrinsics
from dvd_ros.scale import ScaleConfig, StreamScale
from dvd_ros.stream import DepthStream, StreamConfig, WindowBuffer, window_spans


@settings(deadline=None, max_examples=150)
@given(window=st.integers(0, 4).map(lambda n: 4 * n + 1), data=st.data())
def test_every_frame_is_published_once_in_order(window, data):
    overlap = data.draw(st.integers(0, window - 1))
    lengths = data.draw(st.lists(st.integers(1, 45), min_size=1, max_size=4))
    breaks = data.draw(st.lists(st.sampled_from(['size', 'gap', 'back', 'name', 'camera',
                                                 'flush']),
                                min_size=len(lengths), max_size=len(lengths)))
    stream = DepthStream(Luminance(), StreamConfig(window=window, overlap=overlap))
    sent, got, expected_segments = [], [], []
    size, stamp, name, camera = (6, 8), 100 * SECOND, 'camera', None
    for segment, (length, kind) in enumerate(zip(lengths, breaks, strict=True)):
        for number in range(length):
            stamp += STEP
            item = frame(number, stamp, size, name, camera)
            sent.append(item)
            expected_segments.append(segment)
            got += stream.push(item)
            assert stream.counters.pending < window
        if kind == 'size':
            size, camera = (size[0] + 2, size[1]), None
        elif kind == 'gap':
            stamp += 3 * SECOND
        elif kind == 'back':
            stamp -= 9 * SECOND
        elif kind == 'name':
            name += '_'
        elif kind == 'camera':
            # Known before it changes, else it is a camera_info that came late.
            focal = 5.0 if camera is None else camera.fx + 1.0
            first = camera is None
            camera = Intrinsics(size[1], size[0], focal, focal, 3.5, 2.5)
            if first:
                got += stream.flush()
        else:
            got += stream.flush()
    got += stream.flush()
    assert [id(done.frame) for done in got] == [id(item) for item in sent]
    assert [done.segment for done in got] == expected_segments
    assert (stream.counters.received, stream.counters.published) == (len(sent), len(sent))
    assert not stream.counters.dropped
    assert stream.counters.pending == 0
    for done in got:
        assert done.stamp == done.frame.stamp
        assert done.depth.shape == done.disparity.shape == done.frame.size
        assert done.depth.dtype == done.disparity.dtype == np.float32


@settings(deadline=None)
@given(st.integers(1, 120), st.integers(0, 5).map(lambda n: 4 * n + 1), st.data())
def test_windows_are_those_of_the_reference(frames, window, data):
    overlap = data.draw(st.integers(0, window - 1))
    buffer = WindowBuffer(window, window - overlap)
    windows = [buffer.push(frame(number), number) for number in range(frames)] + [buffer.rest()]
    spans = [(made.frames[0].stamp // STEP, made.frames[-1].stamp // STEP + 1)
             for made in windows if made]
    assert spans == window_spans(frames, window, overlap)
    assert all(made.prepared == tuple(item.stamp // STEP for item in made.frames)
               for made in windows if made)
    assert sum(made.new for made in windows if made) == frames


def test_a_window_is_published_when_it_is_full_and_then_every_stride():
    model = Luminance()
    stream = DepthStream(model, StreamConfig(window=13, overlap=5))
    ready = [len(stream.push(frame(number))) for number in range(32)]
    assert [(at, count) for at, count in enumerate(ready) if count] == [(12, 13), (20, 8), (28, 8)]
    assert [done.stamp // STEP for done in stream.flush()] == [29, 30, 31]
    assert model.lengths == [13, 13, 13, 13]
    assert stream.flush() == []


def test_a_run_shorter_than_a_window_is_flushed_too():
    model = Luminance()
    stream = DepthStream(model, StreamConfig(window=13, overlap=5))
    assert feed(stream, map(frame, range(3))) == []
    assert len(stream.flush()) == 3
    assert model.lengths == [3]


def test_depth_is_the_nominal_one_of_the_aligned_disparity():
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=1),
                         StreamScale(ScaleConfig(near=0.5, far=10.0)))
    done = feed(stream, map(frame, range(5)))[2]
    np.testing.assert_allclose(done.disparity[0], np.arange(8) * 16 / 255, atol=1e-6)
    np.testing.assert_allclose(1 / done.depth, 0.1 + done.disparity * 1.9, rtol=1e-5)
    assert (done.segment, done.window, done.alignment.scale) == (0, 0, 1.0)


def test_repeated_and_slightly_backward_stamps_are_dropped_and_counted():
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=1))
    numbers = [0, 1, 1, 2, 0, 3, 3, 4]
    got = feed(stream, map(frame, numbers))
    assert [done.stamp // STEP for done in got] == [0, 1, 2, 3, 4]
    assert stream.counters.dropped == {'repeated_stamp': 2, 'backward_stamp': 1}
    assert stream.counters.received == 8
    assert {done.segment for done in got} == {0}


def test_a_late_or_intermittent_camera_info_is_no_new_segment():
    camera = Intrinsics(8, 6, 5.0, 5.0, 3.5, 2.5)
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=1))
    known = [None, None, camera, camera, None, camera, None, None, camera]
    got = feed(stream, [frame(i, intrinsics=value) for i, value in enumerate(known)])
    assert len(got) == 9
    assert {done.segment for done in got} == {0}


def test_new_segment_shares_no_frames_and_no_scale_with_the_old():
    model = Luminance()
    stream = DepthStream(model, StreamConfig(window=5, overlap=2))
    got = feed(stream, map(frame, range(6)))
    got += feed(stream, [frame(number, size=(10, 12)) for number in range(6, 11)])
    assert [done.stamp // STEP for done in got] == list(range(11))
    assert [done.segment for done in got] == [0] * 6 + [1] * 5
    assert model.lengths == [5, 5, 5]
    assert got[-1].alignment.scale == 1.0


def test_a_failing_model_costs_its_window_and_no_more():
    model = Luminance()
    stream = DepthStream(model, StreamConfig(window=5, overlap=1))
    got = feed(stream, map(frame, range(8)))
    model.fail = True
    with pytest.raises(RuntimeError, match='memory'):
        stream.push(frame(8))
    model.fail = False
    got += feed(stream, map(frame, range(9, 14)))
    assert [done.stamp // STEP for done in got] == [0, 1, 2, 3, 4, 9, 10, 11, 12, 13]
    assert stream.counters.dropped == {'model_error': 4}
    assert got[-1].segment == 1
    assert stream.counters.pending == 0


def test_a_model_that_fails_on_the_leftover_does_not_cost_the_next_frame():
    model = Luminance()
    stream = DepthStream(model, StreamConfig(window=5, overlap=1))
    feed(stream, map(frame, range(3)))
    model.fail = True
    with pytest.raises(RuntimeError):
        stream.push(frame(3, size=(4, 4)))
    model.fail = False
    got = feed(stream, [frame(number, size=(4, 4)) for number in range(4, 8)])
    assert [done.stamp // STEP for done in got] == [3, 4, 5, 6, 7]
    assert stream.counters.dropped == {'model_error': 3}


def test_a_model_that_changes_the_size_is_named():
    class Cropping(Luminance):
        def predict(self, images):
            return super().predict(images)[:, :4]

    stream = DepthStream(Cropping(), StreamConfig(window=5, overlap=1))
    with pytest.raises(ValueError, match=r'\[5, 4, 8\].*\[5, 6, 8\]'):
        feed(stream, map(frame, range(5)))


def test_reset_drops_what_waits_and_counts_it():
    stream = DepthStream(Luminance(), StreamConfig(window=5, overlap=1))
    feed(stream, map(frame, range(7)))
    stream.reset()
    assert stream.counters.dropped == {'reset': 2}
    assert stream.flush() == []
    assert feed(stream, map(frame, range(5)))[0].segment == 1


def test_the_window_must_suit_the_model():
    with pytest.raises(ValueError, match='13.*at most 9'):
        DepthStream(Luminance(window=9))
    with pytest.raises(ValueError, match='window'):
        WindowBuffer(12, 4)
    with pytest.raises(ValueError, match='stride'):
        WindowBuffer(13, 14)


class Preparing(Luminance):
    """Prepares images by itself, and notes which."""

    def __init__(self):
        super().__init__()
        self.prepared = []

    def prepare(self, image):
        if self.fail == 'prepare':
            raise RuntimeError('out of memory')
        self.prepared.append(int(image[0, 0, 1]))
        return image[None]

    def predict_prepared(self, prepared):
        return self.predict(np.concatenate(prepared))

    def predict(self, images):
        assert self.fail != 'prepare'
        return super().predict(images)


def test_every_image_is_prepared_once_in_however_many_windows_it_is():
    plain, preparing = Luminance(), Preparing()
    runs = []
    for model in (plain, preparing):
        stream = DepthStream(model, StreamConfig(window=13, overlap=5, stride=3))
        runs.append(feed(stream, map(frame, range(40))) + stream.flush())
    assert preparing.prepared == list(range(40))
    assert preparing.lengths == plain.lengths == [13] * 10
    for ours, theirs in zip(*runs, strict=True):
        assert ours.stamp == theirs.stamp
        np.testing.assert_array_equal(ours.disparity, theirs.disparity)


def test_an_image_that_cannot_be_prepared_costs_what_waits_and_no_more():
    model = Preparing()
    stream = DepthStream(model, StreamConfig(window=5, overlap=1))
    got = feed(stream, map(frame, range(7)))
    model.fail = 'prepare'
    with pytest.raises(RuntimeError, match='memory'):
        stream.push(frame(7))
    model.fail = False
    got += feed(stream, map(frame, range(8, 13)))
    assert [done.stamp // STEP for done in got] == [0, 1, 2, 3, 4, 8, 9, 10, 11, 12]
    assert stream.counters.dropped == {'model_error': 3}
    assert stream.counters.pending == 0
    assert got[-1].segment == 1

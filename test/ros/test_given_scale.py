"""Metres by the word of a user: a distance at a pixel, a factor, and when they are refused."""

import numpy as np
import pytest

from dvd_ros.ros.given_scale import give_distance, give_factor
from dvd_ros.scale import DepthImageSource, ScaleConfig, StreamScale
from dvd_ros.stream import DepthStream, Frame, StreamConfig

SECOND = 10**9


class Brightness:
    window = 5

    def predict(self, images):
        return images.mean(axis=-1, dtype=np.float32) / 255


def frames(stream, count, stamp=0, size=(12, 16)):
    image = np.zeros((*size, 3), np.uint8)
    image[:, : size[1] // 2], image[:, size[1] // 2:] = 51, 204  # disparity 0.2 and 0.8
    return [done for i in range(count)
            for done in stream.push(Frame(image, stamp + i * SECOND // 30))]


@pytest.fixture
def stream():
    return DepthStream(Brightness(), StreamConfig(window=5, overlap=1, cuts=False),
                       StreamScale(ScaleConfig(near=1.0, far=10.0)))


def test_a_distance_at_a_pixel_scales_depth_until_the_segment_ends(stream):
    newest = frames(stream, 5)[-1]
    assert newest.scale.nominal
    line = give_distance(stream.scale, newest, 3.0, 2, 5)
    assert line[1] / line[0] == pytest.approx(newest.scale.b / newest.scale.a, rel=0.02)
    for done in frames(stream, 40, stamp=SECOND):
        assert done.scale.metric
        assert [source.name for source in done.scale.sources] == ['given']
        assert done.depth[5, 2] == pytest.approx(3.0, rel=0.02)
        assert (done.scale.a, done.scale.b) == pytest.approx(line, rel=0.02)
    later = frames(stream, 5, stamp=100 * SECOND)[-1]
    assert later.segment == 1
    assert later.scale.nominal
    assert later.scale.sources == ()


def test_a_factor_multiplies_all_depth_and_factors_multiply(stream):
    newest = frames(stream, 5)[-1]
    give_factor(stream.scale, newest, 2.0)
    done = frames(stream, 4, stamp=SECOND)[-1]
    assert np.allclose(done.depth, 2.0 * newest.depth, rtol=0.02)
    give_factor(stream.scale, done, 0.25)
    done = frames(stream, 4, stamp=2 * SECOND)[-1]
    assert np.allclose(done.depth, 0.5 * newest.depth, rtol=0.03)
    stream.scale.give(None)
    assert frames(stream, 4, stamp=3 * SECOND)[-1].scale.nominal


def test_the_median_of_the_whole_image(stream):
    newest = frames(stream, 5, size=(12, 18))[-1]
    give_distance(stream.scale, newest, 4.0, -1, -1)
    done = frames(stream, 4, stamp=SECOND, size=(12, 18))[-1]
    a, b = done.scale.a, done.scale.b
    assert 1.0 / (a * np.median(done.disparity) + b) == pytest.approx(4.0, rel=0.02)


@pytest.mark.parametrize(('metres', 'x', 'y', 'told'), [
    (0.0, 1, 1, 'more than 0'), (np.nan, 1, 1, 'finite'), (2.0, 16, 1, 'outside'),
    (2.0, -1, 3, 'outside')])
def test_what_makes_no_sense_is_refused(stream, metres, x, y, told):
    newest = frames(stream, 5)[-1]
    with pytest.raises(ValueError, match=told):
        give_distance(stream.scale, newest, metres, x, y)
    assert stream.scale.line == (newest.scale.a, newest.scale.b)


def test_measured_metres_are_not_overruled():
    source = DepthImageSource('depth')
    scale = StreamScale(ScaleConfig(), [source])
    stream = DepthStream(Brightness(), StreamConfig(window=5, overlap=1, cuts=False), scale)
    for i in range(40):
        stamp = i * SECOND // 30
        depth = np.full((12, 16), 5.0, np.float32)
        depth[:, 8:] = 1.25
        source.push(stamp, depth, None)
        image = np.zeros((12, 16, 3), np.uint8)
        image[:, :8], image[:, 8:] = 51, 204
        done = stream.push(Frame(image, stamp)) or ()
        newest = done[-1] if done else None
        if newest is not None and newest.scale.metric:
            with pytest.raises(ValueError, match='measured already, by depth'):
                give_factor(scale, newest, 2.0)
            return
    pytest.fail('never metric')


def test_settings_that_may_change_live_do(stream):
    before = frames(stream, 5)[-1]
    stream.scale.config = ScaleConfig(near=2.0, far=20.0)
    assert np.allclose(frames(stream, 4, stamp=SECOND)[-1].depth, 2 * before.depth, rtol=1e-4)

"""The choice of the stride, by times that the tests make up."""

import pytest

from dvd_ros.stream import LiveStride, StreamConfig

PERIOD = 1 / 30


class Camera:
    """Feeds a LiveStride as a stream would: `compute` seconds per window, `frame` per frame."""

    def __init__(self, config=None, period=PERIOD):
        self.live = LiveStride(config or StreamConfig())
        self.period = period
        self.stamp = 0

    def window(self, compute, frame=0.0, dropped=False):
        for number in range(self.live.stride):
            self.stamp += round(self.period * 1e9)
            self.live.add_frame(self.stamp)
            last = number == self.live.stride - 1
            self.live.add_time(frame + compute if last else frame, last)
        return self.live.choose(dropped)

    def windows(self, count, *arguments, **named):
        return [self.window(*arguments, **named) for _ in range(count)]


@pytest.mark.parametrize(('compute', 'stride'), [
    (0.001, 4), (0.09, 4), (0.10, 5), (0.13, 6), (0.18, 8), (0.5, 8), (100.0, 8)])
def test_it_is_the_smallest_that_keeps_up_with_a_margin(compute, stride):
    camera = Camera()
    assert camera.live.stride == 8
    assert camera.windows(40, compute)[-1] == stride
    assert stride in (4, 8) or 1.4 * compute / PERIOD <= stride < 1.4 * compute / PERIOD + 1


def test_a_slower_camera_leaves_more_time():
    assert Camera(period=0.1).windows(40, 0.18)[-1] == 4


def test_work_on_every_frame_takes_its_part():
    assert Camera().windows(40, 0.08, frame=0.0)[-1] == 4
    assert Camera().windows(40, 0.08, frame=0.010)[-1] == 6
    assert Camera().windows(40, 0.08, frame=0.030)[-1] == 8


@pytest.mark.parametrize(('window', 'overlap', 'ends'), [
    (13, 5, (4, 8)), (13, 11, (2, 2)), (5, 2, (3, 3)), (81, 21, (4, 60))])
def test_windows_never_share_less_than_the_overlap(window, overlap, ends):
    config = StreamConfig(window=window, overlap=overlap)
    assert Camera(config).windows(40, 0.0)[-1] == ends[0]
    assert Camera(config).windows(40, 100.0)[-1] == ends[1]


def test_it_changes_rarely_and_single_slow_windows_change_nothing():
    camera = Camera()
    chosen = camera.windows(100, 0.02)
    assert chosen[:6] == [8] * 6
    assert set(chosen[6:]) == {4}
    for _ in range(20):
        assert camera.windows(4, 0.02) == [4] * 4
        assert camera.window(1.0) == 4


def test_a_time_at_the_edge_does_not_make_it_swing():
    camera = Camera()
    camera.windows(40, 0.095)  # the largest time that fits into 4 frames with the margin
    chosen = [stride for _ in range(50) for time in (0.09, 0.105, 0.12)
              for stride in camera.windows(7, time)]
    assert set(chosen) == {4}


def test_a_machine_that_becomes_slower_gets_a_larger_stride_and_stays_there():
    camera = Camera()
    camera.windows(40, 0.02)
    chosen = camera.windows(40, 0.15)
    assert chosen[:3] == [4] * 3
    assert chosen[-1] == 7
    assert sum(a != b for a, b in zip(chosen, chosen[1:], strict=False)) == 1


def test_a_stride_that_itself_makes_windows_slow_is_tried_ever_less_often():
    """As where the publisher needs the processor that the network takes."""
    camera = Camera()
    chosen = [camera.window(0.25 if camera.live.stride < 8 else 0.02) for _ in range(1000)]
    falls = [at for at, (a, b) in enumerate(zip(chosen, chosen[1:], strict=False)) if b < a]
    waits = [b - a for a, b in zip(falls, falls[1:], strict=False)]
    assert waits == sorted(waits)
    assert waits[-1] > 10 * waits[0]


def test_dropped_images_lead_to_the_largest_at_once():
    """As where a recording is played faster than its stamps say."""
    camera = Camera()
    assert camera.windows(40, 0.02)[-1] == 4
    assert camera.window(0.02, dropped=True) == 8
    assert camera.windows(13, 0.02) == [8] * 13
    assert camera.window(0.02) == 4


def test_stamps_that_do_not_advance_tell_no_rate():
    camera = Camera()
    for _ in range(40):
        camera.live.add_frame(5)
        camera.live.add_time(0.01, True)
        assert camera.live.choose(False) == 8

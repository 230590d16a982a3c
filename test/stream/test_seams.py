"""What happens where two windows meet."""

import numpy as np

from dvd_ros.stream import Frame, StreamConfig
from dvd_ros.stream.alignment import Alignment, to_stream_scale
from dvd_ros.stream.depth_stream import DepthStream
from dvd_ros.stream.held_frames import HeldFrames
from dvd_ros.stream.window import Window

FRAMES = [Frame(np.zeros((2, 3, 3), np.uint8), stamp) for stamp in range(20)]


def window(index, first, count, new, value, segment=0):
    """A window of flat depth: what HeldFrames.add takes."""
    raw = np.full((count, 2, 3), value, np.float32)
    frames = FRAMES[first:first + count]
    return (Window(frames=frames, new=new, index=index, prepared=frames), raw,
            Alignment(to_stream_scale(raw[-new:], 1.0, 0.0), 1.0, 0.0, 0.0, 1.0, segment))


def values(estimates):
    return [float(estimate.disparity[0, 0]) for estimate in estimates]


def test_a_jump_fades_over_the_frames_that_follow():
    seams = HeldFrames(0, fade=3)
    assert values(seams.add(*window(0, 0, 6, 6, 0.4))) == [np.float32(0.4)] * 6
    after = values(seams.add(*window(1, 3, 8, 5, 0.8)))
    np.testing.assert_allclose(after, [0.5, 0.6, 0.7, 0.8, 0.8], atol=1e-6)


def test_what_is_left_of_a_jump_goes_on_fading_in_the_next_window():
    seams = HeldFrames(0, fade=3)
    seams.add(*window(0, 0, 6, 6, 0.4))
    seams.add(*window(1, 3, 5, 2, 0.8))  # ends at 0.6, 0.2 below its own
    np.testing.assert_allclose(values(seams.add(*window(2, 5, 5, 2, 0.8))), [0.65, 0.7], atol=1e-6)


def test_no_jump_is_carried_into_another_segment_nor_over_a_gap_nor_without_fade():
    for second, fade in ((window(1, 3, 8, 5, 0.8, segment=1), 3), (window(1, 8, 8, 5, 0.8), 3),
                         (window(1, 3, 8, 5, 0.8), 0)):
        seams = HeldFrames(0, fade)
        seams.add(*window(0, 0, 6, 6, 0.4))
        assert values(seams.add(*second)) == [np.float32(0.8)] * 5


def test_disparity_never_falls_below_zero():
    seams = HeldFrames(0, fade=3)
    seams.add(*window(0, 0, 6, 6, 0.0))
    _, raw, alignment = window(1, 3, 8, 5, 0.8)
    raw[3:] = 0.1  # what the window says of new frames; 0.8 of the last one
    alignment = Alignment(to_stream_scale(raw[-5:], 1.0, 0.0), 1.0, 0.0, 0.0, 1.0, 0)
    held = seams.add(Window(frames=FRAMES[3:11], new=5, index=1, prepared=FRAMES[3:11]), raw,
                     alignment)
    assert min(values(held)) == 0.0


class Alternating:
    """A model whose windows disagree by a bump that no scale and shift can explain."""

    window = 9

    def __init__(self):
        self._calls = 0

    def predict(self, images):
        self._calls += 1
        ramp = np.linspace(0.1, 0.9, 32 * 48, dtype=np.float32).reshape(32, 48)
        bump = np.zeros_like(ramp)
        bump[10:16, 20:28] = 0.1 * (self._calls % 2)
        return np.repeat((ramp + bump)[None], len(images), 0)


def largest_step(fade):
    stream = DepthStream(Alternating(), StreamConfig(window=9, overlap=3, fade=fade))
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    done = [d for i in range(33) for d in stream.push(Frame(image, i * 33_000_000))]
    assert len(done) == 33
    disparity = np.stack([d.disparity for d in done])
    return float(np.abs(np.diff(disparity, axis=0)).max())


def test_the_stream_does_not_jump_where_windows_meet():
    jump, faded = largest_step(0), largest_step(4)
    assert jump > 0.09
    assert faded < 0.3 * jump

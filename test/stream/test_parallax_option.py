"""The stream with `parallax`: when it corrects disparity, and that it is the refiner that does."""

from dataclasses import replace

import numpy as np
from moving_camera import INTRINSICS, view

from dvd_ros.parallax import ParallaxRefiner
from dvd_ros.stream import DepthStream, Frame, StreamConfig

POSITIONS = [(0.06 * i, 0.0, 0.0) for i in range(14)]
CONFIG = StreamConfig(window=5, overlap=1, parallax=True)


class Guesser:
    """Disparity of the true depth of the first camera, the left taken for nearer than it is."""

    window = 5

    def predict(self, images: np.ndarray) -> np.ndarray:
        depth = view(POSITIONS[0])[1]
        wrong = np.linspace(1.3, 0.8, depth.shape[1], dtype=np.float32)
        return np.repeat((0.6 * wrong / depth)[None], len(images), axis=0)


def run(config: StreamConfig, known: bool = True, change=None) -> list[np.ndarray]:
    stream, done = DepthStream(Guesser(), config), []
    for i, position in enumerate(POSITIONS):
        if change and i == len(POSITIONS) // 2:
            stream.change(change)
        done += stream.push(Frame(view(position)[0], i * 33_000_000, 'camera',
                                  INTRINSICS if known else None))
    return [one.disparity for one in done + stream.flush()]


def test_it_gives_what_the_refiner_makes_of_the_plain_stream():
    plain, refined = run(replace(CONFIG, parallax=False)), run(CONFIG)
    refiner, images = ParallaxRefiner(), [view(position)[0] for position in POSITIONS]
    # One window whole, then what is new of each.
    for first, end in ((0, 5), (5, 9), (9, 13), (13, 14)):
        expected = refiner.refine(images[first:end], INTRINSICS, plain[first:end])
        for one, other in zip(expected, refined[first:end], strict=True):
            np.testing.assert_array_equal(one.disparity, other)
    assert np.abs(refined[-1] - plain[-1]).max() > 0.03


def test_without_intrinsics_nothing_is_corrected():
    for before, after in zip(run(replace(CONFIG, parallax=False)), run(CONFIG, known=False),
                             strict=True):
        np.testing.assert_array_equal(before, after)


def test_it_may_be_switched_off_while_the_stream_runs():
    plain = run(replace(CONFIG, parallax=False))
    switched = run(CONFIG, change=replace(CONFIG, parallax=False))
    np.testing.assert_array_equal(switched[-1], plain[-1])

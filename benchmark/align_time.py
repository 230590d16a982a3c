"""Time of aligning one window, as a ratio to one pass of numpy over its new frames.

Milliseconds are the core's own, so that other jobs on it do not count. 480x640, 13 frames, the
overlap by --overlap.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from dvd_ros.stream import WindowAligner


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--overlap', type=int, default=9, help='of 13 frames')
    parser.add_argument('--size', type=int, nargs=2, default=(480, 640), metavar=('H', 'W'))
    parser.add_argument('--windows', type=int, default=60)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    small = rng.random((13, 12, 16), np.float32)
    base = np.stack([cv2.resize(x, options.size[::-1], interpolation=cv2.INTER_CUBIC)
                     for x in small])
    new = 13 - options.overlap
    aligner = WindowAligner()
    aligner.align(base, 13)
    taken, passes = [], []
    for index in range(options.windows):
        # The overlap is the last window's tail on another scale, with noise, as a model's is.
        window = np.roll(base, -new * (index + 1), axis=0) * np.float32(rng.uniform(0.9, 1.1))
        window += rng.normal(0, 0.01, window.shape).astype(np.float32)
        start = time.thread_time()
        aligner.align(window, new)
        middle = time.thread_time()
        window[-new:] * np.float32(2.0)
        taken.append(middle - start)
        passes.append(time.thread_time() - middle)
    print(f'{options.overlap} of 13 frames overlap, {options.size[0]}x{options.size[1]}: '
          f'{1e3 * np.median(taken):.2f} ms (95 %: {1e3 * np.quantile(taken, 0.95):.2f} ms), '
          f'{np.median(taken) / np.median(passes):.1f} times one pass over the {new} new frames')


if __name__ == '__main__':
    main()

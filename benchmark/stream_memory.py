"""
Memory of the process while frames stream through a DepthStream: it has to stay flat.

    python benchmark/stream_memory.py                   the shipped model
    python benchmark/stream_memory.py --stand-in        the stream alone, with a trivial model
    python benchmark/stream_memory.py --parallax        with parallax, the demo to and fro

Ends with a table; exit status 1 if memory grew by more than --limit after the first tenth.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, cycle, islice
from typing import Any

import numpy as np
from _processes import resident

from dvd_ros.assets_path import ASSETS
from dvd_ros.capture import open_capture
from dvd_ros.stream import DepthStream, Frame, StreamConfig


class StandIn:
    """Luminance as disparity."""

    name = 'stand-in'
    window = 81
    size = None

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Turn uint8 [T,H,W,3] into float32 [T,H,W] in 0..1."""
        return images.mean(axis=3, dtype=np.float32) / 255.0


def textures(height: int, width: int) -> Iterator[Frame]:
    """Yield a texture that passes by without end."""
    texture = np.random.default_rng(0).integers(0, 256, (height, 2 * width, 3), np.uint8)
    for shift in cycle(range(0, width, 3)):
        yield Frame(texture[:, shift:shift + width].copy(), 0)


def to_and_fro() -> Iterator[Frame]:
    """Yield the demo's clip, forwards and backwards without end."""
    clip = list(open_capture(ASSETS / 'demo'))
    for frame in cycle(chain(clip, clip[-2:0:-1])):
        yield replace(frame, image=frame.image.copy())


def main() -> int:
    """Stream, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--frames', type=int, default=2000)
    parser.add_argument('--every', type=int, default=200)
    parser.add_argument('--size', type=int, nargs=2, default=(240, 320), metavar=('H', 'W'),
                        help='without --parallax, whose clip has its own')
    parser.add_argument('--model', default='mini')
    parser.add_argument('--rule', default=StreamConfig.rule)
    parser.add_argument('--stand-in', action='store_true', help='a trivial model instead')
    parser.add_argument('--parallax', action='store_true', help="on the demo's clip")
    parser.add_argument('--limit', type=float, default=16.0, help='growth allowed, MB')
    args = parser.parse_args()
    if args.stand_in:
        regressor: Any = StandIn()
    else:
        from dvd_ros.regressor import load_regressor
        regressor = load_regressor(args.model, window=StreamConfig.window)

    stream = DepthStream(regressor, StreamConfig(rule=args.rule, parallax=args.parallax))
    rows, start = [], time.monotonic()
    frames = to_and_fro() if args.parallax else textures(*args.size)
    corrected = 0
    # A fresh image every time, as from a camera.
    for number, frame in enumerate(islice(frames, args.frames)):
        done = stream.push(replace(frame, stamp=round(number * 1e9 / 30)))
        corrected += sum(one.told is not None for one in done)
        height, width = frame.size
        if (number + 1) % args.every == 0:
            rate = (number + 1) / (time.monotonic() - start)
            rows.append((number + 1, resident(os.getpid()), rate))
            print(f'{number + 1} frames, {rows[-1][1]:.1f} MB', file=sys.stderr, flush=True)
    stream.flush()
    counters = stream.counters
    print(f'model {regressor.name}, {width}x{height}, window {stream.config.window}, '
          f'overlap {stream.config.overlap}, rule {stream.config.rule}')
    print('| frames | resident MB | frames/s |\n|-------:|-------------:|---------:|')
    for count, memory, rate in rows:
        print(f'| {count:6d} | {memory:12.1f} | {rate:8.1f} |')
    # The first windows still fill caches and buffers.
    warm = rows[max(len(rows) // 10 - 1, 0)][1] if rows else resident(os.getpid())
    growth = resident(os.getpid()) - warm
    print(f'received {counters.received}, published {counters.published}, '
          f'dropped {sum(counters.dropped.values())}; growth {growth:+.1f} MB'
          + (f'; parallax told something of {corrected}' if args.parallax else ''))
    return int(growth > args.limit or counters.published != args.frames)


if __name__ == '__main__':
    sys.exit(main())

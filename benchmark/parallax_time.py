"""What `parallax: true` costs: the stream with it beside the stream without, on the same images.

Both streams take window after window in turn, so that both meet the same machine. Prints wall time
and CPU time of all threads for a frame, and the ratios; the first windows are left out.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice

import numpy as np

from dvd_ros.assets_path import ASSETS
from dvd_ros.capture import open_capture
from dvd_ros.regressor import load_regressor
from dvd_ros.stream import DepthStream, StreamConfig


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', nargs='?', default=ASSETS / 'demo',
                        help="a folder that says what its camera is; default: the demo's clip")
    parser.add_argument('--model', default='mini')
    parser.add_argument('--frames', type=int, default=120)
    options = parser.parse_args()
    frames = list(islice(open_capture(options.source), options.frames))
    # One window to begin with, one to be computed while nothing is warm.
    begin = StreamConfig.window + StreamConfig().most_new
    if len(frames) <= begin:
        parser.error(f'{options.source} has {len(frames)} frames, more than {begin} are needed')
    if frames[0].intrinsics is None:
        parser.error(f'{options.source} does not say what its camera is: no parallax')
    regressor = load_regressor(options.model)
    streams = [DepthStream(regressor, StreamConfig(parallax=wanted)) for wanted in (False, True)]
    stride = streams[0].stride
    spent = np.zeros((2, 2))
    for stream in streams:
        for frame in frames[:begin]:
            stream.push(frame)
    for first in range(begin, len(frames), stride):
        for row, stream in zip(spent, streams, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            for frame in frames[first:first + stride]:
                stream.push(frame)
            row += time.perf_counter() - wall, time.process_time() - cpu
    spent *= 1e3 / (len(frames) - begin)
    height, width = frames[0].size
    print(f'| {width}x{height}, for a frame | wall, ms | CPU, ms |\n|---|--:|--:|')
    for name, row in zip(('without', 'with parallax'), spent, strict=True):
        print(f'| {name} | {row[0]:.1f} | {row[1]:.1f} |')
    print('with / without: wall {:.2f}, CPU {:.2f}'.format(*(spent[1] / spent[0])))


if __name__ == '__main__':
    main()

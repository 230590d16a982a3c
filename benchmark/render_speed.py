"""How many stills a second one core renders, of each style of scenes.

The time is that of this process alone, so that other jobs on the core do not count, after a first
scene of each that compiles; textures that are drawn when first asked for are part of it.
"""

from __future__ import annotations

import argparse
import time

import cv2

from dvd_ros.cli._size import parse_size
from dvd_ros.training.render import STYLES, RenderConfig, render_clip


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', default='144x192', metavar='HxW')
    parser.add_argument('--scenes', type=int, default=200)
    parser.add_argument('--street', type=float, default=0.2)
    options = parser.parse_args()
    height, width = parse_size(options.size)
    cv2.setNumThreads(1)
    print('style | stills/s of one core')
    for style in STYLES:
        config = RenderConfig(1, height, width, street=options.street, style=style)
        render_clip(999_999, config)
        begun = time.process_time()
        for seed in range(options.scenes):
            render_clip(seed, config)
        print(f'{style} | {options.scenes / (time.process_time() - begun):.1f}')


if __name__ == '__main__':
    main()

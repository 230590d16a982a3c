"""Floating-point operations with the full and the light codec, counted without weights.

Prints TFLOP of a window by part of the network and per published frame, beside the reference's
order of work: windows of 81 frames that overlap by 21, the VAE in chunks, the transformer unfolded.
A multiplication with its addition is 2; only convolutions and matrix products are counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dvd_ros.evaluation.window_flops import Flops, window_flops
from dvd_ros.model import DvdConfig

TITLES = {'reference': 'reference', 'full': 'full codec', 'light': 'light codec',
          'taew2_1': 'public taew2_1'}


def row(title: str, flops: Flops, window: int, overlap: int) -> str:
    """A line of the table."""
    cells = [f'{part / 1e12:.2f}' for part in (flops.encode, flops.transform, flops.decode,
                                               flops.total, flops.total / (window - overlap))]
    return f'| {title} | {window}/{overlap} | {" | ".join(cells)} |'


def main() -> None:
    """Parse the command line, count, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', type=Path, default=None,
                        help="a model's config.json (default: Wan2.1-1.3B)")
    parser.add_argument('--size', type=int, nargs=2, default=None, metavar=('H', 'W'))
    parser.add_argument('--window', type=int, default=13)
    parser.add_argument('--overlap', type=int, default=5)
    options = parser.parse_args()
    config = DvdConfig.load(options.config)
    size = tuple(options.size) if options.size else config.size or (480, 640)
    wan = (len(config.latents_mean), config.spatial_factor) == (16, 8)
    found = {form: window_flops(config, form, options.window, size)
             for form in TITLES if form != 'taew2_1' or wan}
    long = window_flops(config, 'reference', 81, size)
    print(f'{size[0]}x{size[1]}, TFLOP\n\n'
          '| | window/overlap | encode | transform | decode | window | published frame |\n'
          '|---|---|--:|--:|--:|--:|--:|')
    print(row('reference', long, 81, 21))
    for form, flops in found.items():
        print(row(TITLES[form], flops, options.window, options.overlap))
    light, full = found['light'], found['full']
    frames = options.window - options.overlap
    print(f'\nlight / full codec: 1/{full.codec / light.codec:.1f}; '
          f'light / full window: {light.total / full.total:.3f}; '
          f'light / reference, published frame: 1/{long.total / 60 / light.total * frames:.2f}')


if __name__ == '__main__':
    main()

"""Memory and time that exporting the full-width network (Wan2.1-1.3B, 30 layers) takes.

Random weights, no GPU. Prints what each part took and the peak of the process's memory. The files
go to a temporary folder, which needs 5 GB, or are kept in --out.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from dvd_ros.model import DvdConfig
from dvd_ros.model.export import PRECISIONS, export_onnx
from dvd_ros.model.random_weights import random_model


def main() -> None:
    """Parse the command line, export, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--precision', choices=sorted(PRECISIONS), default='fp16')
    parser.add_argument('--window', type=int, default=13)
    parser.add_argument('--size', type=int, nargs=2, default=(480, 640), metavar=('H', 'W'))
    parser.add_argument('--layers', type=int, default=30)
    parser.add_argument('--out', type=Path)
    options = parser.parse_args()
    config = DvdConfig.wan21_1_3b()
    config.dit['num_layers'] = options.layers
    last = start = time.perf_counter()

    def report(step: str) -> None:
        nonlocal last
        now = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f'{step:24} {now - last:7.1f} s   peak so far {peak:5.2f} GB', flush=True)
        last = now

    model = random_model(config, dtype=PRECISIONS[options.precision])
    report('random weights')
    model = model.specialise()
    report('specialised')
    with tempfile.TemporaryDirectory() as scratch:
        folder = export_onnx(model, options.out or Path(scratch) / 'export', name='random',
                             window=options.window, sizes=[tuple(options.size)], report=report)
        report('files written')
        total = sum(path.stat().st_size for path in folder.iterdir())
    print(f'{options.window}x{options.size[0]}x{options.size[1]} {options.precision}, '
          f'{options.layers} layers: {total / 1e9:.2f} GB in {time.perf_counter() - start:.0f} s')


if __name__ == '__main__':
    main()

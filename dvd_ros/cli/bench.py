"""`dvd-ros bench`: time and memory of a model, beside the reference's order of work."""

from __future__ import annotations

import argparse
import sys

from dvd_ros.cli._size import parse_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros bench`."""
    parser.add_argument('model', nargs='?', default='mini',
                        help="a model as of the node, or 'random-1.3b': full width, random weights "
                             '(default: mini)')
    parser.add_argument('--backend', default='auto',
                        choices=('auto', 'onnxruntime', 'tensorrt', 'torch'),
                        help="(default: auto); 'onnxruntime' exports a model that has no graphs")
    parser.add_argument('--device', default='auto', help="'cpu', 'cuda' (default: auto)")
    parser.add_argument('--precision', choices=('fp32', 'fp16', 'bf16'), default='fp32')
    parser.add_argument('--window', type=int, default=0,
                        help="frames of a window, 4n+1 (default: the model's own)")
    parser.add_argument('--overlap', type=int, default=5,
                        help='frames that windows share (default: 5)')
    parser.add_argument('--size', metavar='HxW',
                        help="size of the images in pixels (default: the model's own)")
    parser.add_argument('--long', action='store_true',
                        help='measure the reference with windows of 81 frames too')
    parser.add_argument('--repeats', type=int, default=5, help='windows to time (default: 5)')
    parser.add_argument('--compile', action='store_true', help='torch: through torch.compile')
    parser.add_argument('--cuda-graphs', action='store_true', help='torch: as CUDA graphs')


def run(args: argparse.Namespace) -> int:
    """Measure and print; 0 when done, 1 where what was asked for is not installed."""
    from dvd_ros.evaluation.regressor_bench import BenchConfig, run_bench

    config = BenchConfig(
        model=args.model, backend=args.backend, device=args.device, precision=args.precision,
        window=args.window, overlap=args.overlap, long=args.long, repeats=args.repeats,
        size=parse_size(args.size) if args.size else None,
        compile=args.compile, cuda_graphs=args.cuda_graphs)
    try:
        run_bench(config, lambda line: print(line, flush=True))
    except ImportError as error:
        print(f'dvd-ros bench: {error}', file=sys.stderr)
        return 1
    return 0

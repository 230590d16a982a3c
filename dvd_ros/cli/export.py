"""`dvd-ros export`: a model as ONNX graphs of fixed shapes, for ONNX Runtime and TensorRT."""

from __future__ import annotations

import argparse
from pathlib import Path

from dvd_ros.cli._size import parse_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros export`."""
    parser.add_argument('model', help='mini (shipped), dvd-1.0, dvd-1.1, or a model folder')
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='FOLDER',
                        help='folder for the graphs, their weights and manifest.json; where it is '
                             "the model's own, graphs share what they can of its weights")
    parser.add_argument('--window', type=int, default=0,
                        help="frames of a window, 4n+1 (default: the model's own, else 13)")
    parser.add_argument('--size', action='append', default=[], metavar='HxW',
                        help="size of the network's images in pixels; may be given again for "
                             "cameras of another shape (default: the model's own)")
    parser.add_argument('--precision', choices=('fp32', 'fp16', 'bf16'), default='fp32',
                        help='what the graphs compute in; norms and softmax stay fp32 '
                             '(default: fp32)')
    parser.add_argument('--codec', default='full', metavar='full|light|FILE',
                        help="the model's own codec, the light one beside it, or that of a file "
                             '(default: full)')
    parser.add_argument('--half-storage', action='store_true',
                        help='keep fp32 weights as fp16 in the file, at half the size')


def run(args: argparse.Namespace) -> int:
    """Export; 0 when the folder is written."""
    from dvd_ros.model import DvdConfig, DvdModel
    from dvd_ros.model.export import PRECISIONS, export_onnx
    from dvd_ros.model.light_checkpoint import load_light
    from dvd_ros.regressor import light_codec_file, locate_checkpoint

    sizes = [parse_size(text) for text in args.size]
    dit, vae, config, name = locate_checkpoint(args.model)
    light = light_codec_file(vae, args.codec, args.model)
    read = DvdConfig.load(config)
    if not sizes:
        if read.size is None:
            raise ValueError(f'{args.model} has no size of its own: give one, as --size 480x640')
        sizes = [read.size]
    model = DvdModel.from_checkpoint(dit, vae, read, dtype=PRECISIONS[args.precision])
    print(f'exporting {name} ...', flush=True)
    sources = [path for path in (dit, vae, config, light) if path is not None]
    fast = model.specialise(None if light is None else load_light(light, read, model.vae,
                                                                  dtype=model.dtype))
    del model  # its memory is needed for what follows
    own = args.out.is_dir() and args.out.samefile(dit.parent)
    folder = export_onnx(fast, args.out, name=name, window=args.window or read.window or 13,
                         sizes=sizes, half_storage=args.half_storage,
                         sources=sources,
                         beside=[p for p in (dit, vae) if own and p.parent.samefile(args.out)])
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f'written to {folder}: {total / 1e6:.1f} MB')
    return 0

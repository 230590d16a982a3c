"""`dvd-ros train codec`: distil a light codec for a model from its full one, on any videos."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from dvd_ros.cli._size import parse_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros train codec`."""
    parser.add_argument('model', help='mini (shipped), dvd-1.0, dvd-1.1, or a model folder')
    parser.add_argument('videos', type=Path, help='folder of videos, of image folders, or of the '
                        'shards that `dvd-ros train mini` renders')
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='FILE',
                        help='file to write; as light.safetensors beside the VAE of the model it '
                        'is found by itself. A run that was cut off goes on from the folder '
                        'FILE.training beside it')
    parser.add_argument('--size', default='', metavar='HxW',
                        help="of the views that are cut from the videos (default: the model's "
                        'own, which for large models takes much memory)')
    parser.add_argument('--memory', type=float, default=2.0, metavar='GB',
                        help='for frames of videos (default: 2)')
    for name, kind, text in (
            ('window', int, "frames of a view, 4n+1 (default: the model's own, else 13)"),
            ('width', int, "channels of the finest level (default: two thirds of the full "
                           "codec's)"),
            ('batch', int, 'views of a step (default: 2)'),
            ('steps', int, 'steps in all (default: 3000)'),
            ('rate', float, 'peak learning rate (default: 1e-3)'),
            ('noise', float, 'of the latents that the decoder sees (default: 0.1)'),
            ('depth_weight', float, 'of the error behind the transformer; 0 is cheaper and for '
                                    'large models (default: 1)'),
            ('seed', int, 'of weights and views (default: 7)')):
        parser.add_argument(f'--{name.replace("_", "-")}', type=kind, help=text)


def run(args: argparse.Namespace) -> int:
    """Train what is left of the steps; 0 when the file is written."""
    from dvd_ros.model import DvdConfig, DvdModel
    from dvd_ros.regressor import locate_checkpoint
    from dvd_ros.training.distil import DistilRecipe, distil, read_windows

    dit, vae, config, name = locate_checkpoint(args.model)
    read = DvdConfig.load(config)
    size = parse_size(args.size) if args.size else read.size
    if size is None:
        raise ValueError(f'{args.model} has no size of its own: give one, as --size 240x320')
    given = {field.name: getattr(args, field.name) for field in fields(DistilRecipe)
             if field.name != 'size' and getattr(args, field.name) is not None}
    recipe = DistilRecipe(size=size, **{'window': read.window or 13, **given})
    windows = read_windows(args.videos, recipe, args.memory * 1e9)
    model = DvdModel.from_checkpoint(dit, vae, read, device=args.device)
    distil(model, windows, recipe, args.out)
    print(f'light codec of {name} written to {args.out}: {args.out.stat().st_size / 1e6:.1f} MB')
    return 0

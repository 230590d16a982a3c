"""`dvd-ros train CONFIG`: by a YAML file, a LoRA of DVD or a small model, new or taken further."""

from __future__ import annotations

import argparse
from pathlib import Path

from dvd_ros.assets_path import ASSETS

FOLDER_OF_CONFIGS = ASSETS / 'training'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros train CONFIG`."""
    parser.add_argument('work', type=Path, nargs='?', metavar='WORK',
                        help='folder for scenes and checkpoints of a small model (about 10 GB; '
                        'default: OUT.work beside OUT)')
    parser.add_argument('-o', '--out', type=Path, required=True,
                        help='folder to write to: the small model, checkpoint and export; or '
                        'config, training and merged model of a LoRA. A run that was cut off goes '
                        'on from it')
    parser.add_argument('--set', action='append', default=[], metavar='KEY=VALUE',
                        help='change a value of the file, e.g. --set run.steps=500 '
                        '--set data.0.folder=/data/hypersim')
    parser.add_argument('--eager', action='store_true',
                        help='small models: do without torch.compile, which needs a C++ compiler')
    parser.add_argument('--processes', type=int, default=2,
                        help='small models: processes that render (default: 2)')


def run(args: argparse.Namespace) -> int:
    """Train what is left to do; 0 when the model is written."""
    from dvd_ros.training.read_config import build, override, read_yaml

    content = override(read_yaml(find_config(args.what)), args.set)
    recipe = content.pop('recipe', None)
    if recipe in ('mini', 'tune'):
        work = args.work or args.out.with_name(f'{args.out.name}.work')
        how = args.processes, args.device, not args.eager
        if recipe == 'mini':
            from dvd_ros.training.recipe import MiniRecipe
            from dvd_ros.training.run import run_recipe
            model = run_recipe(work, args.out, build(MiniRecipe, content), *how)
        else:
            from dvd_ros.training.tune import tune
            from dvd_ros.training.tune_recipe import TuneRecipe
            model = tune(work, args.out, build(TuneRecipe, content), *how)
    elif recipe == 'dvd':
        from dvd_ros.training.finetune import finetune
        from dvd_ros.training.finetune_config import FinetuneConfig
        if args.work:
            raise ValueError(f'{args.work}: only small models have a folder of work; a '
                             'fine-tuning keeps all under -o')
        model = finetune(build(FinetuneConfig, content), args.out, args.device)
    else:
        raise ValueError(f'{args.what}: recipe is {recipe!r}, needed is dvd, mini or tune')
    print(f'model written to {model}')
    return 0


def find_config(what: str) -> Path:
    """The file of a name (`dvd`, `mini`, `tune`) or path; FileNotFoundError says what there is."""
    shipped = FOLDER_OF_CONFIGS / f'{what}.yaml'
    path = shipped if shipped.is_file() else Path(what).expanduser()
    if not path.is_file():
        names = ', '.join(sorted(file.stem for file in FOLDER_OF_CONFIGS.glob('*.yaml')))
        raise FileNotFoundError(f'there is no config {what}: give the path of a YAML file, or '
                                f'{names}, or codec')
    return path

"""`dvd-ros train mini`: make the small shipped model from nothing, scenes included."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros train mini`."""
    parser.add_argument('work', type=Path, help='folder for scenes and checkpoints '
                        '(about 10 GB); a run that was cut off goes on from it')
    parser.add_argument('-o', '--out', type=Path, required=True,
                        help='folder to write the model to, checkpoint and export')
    parser.add_argument('--set', action='append', default=[], metavar='NAME=NUMBER',
                        help='change one number of the recipe, e.g. --set clips=64')
    parser.add_argument('--eager', action='store_true',
                        help='do without torch.compile, which needs a C++ compiler')
    parser.add_argument('--processes', type=int, default=2, help='processes that render')


def run(args: argparse.Namespace) -> int:
    """Run every stage of the recipe that is not done yet; 0 when the model is written."""
    from dvd_ros.training.recipe import MiniRecipe
    from dvd_ros.training.run import run_recipe

    recipe = MiniRecipe()
    numbers = {f.name: type(getattr(recipe, f.name)) for f in fields(recipe)
               if isinstance(getattr(recipe, f.name), (int, float))}
    for assignment in args.set:
        name, _, value = assignment.partition('=')
        if name not in numbers:
            raise ValueError(f'--set {assignment}: the recipe has the numbers {sorted(numbers)}')
        try:
            recipe = replace(recipe, **{name: numbers[name](value)})
        except ValueError as error:
            raise ValueError(f'--set {assignment}: {error}') from error
    model = run_recipe(args.work, args.out, recipe, args.processes, args.device, not args.eager)
    print(f'model written to {model}')
    return 0

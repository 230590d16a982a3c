"""Does latent manifold rectification pay? The small model trained with it and without, otherwise
the same: start, scenes, order, budget.

Twice over: with the loss of the shipped model, most of which is of disparity and has slopes of its
own, and with DVD's loss, of latents alone (as in the paper), for which LMR was made. Scores are
means over held-out rendered clips after one fit per clip, and their standard error; the last rows
are the mean difference, view by view (two views a clip, taken as independent). The default budget
is a small one (half an hour on half a core): what it shows is the sign of an effect at most, not
its size in a full training.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState

from dvd_ros.evaluation.align import evaluate_disparity, fit_depth
from dvd_ros.evaluation.boundary import BoundaryCount, depth_edges
from dvd_ros.evaluation.temporal import relative_temporal_difference
from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.training import framewise
from dvd_ros.training.codec import train_codec
from dvd_ros.training.recipe import MiniRecipe
from dvd_ros.training.render import RenderConfig
from dvd_ros.training.scene_folders import SceneFolders
from dvd_ros.training.train_regressor import train_regressor

COLUMNS = ('boundary_f1', 'temporal', 'abs_rel')
LOSSES = {'shipped loss': {}, "DVD's loss": {'disparity_weight': 0.0, 'latent_weight': 1.0}}


def scores(disparity: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Of one clip: relative disparity and true depth, both [T,H,W]."""
    depth, known = fit_depth(disparity, truth), np.isfinite(truth) & (truth < 80.0)
    edges = BoundaryCount()
    for one, true, there in zip(depth, truth, known, strict=True):
        edges.add(depth_edges(one), depth_edges(np.where(there, true, 80.0)), np.ones_like(there))
    return {'boundary_f1': edges.scores()['f1'],
            'temporal': relative_temporal_difference(depth, truth, known),
            'abs_rel': evaluate_disparity(disparity, truth)['abs_rel']}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work', type=Path, help='folder for scenes and trainings')
    parser.add_argument('--images', type=int, default=400)
    parser.add_argument('--clips', type=int, default=32)
    parser.add_argument('--held-out', type=int, default=20)
    parser.add_argument('--codec-steps', type=int, default=250)
    parser.add_argument('--steps', type=int, default=500)
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--full', action='store_true', help='the recipe as it ships: days on a CPU')
    args = parser.parse_args()
    recipe = MiniRecipe() if args.full else MiniRecipe(
        images=args.images, clips=args.clips, size=(96, 128),
        vae_width=16, codec_batch=12, codec_steps=args.codec_steps, batch=args.batch,
        steps=args.steps, heads=4, ffn_dim=384, layers=4, validation_clips=0, preview_every=0)
    height, width = recipe.rendered
    scenes = SceneFolders(args.work, RenderConfig(recipe.window, height, width), recipe.images,
                          recipe.clips, args.held_out)
    scenes.render(1, PartialState(cpu=True))
    stills, videos, test = (scenes.read(name) for name in ('images', 'clips', 'held_out'))
    views = [test.view(np.random.default_rng(i), recipe.window, recipe.size)
             for i in range(2 * args.held_out)]

    table: dict[str, dict[str, np.ndarray]] = {}
    for loss, changes in LOSSES.items():
        for name, weight in (('with LMR', 0.5), ('without', 0.0)):
            tried = replace(recipe, rectification=weight, **changes)
            # The finished codec, once more, as the regressor's training goes on with it.
            codec = train_codec(stills, videos, args.work, recipe, compiled=args.full)
            dit = train_regressor(stills, videos, args.work / f'{loss}, {name}'.replace(' ', '_'),
                                  tried, codec, compiled=args.full)
            encoder, decoder = WholeEncoder(codec, True), WholeDecoder(codec, True)
            found = []
            for images, true in views:
                video = torch.from_numpy(images.copy()).permute(0, 3, 1, 2)[None] / 127.5 - 1
                with torch.no_grad():
                    disparity = framewise.predict(dit, encoder, decoder, video)[0].clamp_min(1e-4)
                with np.errstate(divide='ignore'):
                    found.append(scores(disparity.numpy(), (1 / true).astype(np.float32)))
            table[f'{loss}, {name}'] = {key: np.array([one[key] for one in found])
                                        for key in COLUMNS}
            print_row(f'{loss}, {name}', table[f'{loss}, {name}'])
    for loss in LOSSES:
        first, second = table[f'{loss}, with LMR'], table[f'{loss}, without']
        print_row(f'{loss}, difference', {key: first[key] - second[key] for key in COLUMNS})


def print_row(name: str, row: dict[str, np.ndarray]) -> None:
    """Mean and standard error of each column."""
    print(f'{name:28s}' + ''.join(
        f'  {key} {row[key].mean():+.4f} ({row[key].std() / len(row[key]) ** 0.5:.4f})'
        for key in COLUMNS), flush=True)


if __name__ == '__main__':
    main()

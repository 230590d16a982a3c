"""Trains the transformer as DVD does: one pass from RGB latents to depth latents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import WanTransformer3DModel

from dvd_ros.training.loop import train
from dvd_ros.training.losses import dvd_loss
from dvd_ros.training.network import make_dit, regress
from dvd_ros.training.recipe import MiniRecipe


def _load(folder: Path) -> torch.Tensor:
    """All latents of a folder, float16 [N,2,C,f,h,w]."""
    return torch.cat([torch.from_numpy(np.load(path)) for path in sorted(folder.glob('*.npy'))])


def train_dit(latents: Path, out: Path, recipe: MiniRecipe) -> WanTransformer3DModel:
    """Train on ``latents``/clips and ``latents``/images; leaves ``dit.pt`` under ``out``, resumes.

    Loss: DVD's, latent MSE plus differences in time, height and width; joint sampling of images
    and clips at a fixed timestep.
    """
    dit = make_dit(recipe)
    clips, images = _load(latents / 'clips'), _load(latents / 'images')

    def losses_of(rng: np.random.Generator, step: int) -> Mapping[str, torch.Tensor]:
        still = rng.random() < recipe.image_odds
        pool = images if still else clips
        # An image costs a quarter of a clip, so a step takes more of them.
        count = recipe.batch * (3 if still else 1)
        batch = pool[torch.from_numpy(rng.integers(0, len(pool), count))].float()
        if not still:  # windows shorter than the full one occur at a stream's end
            batch = batch[:, :, :, :int(rng.choice([2, 3, 4, 4, 4, 4]))]
        rgb, target = batch[:, 0], batch[:, 1]
        with torch.autocast('cpu', torch.bfloat16):
            pred = regress(dit, rgb)
        return dvd_loss(pred.float(), target, recipe.rectification)

    train(dit, losses_of, steps=recipe.steps, peak_rate=recipe.rate, checkpoint=out / 'dit.pt',
          seed=recipe.seed, matrix_rate=recipe.matrix_rate, warmup=min(150, recipe.steps // 5),
          save_every=50)
    return dit

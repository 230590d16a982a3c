"""Trains the transformer as DVD does: one pass from RGB latents to depth latents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import WanTransformer3DModel

from dvd_ros.training.loop import train
from dvd_ros.training.losses import dvd_loss
from dvd_ros.training.network import regress
from dvd_ros.training.recipe import MiniRecipe


def _load(folder: Path) -> torch.Tensor:
    """All latents of a folder, float16 [N,2,C,f,h,w]."""
    return torch.cat([torch.from_numpy(np.load(path)) for path in sorted(folder.glob('*.npy'))])


def train_dit(dit: WanTransformer3DModel, latents: Path, out: Path, recipe: MiniRecipe) -> None:
    """Train on ``latents``/{early,late}_{clips,images}; leaves ``early.pt`` and ``late.pt``.

    Loss: DVD's, latent MSE plus differences in time, height and width; joint sampling of images
    and clips. The late stage goes on from the early one at the native size.
    """
    for stage, steps, rate in (('early', recipe.early_steps, recipe.rate),
                               ('late', recipe.late_steps, recipe.late_rate)):
        clips = _load(latents / f'{stage}_clips')
        images = _load(latents / f'{stage}_images')

        def losses_of(rng: np.random.Generator, step: int, clips: torch.Tensor = clips,
                      images: torch.Tensor = images) -> Mapping[str, torch.Tensor]:
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

        train(dit, losses_of, steps=steps, peak_rate=rate, checkpoint=out / f'{stage}.pt',
              seed=recipe.seed, warmup=min(150, steps // 5), save_every=50)

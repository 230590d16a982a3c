"""Trains the transformer as DVD does: one pass from RGB latents to depth latents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import WanTransformer3DModel

from dvd_ros.model.dvd import Sinusoid
from dvd_ros.training.loop import train
from dvd_ros.training.losses import dvd_loss
from dvd_ros.training.recipe import MiniRecipe

TIMESTEP = 500.0  # DVD's structural anchor, tau = 0.5


def make_dit(recipe: MiniRecipe) -> WanTransformer3DModel:
    """A fresh transformer whose time embedding is the one that DvdModel runs."""
    torch.manual_seed(recipe.seed + 1)
    dit = WanTransformer3DModel(**recipe.dit_arguments())
    dit.condition_embedder.timesteps_proj = Sinusoid(dit.config.freq_dim)
    # With an all-zero text the text path is a constant: it would only be weight to carry.
    for name, parameter in dit.named_parameters():
        if 'attn2' in name or 'text_embedder' in name or '.norm2.' in name:
            parameter.requires_grad_(False)
            if 'attn2.to_out' in name:
                torch.nn.init.zeros_(parameter)
    return dit


def _load(folder: Path, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """All latents of a folder, normalised, float16 [N,2,C,f,h,w]."""
    arrays = [torch.from_numpy(np.load(path)) for path in sorted(folder.glob('*.npy'))]
    return torch.cat([((a.float() - mean) / std).half() for a in arrays])


def train_dit(latents: Path, out: Path, recipe: MiniRecipe, statistics) -> WanTransformer3DModel:
    """Train on ``latents``/{early,late}_{clips,images}; leaves ``early.pt`` and ``late.pt``.

    Loss: DVD's, latent MSE plus differences in time, height and width; joint sampling of images
    and clips. The late stage goes on from the early one at the native size.
    """
    mean, std = (torch.tensor(s).view(-1, 1, 1, 1) for s in statistics)
    dit = make_dit(recipe)
    for stage, steps, rate in (('early', recipe.early_steps, recipe.rate),
                               ('late', recipe.late_steps, recipe.late_rate)):
        clips = _load(latents / f'{stage}_clips', mean, std)
        images = _load(latents / f'{stage}_images', mean, std)

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
                pred = dit(rgb, torch.full((count,), TIMESTEP), torch.zeros(count, 1, 16),
                           return_dict=False)[0]
            return dvd_loss(pred.float(), target, recipe.rectification)

        train(dit, losses_of, steps=steps, peak_rate=rate, checkpoint=out / f'{stage}.pt',
              seed=recipe.seed, warmup=min(150, steps // 5), save_every=50)
    return dit

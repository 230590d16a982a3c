"""Makes the codec of depth: an encoder of principal components and a decoder of disparity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan

from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.training import framewise
from dvd_ros.training.batches import Batch, Prefetch, Scenes
from dvd_ros.training.loop import train
from dvd_ros.training.losses import slope_error
from dvd_ros.training.network import make_vae
from dvd_ros.training.principal import start_from_components
from dvd_ros.training.recipe import MiniRecipe


def make_codec(images: Scenes, recipe: MiniRecipe) -> AutoencoderKLWan:
    """The VAE with the final encoder of disparity, from ``images``; the decoder is random."""
    vae = framewise.make_framewise(make_vae(recipe))
    batch = images.batch(np.random.default_rng(recipe.seed), 256, 1, recipe.size)
    shown = torch.cat([batch.images[:128], framewise.grey(batch.target)[128:]])
    start_from_components(vae, shown.transpose(1, 2))
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    return vae


def train_codec(stills: Scenes, videos: Scenes, out: Path, recipe: MiniRecipe,
                device: str = 'cpu', compiled: bool = True) -> AutoencoderKLWan:
    """Train the decoder on single images and clips; leaves ``codec.pt`` under ``out``, resumes.

    The encoder stays as ``make_codec`` sets it. The decoder learns disparity alone, shown as
    grey, from latents with some noise, as no regressed latents are exact; one step in three on
    clips. ``compiled``: by torch.compile, which needs a C++ compiler.
    """
    vae = make_codec(stills, recipe).to(device)

    def make(step: int) -> Batch:
        rng = np.random.default_rng((recipe.seed, step, 1))
        if step % 3 != 2:
            return stills.batch(rng, recipe.codec_batch, 1, recipe.size)
        return videos.batch(rng, max(1, recipe.codec_batch // 10), recipe.window, recipe.size)

    encoder, decoder = WholeEncoder(vae), WholeDecoder(vae, trainable=True)

    def forward(true: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            with torch.no_grad():
                latents = encoder(framewise.grey(true)).float()
            return framewise.disparity(
                decoder, latents + recipe.codec_noise * torch.randn_like(latents))

    fast = torch.compile(forward, dynamic=False) if compiled else forward
    batches = Prefetch(make)

    def losses_of(_: np.random.Generator, step: int) -> Mapping[str, torch.Tensor]:
        true = batches(step).target.to(device)
        error = 2 * (fast(true) - true)
        slope = slope_error(error)
        return {'l1': error.abs().mean(), 'slope': slope,
                'total': error.abs().mean() + error.square().mean() + slope}

    train(vae, losses_of, steps=recipe.codec_steps, peak_rate=recipe.codec_rate,
          checkpoint=out / 'codec.pt', seed=recipe.seed)
    return vae.requires_grad_(False)

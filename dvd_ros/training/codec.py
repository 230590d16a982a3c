"""Makes the codec of depth: an encoder of principal components and a decoder of disparity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor, nn

from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.training import framewise
from dvd_ros.training.batches import Scenes, Views, clips_for
from dvd_ros.training.loop import train
from dvd_ros.training.losses import slope_error
from dvd_ros.training.narrow import narrow
from dvd_ros.training.network import make_vae
from dvd_ros.training.passes import Batch, Shared
from dvd_ros.training.principal import start_from_components
from dvd_ros.training.recipe import MiniRecipe


def make_codec(images: Scenes, recipe: MiniRecipe) -> AutoencoderKLWan:
    """The VAE with the final encoder of disparity, from ``images``; the decoder is random."""
    vae = framewise.make_framewise(make_vae(recipe))
    batch = images.batch(np.random.default_rng(recipe.seed), 256, 1, recipe.size)
    shown = torch.cat([batch['images'][:128], framewise.grey(batch['target'])[128:]])
    start_from_components(vae, shown.transpose(1, 2))
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    return vae


class _CodecObjective(nn.Module):
    """The error of disparity that went through the codec, with noise on its latents."""

    partial = True  # single images do without what mixes frames

    def __init__(self, vae: AutoencoderKLWan, recipe: MiniRecipe, compiled: bool) -> None:
        super().__init__()
        self.vae, self.noise = vae, recipe.codec_noise
        self.encoder, self.decoder = WholeEncoder(vae), WholeDecoder(vae, trainable=True)
        self._run = torch.compile(self._pass, dynamic=False) if compiled else self._pass

    def _pass(self, true: Tensor) -> Tensor:
        with narrow(true.device):
            with torch.no_grad():
                latents = self.encoder(framewise.grey(true)).float()
            noisy = latents + self.noise * torch.randn_like(latents)
            return framewise.disparity(self.decoder, noisy)

    def forward(self, batch: Batch, step: int) -> dict[str, Tensor]:
        true = batch['target']
        error = 2 * (self._run(true) - true)
        slope = slope_error(error)
        return {'l1': error.abs().mean(), 'slope': slope,
                'total': error.abs().mean() + error.square().mean() + slope}


def train_codec(stills: Scenes, videos: Scenes, out: Path, recipe: MiniRecipe,
                device: str = 'cpu', compiled: bool = True) -> AutoencoderKLWan:
    """Train the decoder on single images and clips, in the folder ``out``/codec; resumes.

    The encoder stays as ``make_codec`` sets it. The decoder learns disparity alone, shown as
    grey, from latents with some noise, as no regressed latents are exact; one step in three on
    clips. ``compiled``: by torch.compile, which needs a C++ compiler.
    """
    vae = make_codec(stills, recipe).to(device)

    def make(step: int) -> Views:
        rng = np.random.default_rng((recipe.seed, step, 1))
        if step % 3 != 2:
            return stills.batch(rng, recipe.codec_batch, 1, recipe.size)
        return videos.batch(rng, clips_for(recipe.codec_batch), recipe.window, recipe.size)

    train(_CodecObjective(vae, recipe, compiled), Shared(make), recipe.codec_optimiser(),
          recipe.run_of(recipe.codec_steps), out / 'codec', device=device,
          recipe=recipe.described())
    return vae.requires_grad_(False)

"""The last stage: encoder, transformer and decoder together, on the disparity that comes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor

from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.training import framewise
from dvd_ros.training.batches import Batch, Prefetch, Scenes
from dvd_ros.training.loop import train
from dvd_ros.training.losses import disparity_loss
from dvd_ros.training.recipe import MiniRecipe


def refine(stills: Scenes, videos: Scenes, out: Path, recipe: MiniRecipe, vae: AutoencoderKLWan,
           dit: WanTransformer3DModel, device: str = 'cpu', compiled: bool = True) -> None:
    """Train a whole model on, in place; leaves ``refine.pt`` under ``out``, resumes from it.

    vae, dit: a model whose output ``framewise.leave_room`` has scaled by the recipe's room.
    Each step sees windows and single images, both through the decoder at full size: windows are
    what the stream asks for, images show ten times as many scenes in the same time.
    """
    size, room = recipe.size, recipe.disparity_room
    whole = torch.nn.ModuleDict({
        'encoder': vae.encoder, 'quant_conv': vae.quant_conv, 'dit': dit,
        'post_quant_conv': vae.post_quant_conv, 'decoder': vae.decoder}).to(device)
    whole.requires_grad_(True)
    for name, parameter in dit.named_parameters():  # constants, see network.make_dit
        if 'attn2' in name or 'text_embedder' in name or '.norm2.' in name:
            parameter.requires_grad_(False)
    encoder, decoder = WholeEncoder(vae, trainable=True), WholeDecoder(vae, trainable=True)

    def forward(video: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16):
            latents = framewise.regress(dit, encoder(video))
            return framewise.disparity(decoder, latents).float()

    fast = torch.compile(forward, dynamic=False) if compiled else forward

    def make(step: int) -> tuple[Batch, Batch]:
        rng = np.random.default_rng((recipe.seed, step, 4))
        return (videos.batch(rng, recipe.refine_windows, recipe.window, size),
                stills.batch(rng, recipe.refine_images, 1, size))

    batches = Prefetch(make)

    def losses_of(_: np.random.Generator, step: int) -> Mapping[str, Tensor]:
        losses: dict[str, Tensor] = {}
        for batch, weight in zip(batches(step), (recipe.window_weight, 1 - recipe.window_weight),
                                 strict=True):
            disparity = (fast(batch.images.to(device)) - 0.5) / room + 0.5
            for name, value in disparity_loss(disparity, batch.target.to(device),
                                              batch.relative.to(device)).items():
                losses[name] = losses.get(name, 0) + weight * value
        return losses

    train(whole, losses_of, steps=recipe.refine_steps, peak_rate=recipe.refine_rate,
          checkpoint=out / 'refine.pt', seed=recipe.seed,
          matrix_rate=recipe.refine_rate * recipe.matrix_rate / recipe.rate,
          warmup=min(200, recipe.refine_steps // 5), save_every=100)
    whole.requires_grad_(False)

"""Trains the transformer, and the encoder before it, to give the codec's latents of depth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor
from torch.nn import functional

from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.training import framewise
from dvd_ros.training.batches import Batch, Prefetch, Scenes
from dvd_ros.training.loop import train
from dvd_ros.training.losses import disparity_loss, dvd_loss
from dvd_ros.training.network import make_dit, make_vae
from dvd_ros.training.readout import STEP, Readout
from dvd_ros.training.recipe import MiniRecipe


def train_regressor(stills: Scenes, videos: Scenes, out: Path, recipe: MiniRecipe,
                    codec: AutoencoderKLWan, device: str = 'cpu',
                    compiled: bool = True) -> WanTransformer3DModel:
    """Train on single images and clips; leaves ``regressor.pt``.

    DVD regresses the latents of a VAE that a giant had trained, with the VAE frozen; so does
    this, towards the latents that ``codec`` gives of true depth, with DVD's loss on them. But an
    encoder as small as ours must leave out nearly all of a picture, and is better told by the
    depth what to keep: a fresh encoder learns with the transformer, and replaces that of
    ``codec`` at the end. Most of the loss is the error of the disparity that ``Readout`` reads
    from the latents, as the squared error of latents counts details that nobody could predict.

    The first part of the steps sees single images. Then come clips, through the decoder, which
    learns on: latents of true depth are means over four frames, and what moves within them only
    transformer and decoder together can tell.
    """
    size = recipe.size
    codec = codec.to(device).requires_grad_(False).eval()
    target_encoder = WholeEncoder(codec)

    def target_of(batch: Batch) -> Tensor:
        with torch.no_grad():
            return target_encoder(framewise.grey(batch.target.to(device)))

    fitted = [stills.batch(np.random.default_rng((recipe.seed, i, 3)), 32, 1, size)
              for i in range(8)]
    readout = Readout.fit(torch.cat([target_of(batch) for batch in fitted]),
                          torch.cat([batch.target for batch in fitted]).to(device))
    vae, dit = framewise.make_framewise(make_vae(recipe)).to(device), make_dit(recipe).to(device)
    codec.decoder.requires_grad_(True)
    codec.post_quant_conv.requires_grad_(True)
    whole = torch.nn.ModuleDict({'encoder': vae.encoder, 'quant_conv': vae.quant_conv,
                                 'dit': dit, 'post_quant_conv': codec.post_quant_conv,
                                 'decoder': codec.decoder})

    encoder, decoder = WholeEncoder(vae, trainable=True), WholeDecoder(codec, trainable=True)

    def forward(video: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast(device, torch.bfloat16):
            pred = framewise.regress(dit, encoder(video))
            latents = target_encoder(framewise.grey(true)).float()
            disparity = framewise.disparity(decoder, pred) if video.shape[1] > 1 else readout(pred)
        return pred.float(), latents, disparity.float()

    fast = torch.compile(forward, dynamic=False) if compiled else forward

    def make(step: int) -> Batch:
        rng = np.random.default_rng((recipe.seed, step))
        if step < recipe.still_steps * recipe.steps or rng.random() < recipe.image_odds:
            return stills.batch(rng, recipe.batch, 1, size)
        # A clip of 13 frames costs about as much as ten images.
        return videos.batch(rng, max(1, recipe.batch // 10), recipe.window, size)

    batches = Prefetch(make)

    def losses_of(_: np.random.Generator, step: int) -> Mapping[str, Tensor]:
        batch = batches(step)
        true, relative = batch.target.to(device), batch.relative.to(device)
        pred, latents, disparity = fast(batch.images.to(device), true)
        if disparity.shape != true.shape:
            true, relative = (functional.avg_pool2d(part, STEP) for part in (true, relative))
        losses = disparity_loss(disparity, true, relative)
        of_latents = dvd_loss(pred, latents, recipe.rectification)
        losses['mse'] = of_latents['mse']
        losses['total'] = losses['total'] + recipe.latent_weight * of_latents['total']
        return losses

    train(whole, losses_of, steps=recipe.steps, peak_rate=recipe.rate,
          checkpoint=out / 'regressor.pt', seed=recipe.seed, matrix_rate=recipe.matrix_rate,
          warmup=min(200, recipe.steps // 5), save_every=100)
    codec.encoder, codec.quant_conv = vae.encoder, vae.quant_conv
    return dit

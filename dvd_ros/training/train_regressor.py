"""Trains the transformer, and the encoder before it, to give the codec's latents of depth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor, nn
from torch.nn import functional

from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.training import framewise
from dvd_ros.training.batches import Clips, Scenes, Views, clips_for
from dvd_ros.training.fresh_scenes import FreshScenes
from dvd_ros.training.held_out import HeldOut
from dvd_ros.training.loop import train
from dvd_ros.training.losses import disparity_loss, dvd_loss
from dvd_ros.training.narrow import narrow
from dvd_ros.training.network import make_dit, make_vae
from dvd_ros.training.passes import Batch, Shared
from dvd_ros.training.readout import STEP, Readout
from dvd_ros.training.recipe import MiniRecipe


class RegressorObjective(nn.Module):
    """The error of the disparity that encoder, transformer and decoder make of images.

    ``codec``: its encoder gives the latents of true depth, its decoder learns on; both as
    `train_codec` left them. ``readout``: see Readout.
    """

    partial = True  # single images do without the decoder

    def __init__(self, recipe: MiniRecipe, codec: AutoencoderKLWan, readout: Readout,
                 compiled: bool) -> None:
        super().__init__()
        self.recipe, self.readout = recipe, readout
        self.target_encoder = WholeEncoder(codec)
        vae = framewise.make_framewise(make_vae(recipe)).to(codec.device)
        self.encoder, self.quant_conv = vae.encoder, vae.quant_conv
        self.dit = make_dit(recipe).to(codec.device)
        self.post_quant_conv, self.decoder = codec.post_quant_conv, codec.decoder
        for part in (self.post_quant_conv, self.decoder):
            part.requires_grad_(True)
        # Of the same weights; not registered, so that each has one name.
        self._whole = (WholeEncoder(vae, trainable=True), WholeDecoder(codec, trainable=True))
        self._run = torch.compile(self._pass, dynamic=False) if compiled else self._pass

    def _pass(self, video: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        encoder, decoder = self._whole
        with narrow(video.device):
            pred = framewise.regress(self.dit, encoder(video))
            latents = self.target_encoder(framewise.grey(true)).float()
            disparity = framewise.disparity(decoder, pred) if video.shape[1] > 1 \
                else self.readout(pred)
        return pred.float(), latents, disparity.float()

    def forward(self, batch: Batch, step: int | None) -> dict[str, Tensor]:
        """Losses; step None: see train."""
        if step is None:
            return {'disparity': framewise.predict(self.dit, *self._whole, batch['images'][:1])[0]}
        target, true = batch['target'], batch['true']
        pred, latents, disparity = self._run(batch['images'], target)
        if disparity.shape != target.shape:
            target, true = (functional.avg_pool2d(part, STEP) for part in (target, true))
        losses = disparity_loss(disparity, target, true)
        of_latents = dvd_loss(pred, latents, self.recipe.rectification)
        losses['mse'] = of_latents['mse']
        losses['total'] = self.recipe.disparity_weight * losses['total'] \
            + self.recipe.latent_weight * of_latents['total']
        return losses


def train_regressor(stills: Scenes, videos: Clips, out: Path, recipe: MiniRecipe,
                    codec: AutoencoderKLWan, device: str = 'cpu', compiled: bool = True,
                    held_out: Sequence[Views] = ()) -> WanTransformer3DModel:
    """Train on single images and clips, in the folder ``out``/regressor; resumes.

    DVD regresses the latents of a VAE that a giant had trained, with the VAE frozen; so does
    this, towards the latents that ``codec`` gives of true depth, with DVD's loss on them. But an
    encoder as small as ours must leave out nearly all of a picture, and is better told by the
    depth what to keep: a fresh encoder learns with the transformer, and replaces that of
    ``codec`` at the end. Most of the loss is the error of the disparity that ``Readout`` reads
    from the latents, as the squared error of latents counts details that nobody could predict.

    The first part of the steps sees single images. Then come clips, through the decoder, which
    learns on: latents of true depth are means over four frames, and what moves within them only
    transformer and decoder together can tell. ``held_out``: batches to watch it by.
    """
    size = recipe.size
    codec = codec.to(device).requires_grad_(False).eval()
    target_encoder = WholeEncoder(codec)

    def target_of(batch: Views) -> Tensor:
        with torch.no_grad():
            return target_encoder(framewise.grey(batch['target'].to(device)))

    fitted = [stills.batch(np.random.default_rng((recipe.seed, i, 3)), 32, 1, size)
              for i in range(8)]
    readout = Readout.fit(torch.cat([target_of(batch) for batch in fitted]),
                          torch.cat([batch['target'] for batch in fitted]).to(device))
    objective = RegressorObjective(recipe, codec, readout, compiled)

    fresh = videos if isinstance(videos, FreshScenes) else None

    def make(step: int) -> Views:
        if fresh and step >= recipe.still_steps * recipe.steps:
            fresh.advance(step - int(recipe.still_steps * recipe.steps))
        rng = np.random.default_rng((recipe.seed, step))
        if step < recipe.still_steps * recipe.steps or rng.random() < recipe.image_odds:
            return stills.batch(rng, recipe.batch, 1, size)
        return videos.batch(rng, clips_for(recipe.batch), recipe.window, size)

    train(objective, Shared(make, fresh.facts if fresh else dict), recipe.optimiser(),
          recipe.run_of(recipe.steps), out / 'regressor', device=device, recipe=recipe.described(),
          held_out=HeldOut(held_out) if held_out else None)
    codec.encoder, codec.quant_conv = objective.encoder, objective.quant_conv
    return objective.dit

"""DVD's loss over a transformer with LoRA, between the frozen halves of the VAE."""

from __future__ import annotations

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn
from torch.nn import functional

from dvd_ros.model import DvdModel
from dvd_ros.model.config import TIME_FACTOR
from dvd_ros.model.lora import merge_lora
from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.training.finetune_config import TARGETS, Loss, Model
from dvd_ros.training.framewise import disparity, grey
from dvd_ros.training.losses import dvd_loss
from dvd_ros.training.passes import Batch
from dvd_ros.training.training_state import whole


class LoraObjective(nn.Module):
    """
    The frozen encoder makes latents of images and of true disparity (grey, three times, -1..1);
    the transformer, at the fixed timestep and with an empty text, is to give the second of the
    first. Source: DVD, arXiv 2603.12250, and examples/wanvideo/model_training of its repository.
    """

    def __init__(self, model: DvdModel, config: Model, loss: Loss) -> None:
        """model: is changed; its transformer gets the LoRA, fresh from torch's seed."""
        super().__init__()
        self.model_config, self.config, self.loss = model.config, config, loss
        self.factor = model.config.spatial_factor
        self.encoder, self.decoder = WholeEncoder(model.vae), WholeDecoder(model.vae)
        self.dit = model.dit.requires_grad_(False)
        inject_adapter_in_model(LoraConfig(
            r=config.lora_rank, lora_alpha=self.alpha,  # type: ignore[arg-type]
            target_modules=[TARGETS[name] for name in config.lora_targets]), self.dit)
        if config.gradient_checkpointing:
            self.dit.enable_gradient_checkpointing()
        # What learns is float32 whatever the rest is: bf16 loses small steps.
        for p in self.dit.parameters():
            if p.requires_grad:
                p.data = p.data.float()

    @property
    def alpha(self) -> float:
        """Scale of the LoRA times its rank."""
        return self.config.lora_alpha or float(self.config.lora_rank)

    def forward(self, batch: Batch, step: int | None) -> dict[str, Tensor]:
        """Losses: those of dvd_loss, and 'pixel' where it has a weight; step None: see train."""
        if step is None:
            latents = self._regress(self._encode(batch['images'][:1]))
            return {'disparity': self.decoder(self._fit(latents)[0])}
        valid = batch['valid']
        with torch.no_grad():
            true = self._encode(grey(batch['target']))
        pred = self._regress(self._encode(batch['images']))
        losses = dvd_weighted(pred, true, valid, self.loss.rectification, self.factor)
        if self.loss.pixel_weight:
            error = (disparity(self.decoder, self._fit(pred)) - batch['target']).abs()
            losses['pixel'] = (error * valid).sum() / valid.sum().clamp_min(1)
            losses['total'] = losses['total'] + self.loss.pixel_weight * losses['pixel']
        return losses

    @torch.no_grad()
    def through_codec(self, target: Tensor) -> Tensor:
        """Disparity [B,T,H,W] encoded and decoded again."""
        return self.decoder(self._fit(self._encode(grey(target))))

    def merged(self) -> dict[str, Tensor]:
        """The transformer's tensors with the LoRA in them, in diffusers' names, float32."""
        state = {name: whole(value.detach()).cpu() for name, value in self.dit.state_dict().items()}
        return merge_lora(state, self.alpha, dtype=torch.float32)

    def _fit(self, latents: Tensor) -> Tensor:
        return latents.to(next(self.decoder.parameters()).dtype)

    @torch.no_grad()
    def _encode(self, video: Tensor) -> Tensor:
        return self.encoder(video.to(next(self.encoder.parameters()).dtype)).float()

    def _regress(self, latents: Tensor) -> Tensor:
        dtype, device = self.dit.patch_embedding.weight.dtype, latents.device
        count = len(latents)
        text = torch.zeros(count, 1, self.model_config.text_dim, dtype=dtype, device=device)
        time = torch.full((count,), self.loss.anchor, device=device)
        return self.dit(latents.to(dtype), time, text, return_dict=False)[0].float()


def dvd_weighted(pred: Tensor, true: Tensor, valid: Tensor, rectification: float,
                 factor: int) -> dict[str, Tensor]:
    """
    dvd_loss, a latent [B,C,f,h,w] counted by how much of what it shows is known.

    valid: [B,T,H,W], 0 or 1, T = 4f-3, of ``factor`` pixels a latent. With all known, as in the
    reference, it is dvd_loss itself.
    """
    if bool(valid.all()):
        return dvd_loss(pred, true, rectification)
    share = functional.avg_pool2d(valid, factor)
    first, rest = share[:, :1], share[:, 1:]
    if rest.shape[1]:
        rest = rest.unflatten(1, (-1, TIME_FACTOR)).mean(2)
    return dvd_loss(pred, true, rectification, torch.cat([first, rest], 1)[:, None])

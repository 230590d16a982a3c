"""A DVD network of any size whose weights mean nothing: to measure memory and time."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed
from torch import nn

from dvd_ros.model.config import DvdConfig
from dvd_ros.model.dvd import DvdModel


def random_model(config: DvdConfig, *, dtype: torch.dtype = torch.float32,
                 device: torch.device | str = 'cpu', seed: int = 0) -> DvdModel:
    """
    Give a network of the sizes of `config` with small random weights, equal for equal seeds.

    It never lies in memory twice, nor in a wider type than `dtype` (modulation and time embedding
    stay float32, as in checkpoints that are loaded).
    """
    with torch.device('meta'):
        dit, vae = WanTransformer3DModel(**config.dit), AutoencoderKLWan(**config.vae)
    kept = set(WanTransformer3DModel._keep_in_fp32_modules or ())
    generator = torch.Generator(device).manual_seed(seed)
    for part in (dit, vae):
        for name, parameter in part.named_parameters():
            wide = part is dit and bool(kept & set(name.split('.')))
            value = torch.empty(parameter.shape, dtype=torch.float32 if wide else dtype,
                                device=device)
            if 'norm' in name and name.endswith(('weight', 'gamma')):
                value.fill_(1)
            else:
                # Keeps the size of what runs through a layer, so that no half overflows.
                fan = parameter[0].numel() if parameter.ndim > 1 else 2500
                value.normal_(0, fan ** -0.5, generator=generator)
            owner, _, leaf = name.rpartition('.')
            setattr(part.get_submodule(owner), leaf, nn.Parameter(value, requires_grad=False))
    dit.rope = WanRotaryPosEmbed(dit.config.attention_head_dim, dit.config.patch_size,
                                 dit.config.rope_max_seq_len).to(device)
    return DvdModel(dit.eval(), vae.eval(), config)

"""The small model's networks before training, and their forward pass."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers.models.transformers.transformer_wan import WanTransformerBlock

from dvd_ros.model.dvd import Sinusoid
from dvd_ros.training.recipe import MiniRecipe

TIMESTEP = 500.0  # DVD's structural anchor, tau = 0.5


def make_vae(recipe: MiniRecipe) -> AutoencoderKLWan:
    """A fresh VAE that begins as an image codec applied frame by frame."""
    torch.manual_seed(recipe.seed)
    vae = AutoencoderKLWan(**recipe.vae_arguments())
    for name, module in vae.named_modules():
        if not isinstance(module, torch.nn.Conv3d) or module.kernel_size[0] == 1:
            continue
        with torch.no_grad():
            # Kernels look at the newest frame alone until clips teach them otherwise.
            module.weight[:, :, :-1] = 0
            if name.endswith('time_conv'):
                channels = module.in_channels
                eye = torch.eye(channels).repeat(module.out_channels // channels, 1)
                if module.stride[0] == 2:  # going down in time: the mean of two frames
                    module.weight[:, :, -2, 0, 0] = module.weight[:, :, -1, 0, 0] = eye / 2
                else:
                    module.weight[:, :, -1, 0, 0] = eye
                if module.bias is not None:
                    module.bias.zero_()
            else:
                module.weight[:, :, -1] *= module.kernel_size[0] ** 0.5
    return vae


def make_dit(recipe: MiniRecipe) -> WanTransformer3DModel:
    """A fresh transformer whose time embedding is the one that DvdModel runs."""
    torch.manual_seed(recipe.seed + 1)
    dit = WanTransformer3DModel(**recipe.dit_arguments())
    dit.condition_embedder.timesteps_proj = Sinusoid(dit.config.freq_dim)
    # With an all-zero text the text path is a constant: it would only be weight to carry.
    for parameter in text_path(dit):
        parameter.requires_grad_(False).zero_()
    # Wan's gates begin near 0, for a diffusion model to open over days; a regressor that has
    # minutes begins as a plain transformer, whose branches count from the first step.
    with torch.no_grad():
        dit.condition_embedder.time_proj.weight.zero_()
        dit.condition_embedder.time_proj.bias.zero_()
        for block in dit.blocks:
            open_gates(block)
    return dit


@torch.no_grad()
def open_gates(block: WanTransformerBlock) -> None:
    """Let the branches of a transformer block count in full, unscaled and unshifted; in place."""
    block.scale_shift_table.zero_()
    block.scale_shift_table[:, (2, 5)] = 1.0  # gates of attention and feed-forward


def text_path(dit: WanTransformer3DModel) -> list[torch.nn.Parameter]:
    """All parameters that act on the text alone."""
    return [parameter for name, parameter in dit.named_parameters()
            if 'attn2' in name or 'text_embedder' in name or '.norm2.' in name]

"""Starts a VAE's encoder as a hierarchy of principal components instead of at random.

An encoder from random weights needs thousands of steps before its latents tell more than the
brightness of a region. The principal components of 4x4, 8x8 and 16x16 pixel blocks are known at
once, and an encoder of the Wan layout can hold them: its residual branches begin silent, SiLU is
linear on pairs of opposite sign (silu(u) - silu(-u) = u), and a constant channel keeps the last
norm from dividing by the content. Training then goes on from there.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify
from torch.nn.functional import pixel_unshuffle

# Of the constant channel, against content of about 1 a channel.
_CONSTANT = 16.0


def _components(features: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor,
                                                              torch.Tensor]:
    """Mean [C], the ``count`` strongest directions [count,C] and their sd, of [N,C,h,w]."""
    rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]).double()
    mean = rows.mean(0)
    values, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
    order = torch.arange(len(values) - 1, len(values) - 1 - count, -1)
    return mean.float(), vectors[:, order].T.float(), values[order].clamp_min(1e-12).sqrt().float()


@torch.no_grad()
def start_from_components(vae: AutoencoderKLWan, images: torch.Tensor) -> None:
    """Set the encoder of a patchified VAE with two downsamplings, in place.

    images: [N,3,1,H,W] in -1..1, what the latents are to describe. Raises ValueError for a VAE
    of another layout.
    """
    encoder, width = vae.encoder, vae.config.base_dim
    blocks = encoder.down_blocks
    if vae.config.patch_size is None or len(vae.config.dim_mult) != 3 or len(blocks) != 5:
        raise ValueError('start_from_components needs a patchified VAE of three levels with one '
                         'residual block each')
    for block in (blocks[0], blocks[2], blocks[4], *encoder.mid_block.resnets):
        torch.nn.init.zeros_(block.conv2.weight)
        torch.nn.init.zeros_(block.conv2.bias)
    proj = encoder.mid_block.attentions[0].proj
    torch.nn.init.zeros_(proj.weight)
    torch.nn.init.zeros_(proj.bias)

    features = patchify(images, vae.config.patch_size)[:, :, 0]
    mean, directions, _ = _components(features, width)
    encoder.conv_in.weight.zero_()
    encoder.conv_in.weight[:, :, -1, 1, 1] = directions
    encoder.conv_in.bias.copy_(-directions @ mean)
    features = torch.einsum('kc,nchw->nkhw', directions, features - mean.view(1, -1, 1, 1))

    features = pixel_unshuffle(features, 2)
    mean, directions, _ = _components(features, width)
    conv = blocks[1].resample[1]
    conv.weight.zero_()
    conv.weight[:, :, :2, :2] = directions.view(width, width, 2, 2)
    conv.bias.copy_(-directions @ mean)
    features = torch.einsum('kc,nchw->nkhw', directions, features - mean.view(1, -1, 1, 1))
    shortcut = blocks[2].conv_shortcut
    shortcut.weight.zero_()
    shortcut.weight[:width, :, 0, 0, 0] = torch.eye(width)
    shortcut.bias.zero_()

    last = blocks[3].resample[1]
    count = (last.out_channels - 1) // 2
    features = pixel_unshuffle(features, 2)
    mean, directions, sd = _components(features, count)
    # Half-way between plain components, whose strongest drown the rest, and whitened noise.
    directions = directions / (sd.sqrt() * sd.sqrt().mean())[:, None]
    last.weight.zero_()
    last.bias.zero_()
    for row, sign in ((0, 1.0), (count, -1.0)):
        last.weight[row:row + count, :width, :2, :2] = sign * directions.view(count, width, 2, 2)
        last.bias[row:row + count] = -sign * (directions @ mean)
    last.bias[2 * count] = _CONSTANT

    energy = float((sd / sd.sqrt().mean() ** 2).sum())
    gain = last.out_channels ** 0.5 / (_CONSTANT ** 2 + 2 * energy) ** 0.5
    latents = vae.config.z_dim
    head = encoder.conv_out
    head.weight[:count] = 0
    head.weight[count:] *= 0.1
    head.weight[range(count), range(count), -1, 1, 1] = 1 / gain
    head.weight[range(count), range(count, 2 * count), -1, 1, 1] = -1 / gain
    head.bias.zero_()
    head.weight[latents:] = 0
    head.bias[latents:] = -5.0
    vae.quant_conv.weight.zero_()
    vae.quant_conv.weight[:, :, 0, 0, 0] = torch.eye(2 * latents)
    vae.quant_conv.bias.zero_()

"""Grows a small model: more layers, latents and features, which begin by changing nothing.

What is added begins at zero where it writes and at random where it is read, so that the grown
network gives what the old one gave and learns from the first step on (as function-preserving
growth does, Net2Net, arXiv 1511.05641).
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor

from dvd_ros.model.config import DvdConfig
from dvd_ros.model.dvd import Sinusoid
from dvd_ros.training import framewise


def grown(dit: WanTransformer3DModel, vae: AutoencoderKLWan, config: DvdConfig, layers: int,
          latents: int, features: int, seed: int,
          ) -> tuple[WanTransformer3DModel, AutoencoderKLWan, DvdConfig]:
    """
    Give networks of more ``layers``, ``latents`` (z_dim) and ``features`` (the last of dim_mult).

    0, or what there is already: as it is. The new layers stand at the end. Raises ValueError for
    fewer than there are, and for features with which a weight would be lost (the decoder has a
    shortcut only between unequal widths).
    """
    multiples = list(vae.config.dim_mult)
    now = {'layers': dit.config.num_layers, 'latents': vae.config.z_dim, 'features': multiples[-1]}
    asked = {'layers': layers, 'latents': latents, 'features': features}
    for name, count in asked.items():
        if count and count < now[name]:
            raise ValueError(f'{name}={count} must be at least {now[name]}, as the model has')
    wanted = {name: count or now[name] for name, count in asked.items()}
    if wanted == now:
        return dit, vae, config
    z = wanted['latents']
    bigger = DvdConfig.load({
        **config.to_dict(),
        'dit': {**config.dit, 'num_layers': wanted['layers'], 'in_channels': z, 'out_channels': z},
        'vae': {**config.vae, 'dim_mult': [*multiples[:-1], wanted['features']], 'z_dim': z,
                'latents_mean': [0.0] * z, 'latents_std': [1.0] * z}})
    torch.manual_seed(seed)
    with torch.no_grad():
        return _grown_dit(dit, bigger), _grown_vae(vae, bigger), bigger


def _grown_dit(old: WanTransformer3DModel, config: DvdConfig) -> WanTransformer3DModel:
    new = WanTransformer3DModel(**config.dit)
    new.condition_embedder.timesteps_proj = Sinusoid(new.config.freq_dim)
    known = old.state_dict()
    for name, value in new.state_dict().items():
        if name in known:
            _fill(value, known[name])
    for block in new.blocks[old.config.num_layers:]:
        block.scale_shift_table.zero_()
        block.scale_shift_table[:, (2, 5)] = 1.0  # gates of attention and feed-forward
        for last in (block.attn1.to_out[0], block.ffn.net[2]):
            last.weight.zero_()
            last.bias.zero_()
        for name, parameter in block.named_parameters():
            if 'attn2' in name or name.startswith('norm2'):
                parameter.zero_()
    return new


def _grown_vae(old: AutoencoderKLWan, config: DvdConfig) -> AutoencoderKLWan:
    new = AutoencoderKLWan(**config.vae)
    known = old.state_dict()
    if lost := known.keys() - new.state_dict().keys():
        raise ValueError(f'features={config.vae["dim_mult"][-1]} leave no place for '
                         f'{min(lost)}: another number is needed')
    for name, value in new.state_dict().items():
        if name not in known:
            # Only a shortcut: there was none, as many channels came out as went in.
            value.zero_()
            if value.ndim > 1:
                same = min(value.shape[:2])
                value[range(same), range(same)] = 1.0
            continue
        if name.endswith('gamma'):
            # These norms divide by the root of the sum of squares and multiply by that of the
            # number of channels.
            value.fill_(1.0)
            value[:len(known[name])] = known[name]
            value.mul_((len(known[name]) / len(value)) ** 0.5)
            continue
        _fill(value, known[name], _groups(name, known[name]))
        if 'to_qkv' in name:
            # Attention divides by the root of its width.
            third = len(value) // 3
            value[:third] *= (third / (len(known[name]) // 3)) ** 0.5
    return framewise.make_framewise(new)


def _groups(name: str, value: Tensor) -> int:
    """In how many equal parts the rows of a tensor stand for different things."""
    if 'to_qkv' in name:
        return 3
    if name.startswith('quant_conv'):  # mean and variance
        return 2
    if 'upsamplers' in name and 'time_conv' in name:  # the two frames that one becomes
        return 2
    return 1


def _fill(new: Tensor, old: Tensor, groups: int = 1) -> None:
    """Put ``old`` in place: rows beyond it are zero, columns beyond it keep what they have."""
    for part, source in zip(new.chunk(groups), old.chunk(groups), strict=True):
        part[len(source):] = 0
        if source.ndim > 1:
            part[:len(source), :source.shape[1]] = source
        else:
            part[:len(source)] = source

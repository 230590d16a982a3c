"""Grows a small model: more layers, latents and features, which begin by changing nothing.

What is added begins at zero where it writes and at random where it is read, so that the grown
network gives what the old one gave and learns from the first step on (as function-preserving
growth does, Net2Net, arXiv 1511.05641).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor

from dvd_ros.model.config import DvdConfig
from dvd_ros.model.dvd import Sinusoid
from dvd_ros.training import framewise
from dvd_ros.training.network import open_gates, text_path


@dataclass(frozen=True)
class Growth:
    """
    Sizes of a network where it is to be grown; 0, or what there is already: as it is.

    layers: of the transformer; the new ones stand at its end. latents: z_dim. features: the last
    of dim_mult. encoder_width: base_dim of the encoder alone, the decoder keeps its own. Raises
    ValueError naming a negative one.
    """

    layers: int = 0
    latents: int = 0
    features: int = 0
    encoder_width: int = 0

    def __post_init__(self) -> None:
        for name, size in asdict(self).items():
            if size < 0:
                raise ValueError(f'{name}={size} must not be negative')

    def of(self, config: DvdConfig) -> dict[str, tuple[int, int]]:
        """By name: the size that a network of ``config`` has, and the one that it is to have."""
        now = {'layers': config.dit['num_layers'], 'latents': config.vae['z_dim'],
               'features': config.vae['dim_mult'][-1], 'encoder_width': config.base_width}
        return {name: (size, getattr(self, name) or size) for name, size in now.items()}


def grown(dit: WanTransformer3DModel, vae: AutoencoderKLWan, config: DvdConfig, growth: Growth,
          seed: int) -> tuple[WanTransformer3DModel, AutoencoderKLWan, DvdConfig]:
    """
    Give the networks in the sizes of ``growth``, which do as yet what they did.

    Raises ValueError for sizes below those that there are, and for features with which a weight
    would be lost (the decoder has a shortcut only between unequal widths).
    """
    sizes = growth.of(config)
    for name, (size, asked) in sizes.items():
        if asked < size:
            raise ValueError(f'{name}={asked} must be at least {size}, as the model has')
    if all(asked == size for size, asked in sizes.values()):
        return dit, vae, config
    z = sizes['latents'][1]
    bigger = DvdConfig.load({
        **config.to_dict(),
        'dit': {**config.dit, 'num_layers': sizes['layers'][1], 'in_channels': z,
                'out_channels': z},
        'vae': {**config.vae, 'z_dim': z, 'latents_mean': [0.0] * z, 'latents_std': [1.0] * z,
                'dim_mult': [*config.vae['dim_mult'][:-1], sizes['features'][1]],
                'base_dim': sizes['encoder_width'][1],
                'decoder_base_dim': config.vae.get('decoder_base_dim') or config.base_width}})
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
        open_gates(block)
        for last in (block.attn1.to_out[0], block.ffn.net[2]):
            last.weight.zero_()
            last.bias.zero_()
    for parameter in text_path(new):  # no small model looks at a text
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

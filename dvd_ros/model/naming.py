"""Tell the layouts of Wan and DVD checkpoints apart and translate their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from diffusers.loaders.single_file_utils import (
    convert_wan_transformer_to_diffusers,
    convert_wan_vae_to_diffusers,
)

DVD_PREFIX = 'pipe.dit.'


@dataclass(frozen=True)
class Naming:
    """How a checkpoint names its tensors, and the way to diffusers' names and back."""

    name: str
    prefix: str
    to_diffusers: Callable[[str], str]
    from_diffusers: Callable[[str], str]


def _converted(convert: Callable[..., dict[str, torch.Tensor]], key: str) -> str:
    return next(iter(convert({key: torch.empty(0)})), key)


def _same(key: str) -> str:
    return key


def _dit_to_diffusers(key: str) -> str:
    return _converted(convert_wan_transformer_to_diffusers, key)


_DIT_BACK = (
    ('condition_embedder.time_embedder.linear_1', 'time_embedding.0'),
    ('condition_embedder.time_embedder.linear_2', 'time_embedding.2'),
    ('condition_embedder.text_embedder.linear_1', 'text_embedding.0'),
    ('condition_embedder.text_embedder.linear_2', 'text_embedding.2'),
    ('condition_embedder.time_proj', 'time_projection.1'),
    ('.attn1.', '.self_attn.'), ('.attn2.', '.cross_attn.'),
    ('.to_out.0.', '.o.'), ('.to_q.', '.q.'), ('.to_k.', '.k.'), ('.to_v.', '.v.'),
    ('.ffn.net.0.proj.', '.ffn.0.'), ('.ffn.net.2.', '.ffn.2.'),
    ('proj_out.', 'head.head.'), ('.scale_shift_table', '.modulation'),
    ('.norm2.', '.norm-3.'), ('.norm3.', '.norm2.'), ('.norm-3.', '.norm3.'),
)


def _dit_from_diffusers(key: str) -> str:
    name = 'head.modulation' if key == 'scale_shift_table' else key
    for ours, wan in _DIT_BACK:
        name = name.replace(ours, wan)
    return name if _dit_to_diffusers(name) == key else key


def _vae_to_diffusers(key: str) -> str:
    return _converted(convert_wan_vae_to_diffusers, key)


_VAE_BACK = (
    (r'^quant_conv\.', 'conv1.'), (r'^post_quant_conv\.', 'conv2.'),
    (r'\.conv_in\.', '.conv1.'), (r'\.norm_out\.', '.head.0.'), (r'\.conv_out\.', '.head.2.'),
    (r'\.norm1\.', '.residual.0.'), (r'\.norm2\.', '.residual.3.'),
    (r'\.conv_shortcut\.', '.shortcut.'),
    (r'\.mid_block\.resnets\.0\.', '.middle.0.'), (r'\.mid_block\.resnets\.1\.', '.middle.2.'),
    (r'\.mid_block\.attentions\.0\.', '.middle.1.'),
    (r'\.down_blocks\.', '.downsamples.'),
)


def _vae_from_diffusers(key: str) -> str:
    name = re.sub(r'(resnets\.\d+|down_blocks\.\d+)\.conv1\.', r'\1.residual.2.', key)
    name = re.sub(r'(resnets\.\d+|down_blocks\.\d+)\.conv2\.', r'\1.residual.6.', name)
    for ours, wan in _VAE_BACK:
        name = re.sub(ours, wan, name)
    # Three residual blocks and one upsampler make a level of the original flat list.
    name = re.sub(r'up_blocks\.(\d+)\.resnets\.(\d+)',
                  lambda m: f'upsamples.{4 * int(m[1]) + int(m[2])}', name)
    name = re.sub(r'up_blocks\.(\d+)\.upsamplers\.0',
                  lambda m: f'upsamples.{4 * int(m[1]) + 3}', name)
    return name if _vae_to_diffusers(name) == key else key


_DIFFUSERS = Naming('diffusers', '', _same, _same)


def dit_naming(keys: Iterable[str]) -> Naming:
    """Tell the layout of a DiT checkpoint: 'DVD', 'Wan' or 'diffusers'."""
    keys = set(keys)
    if any(key.startswith(DVD_PREFIX) for key in keys):
        return Naming('DVD', DVD_PREFIX, _dit_to_diffusers, _dit_from_diffusers)
    if any(key.startswith('condition_embedder.') or '.attn1.' in key for key in keys):
        return _DIFFUSERS
    prefix = 'model.diffusion_model.'
    if not any(key.startswith(prefix) for key in keys):
        prefix = ''
    return Naming('Wan', prefix, _dit_to_diffusers, _dit_from_diffusers)


def vae_naming(keys: Iterable[str]) -> Naming:
    """Tell the layout of a VAE checkpoint: 'Wan' (as Wan2.1_VAE.pth) or 'diffusers'."""
    marks = ('quant_conv.', 'post_quant_conv.', 'encoder.conv_in.', 'encoder.down_blocks.',
             'encoder.mid_block.', 'decoder.up_blocks.', 'decoder.mid_block.')
    if any(key.startswith(marks) for key in keys):
        return _DIFFUSERS
    return Naming('Wan', '', _vae_to_diffusers, _vae_from_diffusers)

"""Fill the two networks from checkpoints, exactly; write a model's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed
from safetensors.torch import save_file

from dvd_ros.model.config import DvdConfig
from dvd_ros.model.lora import merge_lora
from dvd_ros.model.naming import DVD_PREFIX, dit_naming, vae_naming
from dvd_ros.model.tensor_file import CheckpointError, read_tensors

Tensors = Mapping[str, torch.Tensor]
CONFIG_FILE, DIT_FILE, VAE_FILE = 'config.json', 'dit.safetensors', 'vae.safetensors'


def load_dit(source: str | Path | Tensors, config: DvdConfig, *,
             dtype: torch.dtype = torch.float32,
             device: torch.device | str = 'cpu') -> WanTransformer3DModel:
    """
    Build the DiT of `config` from a checkpoint in the DVD, Wan or diffusers layout.

    LoRA is merged in `dtype`. Norms, modulation and time embedding stay float32. Raises
    CheckpointError naming every kind of key that is missing, unexpected or misshapen.
    """
    state, label = _tensors(source, 'DiT')
    naming = dit_naming(state)
    if naming.name == 'DVD':
        # Other parts of the training pipeline may lie in the file; the reference skips them too.
        state = {key: value for key, value in state.items()
                 if key.startswith(DVD_PREFIX) or not key.startswith('pipe.')}
    stray = [key for key in state if not key.startswith(naming.prefix)]
    if stray:
        raise CheckpointError(f'{label} ({naming.name} layout) has {len(stray)} unexpected keys '
                              f'without the prefix {naming.prefix!r}: {_some(stray)}')
    state = {key[len(naming.prefix):]: state.pop(key) for key in list(state)}
    mark = '.base_layer.weight'
    wrapped = {key[:-len(mark)] for key in state if key.endswith(mark)}
    merge_lora(state, config.lora_alpha, dtype=dtype, device=device, prefix=naming.prefix)

    def original(name: str) -> str:
        layer, _, leaf = naming.from_diffusers(name).rpartition('.')
        return f'{naming.prefix}{layer}.base_layer.{leaf}' if layer in wrapped \
            else f'{naming.prefix}{layer}.{leaf}'.replace('..', '.')

    with torch.device('meta'):
        dit = WanTransformer3DModel(**config.dit)
    # The rotary tables are computed, not stored in checkpoints.
    dit.rope = WanRotaryPosEmbed(dit.config.attention_head_dim, dit.config.patch_size,
                                 dit.config.rope_max_seq_len).to(device)
    kept = set(WanTransformer3DModel._keep_in_fp32_modules or ())
    fill_module(dit, state, naming.to_diffusers, original, f'{label} ({naming.name} layout)',
                lambda name: torch.float32 if kept & set(name.split('.')) else dtype, device)
    return dit


def load_vae(source: str | Path | Tensors, config: DvdConfig, *,
             dtype: torch.dtype = torch.float32,
             device: torch.device | str = 'cpu') -> AutoencoderKLWan:
    """
    Build the VAE of `config` from a checkpoint in the Wan2.1 or diffusers layout.

    Raises CheckpointError naming every kind of key that is missing, unexpected or misshapen.
    """
    state, label = _tensors(source, 'VAE')
    naming = vae_naming(state)
    with torch.device('meta'):
        vae = AutoencoderKLWan(**config.vae)
    if config.newest_taps:
        shapes = {name: value.shape for name, value in vae.state_dict().items()}
        for key, value in state.items():
            shape = shapes.get(naming.to_diffusers(key), value.shape)
            if shape[2:] == (3, 3, 3) and value.shape == (*shape[:2], 1, 3, 3):
                state[key] = torch.zeros(shape, dtype=value.dtype)
                state[key][:, :, -1:] = value
    fill_module(vae, state, naming.to_diffusers, naming.from_diffusers,
                f'{label} ({naming.name} layout)', lambda name: dtype, device)
    return vae


def write_checkpoint(folder: str | Path, dit: torch.nn.Module | Tensors,
                     vae: torch.nn.Module | Tensors, config: DvdConfig | Mapping | str | Path,
                     dtype: torch.dtype = torch.float16) -> Path:
    """
    Write a model folder: config.json, dit.safetensors, vae.safetensors (diffusers' names).

    dit, vae: the networks or their state dicts, whole. A tensor whose values 8 bits hold exactly,
    such as one of zeros, is stored in 8 bits; with `config.newest_taps` kernels are cut to what
    is not zero. Raises ValueError where a value does not fit `dtype` or is cut off, and
    CheckpointError where the tensors are not those that `config` asks for.
    """
    config = DvdConfig.load(config)
    folder = Path(folder)
    states = {}
    for name, part in ((DIT_FILE, dit), (VAE_FILE, vae)):
        state = part.state_dict() if isinstance(part, torch.nn.Module) else part
        states[name] = {key: value.detach().to('cpu', dtype) for key, value in state.items()}
        if name == VAE_FILE and config.newest_taps:
            states[name] = {key: _cut(key, value) for key, value in states[name].items()}
        states[name] = {key: _smallest(value.contiguous()) for key, value in states[name].items()}
        bad = [key for key, value in states[name].items()
               if not torch.isfinite(value.to(dtype)).all()]
        if bad:
            raise ValueError(f'{name}: {len(bad)} tensors are not finite in {dtype}: {_some(bad)}')
    load_dit(states[DIT_FILE], config, dtype=dtype)
    load_vae(states[VAE_FILE], config, dtype=dtype)
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in states.items():
        save_file(state, str(folder / name))
    (folder / CONFIG_FILE).write_text(json.dumps(config.to_dict(), indent=1) + '\n',
                                      encoding='utf-8')
    return folder


def _cut(key: str, tensor: torch.Tensor) -> torch.Tensor:
    if tensor.shape[2:] != (3, 3, 3):
        return tensor
    if tensor[:, :, :-1].any():
        raise ValueError(f'newest_taps: the kernel {key} looks at older frames, too')
    return tensor[:, :, -1:]


def _smallest(tensor: torch.Tensor) -> torch.Tensor:
    small = tensor.to(torch.float8_e4m3fn)
    return small if torch.equal(small.to(tensor.dtype), tensor) else tensor


def _tensors(source: str | Path | Tensors, part: str) -> tuple[dict[str, torch.Tensor], str]:
    if isinstance(source, (str, Path)):
        return read_tensors(source), f'{part} checkpoint {source}'
    return dict(source), f'{part} state dict'


def _some(names: list[str], most: int = 5) -> str:
    return ', '.join(names[:most]) + (f', ... ({len(names)} in all)' if len(names) > most else '')


def fill_module(module: torch.nn.Module, state: dict[str, torch.Tensor],
                forth: Callable[[str], str], back: Callable[[str], str], label: str,
                dtype_of: Callable[[str], torch.dtype], device: torch.device | str) -> None:
    """
    Give `module`, built on the meta device, the tensors of `state`, which is emptied.

    forth, back: from a key of `state` to a name in `module`, and back for messages. label: what
    the tensors are, for messages. Raises CheckpointError naming every kind of key that is
    missing, unexpected or misshapen.
    """
    needed = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    names: dict[str, str] = {}
    unexpected = []
    for key in state:
        name = forth(key)
        if name not in needed or name in names:
            unexpected.append(back(key) if key == name else key)
        else:
            names[name] = key
    missing = [back(name) for name in needed if name not in names]
    misshapen = [f'{back(name)} is {list(state[key].shape)}, needed {list(needed[name])}'
                 for name, key in names.items() if tuple(state[key].shape) != needed[name]]
    problems = [f'{len(found)} {kind}: {_some(found)}' for kind, found in
                (('missing', missing), ('unexpected', unexpected), ('misshapen', misshapen))
                if found]
    if problems:
        raise CheckpointError(f'{label} does not fit its config; ' + '; '.join(problems)
                              + '. Is it of another model size, or incomplete?')
    # One tensor at a time, so that file and network are never both whole in memory; a copy,
    # because a tensor from a mapped file must not change with the file.
    filled = {name: state.pop(key).to(device, dtype_of(name), copy=True)
              for name, key in names.items()}
    module.load_state_dict(filled, strict=True, assign=True)
    hollow = [name for name, value in (*module.named_parameters(), *module.named_buffers())
              if value.is_meta]
    if hollow:
        raise CheckpointError(f'{label}: no values for {_some(hollow)}; '
                              'this version of diffusers needs more than the checkpoint holds')
    module.eval().requires_grad_(False)

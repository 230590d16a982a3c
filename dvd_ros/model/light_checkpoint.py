"""Light codecs as files: written with their sizes, read strictly; and the public taew2_1."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dvd_ros.model import taew
from dvd_ros.model.checkpoint import fill_module
from dvd_ros.model.config import DvdConfig
from dvd_ros.model.light_codec import LightDecoder, LightEncoder, LightSizes
from dvd_ros.model.tensor_file import CheckpointError, read_tensors

_SIZES, _TEACHER = 'light_codec_sizes', 'teacher'
# bfloat16 keeps 8 bits; what was trained on differs by more.
_SAME = 1e-2


class LightCodec(nn.Module):
    """`encoder` and `decoder` of a light codec; see light_codec or taew for what they map."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


def make_light(sizes: LightSizes) -> LightCodec:
    """Give a light codec with random weights."""
    return LightCodec(LightEncoder(sizes), LightDecoder(sizes))


def write_light(path: str | Path, codec: LightCodec, sizes: LightSizes, vae: AutoencoderKLWan,
                dtype: torch.dtype = torch.float16) -> Path:
    """
    Write a codec of `sizes` that was distilled from `vae` as one safetensors file.

    The sizes lie in the file's metadata. A sample of the VAE's weights goes with it, so that the
    codec is not used with the latents of another. Raises ValueError where weights are not finite
    in `dtype`.
    """
    state = {name: value.detach().to('cpu', dtype).contiguous()
             for name, value in codec.state_dict().items()}
    bad = [name for name, value in state.items() if not torch.isfinite(value).all()]
    if bad:
        raise ValueError(f'{len(bad)} tensors are not finite in {dtype}, the first is {bad[0]}')
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix('.part')
    save_file({**state, _TEACHER: _sample(vae)}, str(part),
              metadata={_SIZES: json.dumps(sizes.to_dict())})
    part.replace(path)
    return path


def load_light(path: str | Path, config: DvdConfig, vae: AutoencoderKLWan | None = None, *,
               dtype: torch.dtype = torch.float32,
               device: torch.device | str = 'cpu') -> LightCodec:
    """
    Read a light codec that `write_light` wrote, or a checkpoint of taew2_1's layout.

    vae: of the model that the codec is for; a codec that was distilled from another is refused.
    taew2_1 does not tell its teacher: that the model's VAE is Wan 2.1's is taken on trust. Raises
    FileNotFoundError; CheckpointError naming missing, unexpected or misshapen keys, and for
    latents of other sizes than the config's.
    """
    path = Path(path)
    state = read_tensors(path)
    teacher = state.pop(_TEACHER, None)
    with torch.device('meta'):
        if taew.MARK in state:
            sizes, layout = LightSizes(taew.LATENTS, taew.FACTOR, (1, 1, 1)), 'taew2_1 layout'
            codec = LightCodec(taew.TaewEncoder(), taew.TaewDecoder())
        else:
            sizes, layout = _read_sizes(path), 'light codec'
            codec = make_light(sizes)
    have, need = (sizes.latents, sizes.factor), (len(config.latents_mean), config.spatial_factor)
    if have != need:
        raise CheckpointError(f'{path} is for {have[0]} latent channels of {have[1]}x{have[1]} '
                              f'pixels; the model has {need[0]} of {need[1]}x{need[1]}')
    if vae is not None and teacher is not None and not _alike(teacher, _sample(vae)):
        raise CheckpointError(f"{path} was distilled from another VAE than this model's; distil "
                              f'one anew: dvd-ros train codec MODEL VIDEOS -o {path}')
    fill_module(codec, state, str, str, f'{path} ({layout})', lambda name: dtype, device)
    return codec


def _read_sizes(path: Path) -> LightSizes:
    try:
        with safe_open(str(path), framework='pt') as file:
            text = (file.metadata() or {}).get(_SIZES)
    except SafetensorError:  # a zipped torch file, which has no metadata
        text = None
    if text is None:
        raise CheckpointError(f'{path} has no sizes of a light codec in its metadata: it is '
                              'neither a file of `dvd-ros train codec` nor of the layout of '
                              'taew2_1')
    try:
        return LightSizes(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise CheckpointError(f'{path} holds sizes of a light codec that do not work ({error}); '
                              'distil it anew: dvd-ros train codec') from error


def _sample(vae: AutoencoderKLWan) -> Tensor:
    """Some weights at the two ends of the latents, float32 [256] or less."""
    ends = (vae.encoder.conv_out.weight, vae.decoder.conv_in.weight)
    # The middle of the newest tap: other taps are zero in a network that works frame by frame.
    flat = [end.detach()[:, :, -1, 1, 1].float().cpu().flatten() for end in ends]
    return torch.cat([values[::max(1, len(values) // 128)][:128] for values in flat])


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool(
        torch.linalg.vector_norm(one.float() - other) <= _SAME * torch.linalg.vector_norm(other))

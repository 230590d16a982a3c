"""The DVD network: an RGB window in, relative disparity out, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel

from dvd_ros.model.checkpoint import (
    CONFIG_FILE,
    DIT_FILE,
    VAE_FILE,
    Tensors,
    load_dit,
    load_vae,
)
from dvd_ros.model.clip import network_size, pad_frames, resize
from dvd_ros.model.config import DvdConfig

if TYPE_CHECKING:
    from dvd_ros.model.light_checkpoint import LightCodec
    from dvd_ros.model.specialised import SpecialisedDvd

_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


class Sinusoid(torch.nn.Module):
    """
    Timesteps [B] -> [B, channels], cosines first, computed in float64.

    The float32 of diffusers' own module costs 1e-5 in the DiT's output against the reference.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Embed `timesteps`; float32."""
        half = self.channels // 2
        rates = torch.arange(half, dtype=torch.float64, device=timesteps.device).div(half)
        angles = timesteps.double()[:, None] * torch.pow(10000.0, -rates)
        return torch.cat([angles.cos(), angles.sin()], dim=1).float()


class DvdModel:
    """
    DVD on diffusers' AutoencoderKLWan and WanTransformer3DModel.

    Clips are [T,3,H,W] in 0..1, latents [z_dim,f,H/8,W/8] normalised with T = 4f-3, disparity
    [T,H,W] float32 in 0..1, larger is nearer (affine-invariant inverse depth). Method source:
    the DVD paper, arXiv 2603.12250. Not for use by several threads at once: the VAE keeps the
    causal state of its chunks in itself.
    """

    def __init__(self, dit: WanTransformer3DModel, vae: AutoencoderKLWan,
                 config: DvdConfig) -> None:
        self.dit, self.vae, self.config = dit, vae, config
        self.dit.condition_embedder.timesteps_proj = Sinusoid(dit.config.freq_dim)
        self.dtype = dit.patch_embedding.weight.dtype
        self.device = dit.patch_embedding.weight.device

        def constants(values: list[float]) -> torch.Tensor:
            return torch.tensor(values, device=self.device).to(self.dtype).view(-1, 1, 1, 1)

        self._mean = constants(config.latents_mean)
        # The reference multiplies by the reciprocal, rounded to the model's dtype.
        self._rate = (1.0 / torch.tensor(config.latents_std)).to(
            self.device, self.dtype).view(-1, 1, 1, 1)
        self._timestep = torch.tensor([config.timestep], device=self.device)
        self._context = torch.zeros(1, 1, config.text_dim, device=self.device, dtype=self.dtype)

    @classmethod
    def from_checkpoint(cls, dit: str | Path | Tensors, vae: str | Path | Tensors,
                        config: DvdConfig | Mapping[str, Any] | str | Path | None = None, *,
                        dtype: torch.dtype = torch.float32,
                        device: torch.device | str = 'cpu') -> DvdModel:
        """
        Load the network from a DiT and a VAE checkpoint.

        dit: DVD layout (`pipe.dit.`, LoRA is merged), Wan or diffusers naming.
        vae: Wan2.1 or diffusers naming. Both are safetensors, a zipped `.pth` of tensors only,
        or a state dict.
        config: see DvdConfig.load; None is Wan2.1-1.3B at 480x640.
        dtype: float32, bfloat16 or float16. The networks are built without memory of their own
        and take the tensors one by one.

        Raises FileNotFoundError; CheckpointError (a ValueError) naming missing, unexpected or
        misshapen keys; ValueError for a bad config or dtype.
        """
        if dtype not in _DTYPES:
            raise ValueError(f'dtype must be one of {_DTYPES}, got {dtype}')
        read = DvdConfig.load(config)
        return cls(load_dit(dit, read, dtype=dtype, device=device),
                   load_vae(vae, read, dtype=dtype, device=device), read)

    @classmethod
    def from_folder(cls, folder: str | Path, *, dtype: torch.dtype = torch.float32,
                    device: torch.device | str = 'cpu') -> DvdModel:
        """Load what `checkpoint.write_checkpoint` wrote; raises as `from_checkpoint`."""
        folder = Path(folder)
        return cls.from_checkpoint(folder / DIT_FILE, folder / VAE_FILE, folder / CONFIG_FILE,
                                   dtype=dtype, device=device)

    def encode(self, clip: torch.Tensor) -> torch.Tensor:
        """
        Encode [T,3,H,W] in 0..1 to normalised latents [z_dim,f,H/8,W/8].

        T is padded to 4n+1 by repeating the last frame; H and W must be multiples of 16.
        """
        self._check_for_encode(clip)
        video = pad_frames(clip).to(self.device, self.dtype).transpose(0, 1)[None] * 2 - 1
        latents = self.vae.encode(video, return_dict=False)[0].mode()[0]
        return (latents - self._mean) * self._rate

    def regress(self, latents: torch.Tensor) -> torch.Tensor:
        """Map RGB latents to depth latents of the same shape [z_dim,f,h,w], in one pass."""
        self._check_for_regress(latents)
        latents = latents.to(self.device, self.dtype)
        return self.dit(latents[None], self._timestep, self._context, return_dict=False)[0][0]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Decode depth latents [z_dim,f,h,w] to disparity [4f-3,8h,8w], float32 in 0..1."""
        latents = latents.to(self.device, self.dtype) / self._rate + self._mean
        # diffusers clamps to -1..1, as the reference does before it averages the channels.
        video = self.vae.decode(latents[None], return_dict=False)[0][0]
        return (video.float().mean(0) + 1).mul_(0.5).clamp_(0, 1)

    @torch.inference_mode()
    def predict(self, clip: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """
        Give the relative disparity of a clip.

        clip: float [T,3,H,W] in 0..1, any T >= 1, any H and W; on any device.
        size: (H, W) to cover, see `network_size`; None takes the config's, and where that has
        none the clip's own size, rounded up to multiples of 16.
        Returns float32 [T,H,W] in 0..1 at the clip's size, on the clip's device. Raises
        TypeError and ValueError for clips of another kind.
        """
        height, width = clip.shape[-2:]
        return self.predict_fitted(self.fit(clip, size), (height, width)).to(clip.device)

    @torch.inference_mode()
    def fit(self, clip: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """
        Scale a clip to the network; each frame by itself. Arguments and errors as for `predict`.

        Returns float32 [T,3,h,w] in 0..1 on the model's device.
        """
        _check_clip(clip)
        height, width = clip.shape[-2:]
        inner = network_size(height, width, size or self.config.size, self.config.multiple)
        return resize(clip.to(self.device, torch.float32), inner)

    @torch.inference_mode()
    def predict_fitted(self, video: torch.Tensor, size: tuple[int, int],
                       mark: Callable[[str], None] = lambda stage: None) -> torch.Tensor:
        """
        Give the disparity of what `fit` gave, float32 [T,H,W] at `size` (H, W).

        mark: told 'encode', 'transform', 'decode' when that was given to the device.
        """
        latents = self.encode(video)
        mark('encode')
        latents = self.regress(latents)
        mark('transform')
        disparity = self.decode(latents)[:len(video)]
        mark('decode')
        # One channel is left, so that the way back costs a third of the reference's.
        return resize(disparity[:, None], size)[:, 0]

    def specialise(self, light: LightCodec | None = None) -> SpecialisedDvd:
        """
        Give the same network with all that is constant folded away; see SpecialisedDvd.

        Its transformer is a new set of weights, its codec shares those of this model, or is
        `light` (see light_checkpoint.load_light).
        """
        from dvd_ros.model.specialised import SpecialisedDvd
        return SpecialisedDvd(self, light)

    def _check_for_encode(self, clip: torch.Tensor) -> None:
        _check_clip(clip)
        step = self.config.multiple
        if clip.shape[2] % step or clip.shape[3] % step:
            raise ValueError(f'encode needs height and width in multiples of {step}, got '
                             f'{clip.shape[2]}x{clip.shape[3]}; predict resizes by itself')

    def _check_for_regress(self, latents: torch.Tensor) -> None:
        channels = len(self.config.latents_mean)
        if latents.ndim != 4 or latents.shape[0] != channels:
            raise ValueError(f'latents must be [{channels},f,h,w], got {list(latents.shape)}')


def _check_clip(clip: torch.Tensor) -> None:
    if not isinstance(clip, torch.Tensor) or not clip.is_floating_point():
        got = clip.dtype if isinstance(clip, torch.Tensor) else type(clip).__name__
        raise TypeError(f'a clip is a float tensor in 0..1, got {got}; divide uint8 by 255')
    if clip.ndim != 4 or clip.shape[1] != 3 or 0 in clip.shape:
        raise ValueError(f'a clip is [T,3,H,W], none of them 0, got {list(clip.shape)}')
    low, high = (float(value) for value in torch.aminmax(clip.detach()))
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise ValueError(f'a clip lies in 0..1, got values from {low:g} to {high:g}')

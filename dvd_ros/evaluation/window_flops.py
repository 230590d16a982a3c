"""Floating-point operations of a network, counted without its weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel

from dvd_ros.evaluation.flops import count_flops
from dvd_ros.model import DvdConfig, DvdModel, taew
from dvd_ros.model.config import TIME_FACTOR, check_window
from dvd_ros.model.light_checkpoint import LightCodec, make_light
from dvd_ros.model.light_codec import LightSizes

FORMS = ('reference', 'full', 'light', 'taew2_1')


@dataclass(frozen=True)
class Flops:
    """Operations of one window, by part of the network; a multiplication with its addition is 2."""

    encode: int
    transform: int
    decode: int

    @property
    def codec(self) -> int:
        """Of encoder and decoder together."""
        return self.encode + self.decode

    @property
    def total(self) -> int:
        """Of the whole network."""
        return self.codec + self.transform


def window_flops(config: DvdConfig, form: str, window: int, size: tuple[int, int]) -> Flops:
    """
    Count the convolutions and matrix products of one window; the rest is not counted.

    form: 'reference', the unfolded transformer and the VAE in chunks, as diffusers runs them;
    'full', the specialised network; 'light', the same with the light codec of default sizes;
    'taew2_1', with the public one. window: frames, 4n+1. size: (H, W) in pixels. Only shapes are
    computed, on torch's meta device. Raises ValueError for another form, window or size, and for
    'taew2_1' with other latents than Wan 2.1's.
    """
    if form not in FORMS:
        raise ValueError(f'form must be one of {FORMS}, got {form!r}')
    check_window(window)
    if size[0] % config.multiple or size[1] % config.multiple:
        raise ValueError(f'size {size[0]}x{size[1]} must be multiples of {config.multiple}')
    latent = len(config.latents_mean), config.spatial_factor
    if form == 'taew2_1' and latent != (taew.LATENTS, taew.FACTOR):
        raise ValueError(f'taew2_1 is for {taew.LATENTS} latent channels of {taew.FACTOR}x'
                         f'{taew.FACTOR} pixels, the config has {latent[0]} of {latent[1]}x'
                         f'{latent[1]}')
    video = torch.zeros(window, 3, *size, device='meta')
    latents = torch.zeros(latent[0], window // TIME_FACTOR + 1, *(n // latent[1] for n in size),
                          device='meta')
    with torch.device('meta'):
        model = DvdModel(WanTransformer3DModel(**config.dit), AutoencoderKLWan(**config.vae),
                         config)
        if form != 'reference':
            fast = model.specialise(
                make_light(LightSizes.of(config)) if form == 'light' else
                LightCodec(taew.TaewEncoder(), taew.TaewDecoder()) if form == 'taew2_1' else None)
            return Flops(count_flops(fast.encoder, video), count_flops(fast.transformer, latents),
                         count_flops(fast.decoder, latents))
    rows = video.transpose(0, 1)[None]
    return Flops(count_flops(lambda x: model.vae.encode(x).latent_dist.mode(), rows),
                 count_flops(model.regress, latents),
                 count_flops(lambda x: model.vae.decode(x).sample, latents[None]))

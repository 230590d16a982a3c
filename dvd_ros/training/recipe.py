"""The recipe of the shipped small model: its sizes, its data, its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dvd_ros.training.loop_config import Optimiser
from dvd_ros.training.read_config import plain
from dvd_ros.training.small_recipe import FREE, SmallRecipe

# What may differ between a run and the one that goes on from it.
_FREE = (*FREE, 'codec_steps', 'export_sizes', 'disparity_room')


@dataclass(frozen=True)
class MiniRecipe(SmallRecipe):
    """Everything that makes the small model what it is; its defaults made the shipped one.

    The VAE works on 4x4 pixel blocks (``patch_size``), so that its widest layers run at a
    quarter of the image size; 4x temporal and 16x spatial compression into 32 channels.
    ``size`` is the network's native (H, W); scenes are rendered at ``rendered`` and made
    smaller, the share ``rich`` of them in the style of training/rich/. The share ``still_steps``
    of the regressor's steps, which come first, and the share ``image_odds`` of the others see
    single images. ``disparity_room``: see framewise.leave_room.
    ``disparity_weight`` 0 and ``latent_weight`` 1 leave DVD's own loss, of latents alone.

    ``fresh_clips``: how many of the newest clips rendered while training are in memory, in place
    of the ``clips`` on disk; ``fresh_views``: how often each of them is seen, about. 0: none.

    Raises ValueError naming a bad value.
    """

    clips: int = 768
    images: int = 36_000
    rich: float = 0.0
    rendered: tuple[int, int] = (192, 256)
    size: tuple[int, int] = (144, 192)
    window: int = 13
    export_sizes: tuple[tuple[int, int], ...] = ((144, 192), (144, 256))

    vae_width: int = 32
    codec_batch: int = 24
    codec_steps: int = 1500
    codec_rate: float = 2e-3
    codec_noise: float = 0.15

    heads: int = 6
    head_dim: int = 32
    ffn_dim: int = 640
    layers: int = 6
    batch: int = 48
    steps: int = 7800
    rate: float = 1e-3
    matrix_rate: float = 3e-3
    still_steps: float = 0.35
    image_odds: float = 0.6
    disparity_weight: float = 1.0
    latent_weight: float = 0.1
    rectification: float = 0.5
    disparity_room: float = 0.75

    fresh_clips: int = 0
    fresh_views: float = 20.0

    def __post_init__(self) -> None:
        for name in ('rendered', 'size'):
            if any(n % 16 or n < 32 for n in getattr(self, name)):
                raise ValueError(f'{name}={getattr(self, name)} must be multiples of 16 from 32')
        if self.window % 4 != 1:
            raise ValueError(f'window={self.window} must be 4n+1')
        for name in ('rich', 'still_steps', 'image_odds', 'disparity_room'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name}={getattr(self, name)} must lie in 0..1')

        if self.fresh_clips < 0 or self.fresh_views <= 0 or self.validation_clips < 0:
            raise ValueError(f'fresh_clips={self.fresh_clips} and validation_clips='
                             f'{self.validation_clips} must not be negative, fresh_views='
                             f'{self.fresh_views} positive')
        # They check the numbers that they take.
        for steps in (self.codec_steps, self.steps):
            self.run_of(steps)
        self.codec_optimiser()
        self.optimiser()

    def described(self) -> dict[str, Any]:
        """What must not change while a run goes on; without `rich` at its default, as before it."""
        return {name: value for name, value in plain(self).items()
                if name not in _FREE and (name != 'rich' or value)}

    def codec_optimiser(self) -> Optimiser:
        """Of the codec."""
        return Optimiser(rate=self.codec_rate)

    def optimiser(self) -> Optimiser:
        """Of the regressor."""
        return Optimiser(rate=self.rate, matrix_rate=self.matrix_rate,
                         warmup=min(200, self.steps // 5))

    def vae_arguments(self) -> dict[str, Any]:
        """Arguments of AutoencoderKLWan; its latents are used as they are."""
        return {'base_dim': self.vae_width, 'dim_mult': [1, 2, 2], 'num_res_blocks': 1,
                'temperal_downsample': [True, True], 'in_channels': 48, 'out_channels': 48,
                'patch_size': 4, 'z_dim': 32, 'scale_factor_spatial': 16,
                'latents_mean': [0.0] * 32, 'latents_std': [1.0] * 32}

    def dit_arguments(self) -> dict[str, Any]:
        """Arguments of WanTransformer3DModel."""
        return {'patch_size': [1, 1, 1], 'num_attention_heads': self.heads,
                'attention_head_dim': self.head_dim, 'in_channels': 32, 'out_channels': 32,
                'text_dim': 16, 'freq_dim': 64, 'ffn_dim': self.ffn_dim,
                'num_layers': self.layers, 'eps': 1e-6}

    def config(self) -> dict[str, Any]:
        """Arguments of DvdConfig, but for the timestep."""
        return {'dit': self.dit_arguments(), 'vae': self.vae_arguments(),
                'size': list(self.size), 'window': self.window, 'newest_taps': True}

"""Distils a light codec from a model's full one, on windows of any video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dvd_ros.model.config import check_window
from dvd_ros.model.dvd import DvdModel
from dvd_ros.model.light_checkpoint import LightCodec, make_light, write_light
from dvd_ros.model.light_codec import LightDecoder, LightSizes
from dvd_ros.training.batches import Scenes
from dvd_ros.training.loop import train
from dvd_ros.training.loop_config import Optimiser, Run
from dvd_ros.training.losses import slope_error
from dvd_ros.training.narrow import narrow
from dvd_ros.training.passes import Batch, Shared
from dvd_ros.training.read_config import plain
from dvd_ros.training.video_windows import VideoWindows

# Give windows [B,T,3,H,W] in -1..1 for a generator.
Windows = Callable[[np.random.Generator], Tensor]


@dataclass(frozen=True)
class DistilRecipe:
    """
    How a light codec is trained; its defaults are for small models on a CPU.

    size: (H, W) of the views in pixels. window: frames of a view, 4n+1. width: see
    LightSizes.of. noise: of the latents that the decoder sees, in standard deviations of a
    latent. depth_weight: of the error that the light encoder's latents make behind the
    transformer, from the middle of the training on (before, its gradient is noise); 0 leaves
    that out, and with it a pass back through the transformer. Raises ValueError naming a bad value.
    """

    size: tuple[int, int]
    window: int = 13
    width: int | None = None
    batch: int = 2
    steps: int = 3000
    rate: float = 1e-3
    noise: float = 0.1
    depth_weight: float = 1.0
    seed: int = 7

    def __post_init__(self) -> None:
        check_window(self.window)
        if min(self.batch, self.steps) < 1 or (self.width is not None and self.width < 1):
            raise ValueError(f'batch={self.batch}, steps={self.steps} and width={self.width} '
                             'must be positive')
        if self.rate <= 0 or self.noise < 0 or self.depth_weight < 0:
            raise ValueError(f'rate={self.rate} must be positive, noise={self.noise} and '
                             f'depth_weight={self.depth_weight} not negative')


def read_windows(folder: Path, recipe: DistilRecipe, memory: float = 2e9) -> Windows:
    """
    Read a folder of rendered shards, or of videos (see VideoWindows; ``memory`` in bytes).

    Raises FileNotFoundError or ValueError where it holds neither.
    """
    if any(folder.glob('shard_*.npz')):
        scenes = Scenes([folder])
        return lambda rng: scenes.batch(rng, recipe.batch, recipe.window,
                                        recipe.size)['images']
    videos = VideoWindows(folder, recipe.window, recipe.size, memory)
    return lambda rng: videos.batch(rng, recipe.batch, recipe.window)


class _DistilObjective(nn.Module):
    """What a light codec gets wrong of what the full one does."""

    partial = True  # windows of one frame do without what mixes frames

    def __init__(self, model: DvdModel, light: LightCodec, recipe: DistilRecipe) -> None:
        super().__init__()
        self.full, self.light, self.recipe = model.specialise(), light, recipe
        for part in (self.full.encoder, self.full.transformer, self.full.decoder):
            part.requires_grad_(False)

    def _regress(self, latents: Tensor) -> Tensor:
        return torch.stack([self.full.regress(one) for one in latents]).float()

    def forward(self, batch: Batch, step: int) -> dict[str, Tensor]:
        recipe, light, full, video = self.recipe, self.light, self.full, batch['images']
        decoder = light.decoder
        assert isinstance(decoder, LightDecoder)
        weight = recipe.depth_weight * min(max(4 * step / recipe.steps - 2, 0), 1)
        with torch.no_grad():
            latents = full.encoder(video.to(full.dtype)).float()
            depth = self._regress(latents)
            noisy = depth + recipe.noise * depth.std() * torch.randn_like(depth)
            true = full.decoder(noisy.to(full.dtype))
        with narrow(video.device):
            encoded = light.encoder(video).float()
            behind = self._regress(encoded) if weight else None
            error = decoder.unclamped(noisy)[0] - true
        # What the end cuts off is right however far outside it lies.
        error = torch.where((true <= 0) & (error < 0) | (true >= 1) & (error > 0), 0, error)
        losses = {'latents': _relative(encoded, latents), 'disparity': error.abs().mean(),
                  'slope': slope_error(error)}
        total = losses['latents'] + losses['disparity'] + error.square().mean() + losses['slope']
        if behind is not None:
            losses['depth'] = _relative(behind, depth)
            total = total + weight * losses['depth']
        return losses | {'total': total}


def _relative(pred: Tensor, true: Tensor) -> Tensor:
    """Squared error over variance: codecs differ in the size of their latents."""
    return (pred - true).square().mean() / true.var()


def distil(model: DvdModel, windows: Windows, recipe: DistilRecipe, out: Path) -> LightCodec:
    """
    Train a light codec for ``model`` and write it to the file ``out``.

    The encoder learns the latents of the full one; the decoder the disparity that the full one
    makes of the transformer's latents, with noise on them: the transformer never gives quite the
    same latents for a light encoder as for the full one. Leaves its state in a folder beside
    ``out`` (NAME.training), from which a run that was cut off goes on. Raises ValueError for a
    size that is no multiple of the model's.
    """
    step_of = model.config.multiple
    if recipe.size[0] % step_of or recipe.size[1] % step_of:
        raise ValueError(f'size {recipe.size[0]}x{recipe.size[1]} must be multiples of {step_of}')
    sizes = LightSizes.of(model.config, recipe.width)
    torch.manual_seed(recipe.seed)
    light = make_light(sizes).to(model.device)
    train(_DistilObjective(model, light, recipe),
          Shared(lambda step: {'images': windows(np.random.default_rng((recipe.seed, step, 5)))}),
          Optimiser(rate=recipe.rate, warmup=min(100, recipe.steps // 5)),
          Run(steps=recipe.steps, seed=recipe.seed), out.with_suffix('.training'),
          device=model.device.type,
          recipe={name: value for name, value in plain(recipe).items() if name != 'steps'})
    write_light(out, light, sizes, model.vae)
    return light

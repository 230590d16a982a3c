"""Makes the small video VAE: an encoder of principal components, a decoder of disparity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKLWan

from dvd_ros.training.clips import find_shards, truncated_disparity
from dvd_ros.training.loop import train
from dvd_ros.training.network import make_vae
from dvd_ros.training.principal import start_from_components
from dvd_ros.training.recipe import MiniRecipe


@lru_cache(maxsize=96)
def _shard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path) as data:
        return data['images'], data['disparity']


def _sample(rng: np.random.Generator, shards: list[Path], frames: int,
            size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A random view of a random clip: images float32 [T,h,w,3], disparity [T,h,w], in 0..1."""
    images, disparity = _shard(shards[int(rng.integers(len(shards)))])
    clip = int(rng.integers(len(images)))
    first = int(rng.integers(images.shape[1] - frames + 1))
    height, width = images.shape[2:4]
    part = 1 / rng.uniform(1.0, 1.5)
    tall, wide = int(height * part), int(width * part)
    y, x = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    view = (slice(first, first + frames), slice(y, y + tall), slice(x, x + wide))
    rgb = images[clip][view].astype(np.float32) / 255
    depth = truncated_disparity(disparity[clip][view])
    if rng.random() < 0.5:
        rgb, depth = rgb[:, :, ::-1], depth[:, :, ::-1]

    def fit(stack: np.ndarray) -> np.ndarray:
        return np.stack([cv2.resize(np.ascontiguousarray(frame), size[::-1],
                                    interpolation=cv2.INTER_AREA) for frame in stack])
    return fit(rgb), fit(depth)


def _batch(rng: np.random.Generator, shards: list[Path], count: int, frames: int,
           size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Images, and disparity as grey, both [B,3,T,H,W] in -1..1."""
    pairs = [_sample(rng, shards, frames, size) for _ in range(count)]
    rgb, depth = (torch.from_numpy(np.stack(part)) for part in zip(*pairs, strict=True))
    rgb = rgb.permute(0, 4, 1, 2, 3) * 2 - 1
    return rgb, (depth[:, None] * 2 - 1).expand_as(rgb)


def make_codec(data: Path, recipe: MiniRecipe) -> AutoencoderKLWan:
    """The VAE with its final encoder, from the images under ``data``; the decoder is random."""
    vae = make_vae(recipe)
    rng = np.random.default_rng(recipe.seed)
    shards = find_shards(data / 'images')
    start_from_components(vae, torch.cat(_batch(rng, shards, 256, 1, recipe.vae_size)))
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    return vae


def train_vae(data: Path, out: Path, recipe: MiniRecipe) -> AutoencoderKLWan:
    """Train the decoder on the shards under ``data``; leaves ``vae.pt`` under ``out``, resumes.

    The encoder stays as ``make_codec`` sets it: it codes images and disparity alike. The decoder
    learns disparity alone, shown as grey, from latents with some noise, as no regressed latents
    are exact; one step in three on short clips.
    """
    vae = make_codec(data, recipe)
    clips, images = find_shards(data / 'clips'), find_shards(data / 'images')

    def losses_of(rng: np.random.Generator, step: int) -> Mapping[str, torch.Tensor]:
        still = step % 3 != 2
        frames = 1 if still else recipe.vae_frames
        count = recipe.vae_batch if still else max(1, recipe.vae_batch // 3)
        _, grey = _batch(rng, images if still else clips, count, frames, recipe.vae_size)
        with torch.autocast('cpu', torch.bfloat16):
            with torch.no_grad():
                latents = vae.encode(grey.contiguous(), return_dict=False)[0].mode().float()
            noise = recipe.vae_noise * torch.randn_like(latents)
            decoded = vae.decode(latents + noise, return_dict=False)[0].float()
        error = decoded - grey
        slope = sum(torch.diff(error, dim=axis).abs().mean() for axis in (3, 4))
        return {'l1': error.abs().mean(), 'slope': slope,
                'total': error.abs().mean() + error.square().mean() + slope}

    train(vae, losses_of, steps=recipe.vae_steps, peak_rate=recipe.vae_rate,
          checkpoint=out / 'vae.pt', seed=recipe.seed)
    return vae

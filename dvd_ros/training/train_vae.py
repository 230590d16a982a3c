"""Trains the small video VAE, on rendered images and on their disparity shown as grey."""

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
from dvd_ros.training.recipe import MiniRecipe


@lru_cache(maxsize=96)
def _shard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path) as data:
        return data['images'], data['disparity']


def _crop(rng: np.random.Generator, shards: list[Path], frames: int,
          size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A random piece of a random clip: images float32 [T,h,w,3], disparity [T,h,w], in 0..1."""
    # A few shards stay in memory; the window over them moves on with the random draws.
    images, disparity = _shard(shards[int(rng.integers(len(shards)))])
    clip = int(rng.integers(len(images)))
    first = int(rng.integers(images.shape[1] - frames + 1))
    height, width = images.shape[2:4]
    zoom = rng.uniform(1.0, min(height / size[0], width / size[1]))
    tall, wide = int(size[0] * zoom), int(size[1] * zoom)
    y, x = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    part = (slice(first, first + frames), slice(y, y + tall), slice(x, x + wide))
    rgb = images[clip][part].astype(np.float32) / 255
    depth = truncated_disparity(disparity[clip][part])
    if rng.random() < 0.5:
        rgb, depth = rgb[:, :, ::-1], depth[:, :, ::-1]

    def fit(stack: np.ndarray) -> np.ndarray:
        return np.stack([cv2.resize(np.ascontiguousarray(f), size[::-1],
                                    interpolation=cv2.INTER_AREA) for f in stack])
    return fit(rgb), fit(depth)


def _slopes(video: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.diff(video, dim=3), torch.diff(video, dim=4)


def train_vae(data: Path, out: Path, recipe: MiniRecipe) -> AutoencoderKLWan:
    """Train on the shards under ``data`` and leave ``vae.pt`` under ``out``; resumes from it.

    L1 on pixels (-1..1) and on their spatial differences, plus a KL term that keeps the latents
    smooth enough to be regressed.
    """
    torch.manual_seed(recipe.seed)
    vae = AutoencoderKLWan(**recipe.vae_arguments())
    clips, images = find_shards(data / 'clips'), find_shards(data / 'images')

    def losses_of(rng: np.random.Generator, step: int) -> Mapping[str, torch.Tensor]:
        # One step in four on single images: the first frame is coded by itself.
        still = step % 4 == 3
        pairs = [_crop(rng, images if still else clips, 1 if still else recipe.vae_frames,
                       recipe.vae_crop)
                 for _ in range(recipe.vae_batch * (2 if still else 1))]
        batch = [p[0] for p in pairs] + [np.repeat(p[1][..., None], 3, -1)
                                         for p in pairs[::2]]
        video = torch.from_numpy(np.stack(batch)).permute(0, 4, 1, 2, 3).contiguous() * 2 - 1
        with torch.autocast('cpu', torch.bfloat16):
            posterior = vae.encode(video, return_dict=False)[0]
            mean, log_variance = posterior.mean.float(), posterior.logvar.float()
            sample = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            decoded = vae.decode(sample, return_dict=False)[0]
        error = (decoded.float() - video).abs().mean()
        slope = sum((a - b).abs().mean() for a, b in
                    zip(_slopes(decoded.float()), _slopes(video), strict=True))
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return {'l1': error, 'slope': slope, 'kl': kl,
                'total': error + slope + recipe.vae_kl * kl}

    train(vae, losses_of, steps=recipe.vae_steps, peak_rate=recipe.vae_rate,
          checkpoint=out / 'vae.pt', seed=recipe.seed)
    return vae


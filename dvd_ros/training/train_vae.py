"""Trains the small video VAE, so that it keeps what an image says about depth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel

from dvd_ros.training.clips import find_shards, truncated_disparity
from dvd_ros.training.loop import train
from dvd_ros.training.losses import dvd_loss
from dvd_ros.training.network import make_dit, make_vae, regress
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


def _picture_loss(pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1, squared error and L1 of the spatial differences of videos [B,C,T,H,W] in -1..1."""
    error = pred.float() - target
    slopes = sum(torch.diff(error, dim=axis).abs().mean() for axis in (3, 4))
    return error.abs().mean() + error.square().mean() + 0.5 * slopes


def train_vae(data: Path, out: Path,
              recipe: MiniRecipe) -> tuple[AutoencoderKLWan, WanTransformer3DModel]:
    """Train on the shards under ``data`` and leave ``vae.pt`` under ``out``; resumes from it.

    A released DVD starts from a VAE that has seen the world's videos. This one has minutes on a
    few rendered scenes, so it is told what it is for: besides images and disparity it must give
    back the disparity of images whose latents went through a transformer. Single images first,
    then short clips. Returns the VAE and that transformer, from which ``train_dit`` goes on.
    """
    vae, dit = make_vae(recipe), make_dit(recipe)
    clips, images = find_shards(data / 'clips'), find_shards(data / 'images')

    def losses_of(rng: np.random.Generator, step: int) -> Mapping[str, torch.Tensor]:
        still = step < recipe.vae_still_steps
        frames = 1 if still else recipe.vae_frames
        count = recipe.vae_batch if still else max(1, recipe.vae_batch // 3)
        pairs = [_sample(rng, images if still else clips, frames, recipe.vae_size)
                 for _ in range(count)]
        rgb, depth = (torch.from_numpy(np.stack(part)) for part in zip(*pairs, strict=True))
        rgb = rgb.permute(0, 4, 1, 2, 3) * 2 - 1
        grey = (depth[:, None] * 2 - 1).expand_as(rgb)
        video = torch.cat([rgb, grey]).contiguous()
        half = max(1, count // 2)
        with torch.autocast('cpu', torch.bfloat16):
            posterior = vae.encode(video, return_dict=False)[0]
            mean, log_variance = posterior.mean.float(), posterior.logvar.float()
            latents = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            pred = regress(dit, latents[:count])
            # Of images and disparity themselves half the batch will do.
            decoded = vae.decode(torch.cat([pred.float(), latents[:half],
                                            latents[count:count + half]]), return_dict=False)[0]
        depth_loss = _picture_loss(decoded[:count], grey)
        image_loss = _picture_loss(decoded[count:count + half], rgb[:half])
        grey_loss = _picture_loss(decoded[count + half:], grey[:half])
        latent = dvd_loss(pred.float(), mean[count:].detach(), recipe.rectification)['total']
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return {'depth': depth_loss, 'image': image_loss, 'grey': grey_loss, 'latent': latent,
                'kl': kl, 'total': depth_loss + 0.5 * image_loss + grey_loss + 0.05 * latent
                + recipe.vae_kl * kl}

    train(torch.nn.ModuleDict({'vae': vae, 'dit': dit}), losses_of, steps=recipe.vae_steps,
          peak_rate=recipe.vae_rate, checkpoint=out / 'vae.pt', seed=recipe.seed)
    return vae, dit

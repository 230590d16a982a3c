"""Latents of the rendered clips under the frozen VAE, made once and kept on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKLWan

from dvd_ros.training.clips import find_shards, read_clips


def _encode(vae: AutoencoderKLWan, video: np.ndarray) -> torch.Tensor:
    """float32 [B,T,H,W,3] in 0..1 -> mode of the latents [B,C,f,h,w]."""
    tensor = torch.from_numpy(video).permute(0, 4, 1, 2, 3) * 2 - 1
    with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16):
        return vae.encode(tensor.contiguous(), return_dict=False)[0].mode().float()


def _fit(stack: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.stack([cv2.resize(f, size[::-1], interpolation=cv2.INTER_AREA) for f in stack])


def encode_folder(vae: AutoencoderKLWan, folder: Path, out: Path, size: tuple[int, int]) -> None:
    """Encode all clips of a folder of shards, and their mirror images, at ``size`` (H, W).

    Writes one npy per shard, float16 [2N,2,C,f,h,w]: RGB latents, then disparity latents.
    Files that exist are kept.
    """
    from tqdm import tqdm

    out.mkdir(parents=True, exist_ok=True)
    for shard in tqdm(find_shards(folder), desc=f'latents {folder.name} {size[0]}x{size[1]}'):
        target = out / f'{shard.stem}.npy'
        if target.exists():
            continue
        rows = []
        for images, disparity in read_clips(shard):
            rgb = _fit(images, size).astype(np.float32) / 255
            depth = np.repeat(_fit(disparity, size)[..., None], 3, -1)
            batch = np.stack([rgb, depth, rgb[:, :, ::-1], depth[:, :, ::-1]])
            rows.append(_encode(vae, batch).unflatten(0, (2, 2)).half().numpy())
        part = target.with_suffix('.part')
        with part.open('wb') as file:
            np.save(file, np.concatenate(rows))
        part.rename(target)

"""Fit clips to the network and its output back to the clips."""

import math

import torch
import torch.nn.functional as F

from dvd_ros.model.config import TIME_FACTOR


def padded_length(frames: int) -> int:
    """Give the next length of the form 4n+1 that holds `frames`."""
    if frames < 1:
        raise ValueError(f'a clip needs at least one frame, got {frames}')
    return frames + (1 - frames) % TIME_FACTOR


def pad_frames(clip: torch.Tensor) -> torch.Tensor:
    """Repeat the last frame of `clip` [T,...] until the length is 4n+1."""
    lacking = padded_length(clip.shape[0]) - clip.shape[0]
    if lacking == 0:
        return clip
    return torch.cat([clip, clip[-1:].expand(lacking, *clip.shape[1:])])


def network_size(height: int, width: int, target: tuple[int, int] | None,
                 multiple: int = 16) -> tuple[int, int]:
    """
    Give the (H, W) that the network gets for a clip of `height` x `width` pixels.

    The clip is scaled to cover `target` (H, W) with its aspect kept, then both sides are
    rounded up to `multiple`; None stands for the clip's own size. This is the rule of the
    reference's resize_for_training_scale, float rounding included.
    """
    if height < 1 or width < 1:
        raise ValueError(f'a clip needs at least one pixel, got {height}x{width}')
    target_height, target_width = target or (height, width)
    ratio = max(target_height / height, target_width / width)
    return (-(-math.ceil(height * ratio) // multiple) * multiple,
            -(-math.ceil(width * ratio) // multiple) * multiple)


def resize(frames: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Scale [T,C,H,W] to `size` (H, W), bilinear, pixel centres, without anti-aliasing."""
    if tuple(frames.shape[-2:]) == tuple(size):
        return frames
    return F.interpolate(frames, size=size, mode='bilinear', align_corners=False)

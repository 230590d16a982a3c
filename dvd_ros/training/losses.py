"""Losses of the DVD recipe on latents [B,C,T,H,W]."""

from __future__ import annotations

import torch


def difference_losses(pred: torch.Tensor, target: torch.Tensor,
                      power: int = 1) -> dict[str, torch.Tensor]:
    """Mean |error|**power of the neighbour differences along time, height and width.

    pred, target: [B,C,T,H,W], equal shapes. Returns scalars 't', 'h', 'w'; 't' is 0 when T is 1.
    Raises ValueError for unequal shapes or a power other than 1 or 2.
    Source: DVD's latent manifold rectification (arXiv 2603.12250).
    """
    if pred.shape != target.shape or pred.ndim != 5:
        raise ValueError(f'need two equal [B,C,T,H,W] tensors, got {tuple(pred.shape)} and '
                         f'{tuple(target.shape)}')
    if power not in (1, 2):
        raise ValueError(f'power must be 1 or 2, got {power}')
    error = pred - target
    losses = {}
    for name, axis in (('t', 2), ('h', 3), ('w', 4)):
        step = torch.diff(error, dim=axis)
        losses[name] = step.abs().pow(power).mean() if step.numel() else error.new_zeros(())
    return losses


def dvd_loss(pred: torch.Tensor, target: torch.Tensor,
             rectification: float = 0.5) -> dict[str, torch.Tensor]:
    """Latent MSE plus ``rectification`` times the L1 difference losses.

    Returns scalars 'mse', 't', 'h', 'w' and their weighted sum 'total'.
    """
    losses = difference_losses(pred, target)
    losses['mse'] = (pred - target).square().mean()
    losses['total'] = losses['mse'] + rectification * (losses['t'] + losses['h'] + losses['w'])
    return losses

"""Optimisers of a training, and their rates over its steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from dvd_ros.training.loop_config import Optimiser


def learning_rate(step: int, steps: int, peak: float, warmup: int,
                  schedule: str = 'cosine') -> float:
    """Linear warm-up to ``peak``, then constant, or a cosine down to a fiftieth of it."""
    if step < warmup:
        return peak * (step + 1) / warmup
    if schedule == 'constant':
        return peak
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def make_optimisers(named: Mapping[str, nn.Parameter],
                    config: Optimiser) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon for the matrices of blocks where there is a rate for them."""
    matrices = {name: p for name, p in named.items()
                if config.matrix_rate and p.ndim == 2 and 'blocks' in name}
    made: list[torch.optim.Optimizer] = [torch.optim.AdamW(
        [p for name, p in named.items() if name not in matrices], lr=config.rate,
        betas=config.betas, weight_decay=config.decay)]
    if matrices:
        made.append(torch.optim.Muon(list(matrices.values()), lr=config.matrix_rate,
                                     weight_decay=config.decay, adjust_lr_fn='match_rms_adamw'))
    return made


def set_rates(optimizers: Sequence[torch.optim.Optimizer], config: Optimiser, step: int,
              steps: int) -> None:
    """Set the rates of what `make_optimisers` made to those of a step."""
    for optimizer, peak in zip(optimizers, (config.rate, config.matrix_rate), strict=False):
        for group in optimizer.param_groups:
            group['lr'] = learning_rate(step, steps, peak, config.warmup, config.schedule)

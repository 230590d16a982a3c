"""One training loop for codec and transformer: schedule, checkpoints, progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up to ``peak``, then a cosine down to a fiftieth of it."""
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def train(module: torch.nn.Module, losses_of: Callable[[np.random.Generator, int],
          Mapping[str, torch.Tensor]], *, steps: int, peak_rate: float, checkpoint: Path,
          seed: int, matrix_rate: float = 0.0, warmup: int = 100, decay: float = 0.02,
          save_every: int = 100) -> None:
    """Minimise the ``total`` of ``losses_of(rng, step)`` over the parameters of ``module``.

    AdamW at ``peak_rate``; with a ``matrix_rate`` the matrices of its ``blocks`` are left to
    Muon at that rate, which takes a transformer about half the steps.

    Each step draws from a generator of its own (seed, step), so a run that was cut off goes on
    from ``checkpoint`` as if it had not been. The module holds averaged weights (EMA 0.998)
    at the end. Raises FloatingPointError when a loss is not finite.
    """
    from tqdm import tqdm

    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    parameters = [p for _, p in named]
    matrices = [p for name, p in named if matrix_rate and p.ndim == 2 and 'blocks' in name]
    hidden = {id(p) for p in matrices}
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(
        [p for p in parameters if id(p) not in hidden], lr=peak_rate, betas=(0.9, 0.98),
        weight_decay=decay)]
    if matrices:
        optimizers.append(torch.optim.Muon(matrices, lr=matrix_rate, weight_decay=decay,
                                           adjust_lr_fn='match_rms_adamw'))
    peaks = [peak_rate, matrix_rate]
    average = [p.detach().clone() for p in parameters]
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        module.load_state_dict(state['module'])
        for optimizer, kept in zip(optimizers, state['optimizers'], strict=True):
            optimizer.load_state_dict(kept)
        average, start = state['average'], state['step']
    shown: dict[str, float] = {}
    with tqdm(range(start, steps), initial=start, total=steps, desc=checkpoint.stem,
              mininterval=10) as bar:
        for step in bar:
            for optimizer, peak in zip(optimizers, peaks, strict=False):
                for group in optimizer.param_groups:
                    group['lr'] = learning_rate(step, steps, peak, warmup)
            torch.manual_seed(seed * 1_000_003 + step)
            losses = losses_of(np.random.default_rng((seed, step)), step)
            if not torch.isfinite(losses['total']):
                raise FloatingPointError(f'loss is {losses} at step {step} of {checkpoint.stem}')
            module.zero_grad(set_to_none=True)
            losses['total'].backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            for optimizer in optimizers:
                optimizer.step()
            # Early on the average would remember random weights for too long.
            keep = min(0.998, (step + 1) / (step + 20))
            with torch.no_grad():
                for mean, now in zip(average, parameters, strict=True):
                    mean.lerp_(now, 1 - keep)
            for name, value in losses.items():
                shown[name] = 0.98 * shown.get(name, value.item()) + 0.02 * value.item()
            bar.set_postfix({k: f'{v:.4f}' for k, v in shown.items()}, refresh=False)
            if (step + 1) % save_every == 0 or step + 1 == steps:
                part = checkpoint.with_suffix('.part')
                torch.save({'module': module.state_dict(), 'average': average, 'step': step + 1,
                            'optimizers': [o.state_dict() for o in optimizers]}, part)
                part.replace(checkpoint)
    with torch.no_grad():
        for mean, now in zip(average, parameters, strict=True):
            now.copy_(mean)
    module.eval()

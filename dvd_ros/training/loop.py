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
          seed: int, warmup: int = 100, decay: float = 0.02, save_every: int = 100) -> None:
    """Minimise the ``total`` of ``losses_of(rng, step)`` over the parameters of ``module``.

    Each step draws from a generator of its own (seed, step), so a run that was cut off goes on
    from ``checkpoint`` as if it had not been. AdamW with averaged weights (EMA 0.998), which the
    module holds at the end. Raises FloatingPointError when a loss is not finite.
    """
    from tqdm import tqdm

    parameters = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=peak_rate, betas=(0.9, 0.98), weight_decay=decay)
    average = [p.detach().clone() for p in parameters]
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        module.load_state_dict(state['module'])
        optimizer.load_state_dict(state['optimizer'])
        average, start = state['average'], state['step']
    shown: dict[str, float] = {}
    with tqdm(range(start, steps), initial=start, total=steps, desc=checkpoint.stem,
              mininterval=10) as bar:
        for step in bar:
            rate = learning_rate(step, steps, peak_rate, warmup)
            for group in optimizer.param_groups:
                group['lr'] = rate
            torch.manual_seed(seed * 1_000_003 + step)
            losses = losses_of(np.random.default_rng((seed, step)), step)
            if not torch.isfinite(losses['total']):
                raise FloatingPointError(f'loss is {losses} at step {step} of {checkpoint.stem}')
            optimizer.zero_grad(set_to_none=True)
            losses['total'].backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
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
                torch.save({'module': module.state_dict(), 'optimizer': optimizer.state_dict(),
                            'average': average, 'step': step + 1}, part)
                part.replace(checkpoint)
    with torch.no_grad():
        for mean, now in zip(average, parameters, strict=True):
            now.copy_(mean)
    module.eval()

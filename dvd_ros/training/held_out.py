"""Views that are never trained on: their loss chooses the best weights, one of them is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from dvd_ros.evaluation.contact_sheet import write_contact_sheet
from dvd_ros.training.passes import Batch


@dataclass(frozen=True)
class HeldOut:
    """
    batches: the same ones every time. To be drawn they have ``images`` [B,T,3,H,W] in -1..1 and
    ``target`` [B,T,H,W] in 0..1.
    """

    batches: Sequence[Batch]

    def losses(self, accelerator: Accelerator, forward: Callable[[Batch], dict[str, Tensor]],
               seed: int) -> dict[str, float]:
        """Mean losses over all items, shared among the processes."""
        rank, world = accelerator.process_index, accelerator.num_processes
        sums: dict[str, Tensor] = {}
        weight = torch.zeros((), dtype=torch.float64, device=accelerator.device)
        for first in range(0, len(self.batches), world):
            # Every process runs as often, as parts of the module may be with the others.
            batch = self.batches[min(first + rank, len(self.batches) - 1)]
            count = len(next(iter(batch.values()))) * (first + rank < len(self.batches))
            torch.manual_seed(seed * 1_000_003 + first + rank)
            losses = forward({name: v.to(accelerator.device) for name, v in batch.items()})
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + count * value.double()
            weight = weight + count
        values = torch.stack([weight, *sums.values()])
        if world > 1:
            values = accelerator.reduce(values, 'sum')
        total, *rest = values.tolist()
        return {name: value / total for name, value in zip(sums, rest, strict=True)}

    def draw(self, accelerator: Accelerator, forward: Callable[[Batch], dict[str, Tensor]],
             path: Path) -> None:
        """Draw images, prediction, truth and error of the first view."""
        batch = {name: v.to(accelerator.device) for name, v in self.batches[0].items()}
        pred = forward(batch)['disparity'].float()
        if not accelerator.is_main_process:
            return
        path.parent.mkdir(exist_ok=True)
        images = batch['images'][0].permute(0, 2, 3, 1).add(1).mul(127.5).round().clamp(0, 255)
        true = batch['target'][0].cpu().numpy()
        if 'valid' in batch:
            true = np.where(batch['valid'][0].cpu().numpy() > 0, true, np.nan)
        write_contact_sheet(path, list(images.byte().cpu().numpy()), _depth(pred.cpu().numpy()),
                            _depth(true), title=path.stem, unit='relative')


def _depth(disparity: np.ndarray) -> list[np.ndarray]:
    """Something like metres of normalised disparity: 1 is the nearest, 10 the farthest."""
    return [1 / (0.1 + 0.9 * np.clip(one, 0, 1)) for one in disparity]

"""The training loop: one for codecs, the small model and LoRA, on one device or many."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, DistributedType
from torch import Tensor, nn

from dvd_ros.training.held_out import HeldOut
from dvd_ros.training.journal import Journal, draw_curve, tensorboard_there
from dvd_ros.training.loop_config import Optimiser, Run
from dvd_ros.training.narrow import narrow
from dvd_ros.training.optimisers import make_optimisers, set_rates
from dvd_ros.training.passes import Batch, Pass, Passes
from dvd_ros.training.training_state import (
    fill,
    load_tensors,
    optimiser_tensors,
    restore_optimisers,
    save_tensors,
    trainable,
    whole,
)

LAST, BEST = 'last.safetensors', 'best.safetensors'


def train(objective: nn.Module, passes: Passes, optimiser: Optimiser, run: Run, folder: Path, *,
          device: str = '', recipe: Mapping[str, Any] | None = None,
          held_out: HeldOut | None = None) -> None:
    """
    Minimise the ``total`` that ``objective(batch, step)`` gives, over its trainable parameters.

    objective: a module whose forward pass returns scalar losses by name; with step None, for
    previews, the ``disparity`` [T,H,W] in 0..1 of the batch's first clip. passes: see Passes; how
    processes are started, and whether DDP or FSDP (version 2) shares the work, is accelerate's
    business (`accelerate launch`). device: `cpu` keeps off the GPU. recipe: what the run is made
    of, fit for JSON; it must not change while a run goes on.

    Each step draws from (seed, step) alone, so a run that was cut off goes on from
    ``folder``/last.safetensors as if it had not been. Beside it lie best.safetensors (by the loss
    on ``held_out``), metrics.jsonl, curve.png, previews and TensorBoard's log. At the end the
    module holds the mean weights (see Optimiser.average).

    Raises FloatingPointError, after writing the batch to a file, when a loss or gradient is not
    finite; OSError where a state cannot be saved; ValueError for a state of another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    loop = _Loop(objective, passes, optimiser, run, folder, device, dict(recipe or {}), held_out)
    try:
        loop.run_all()
    finally:
        loop.close()


class _Loop:
    def __init__(self, objective: nn.Module, passes: Passes, optimiser: Optimiser, run: Run,
                 folder: Path, device: str, recipe: dict[str, Any],
                 held_out: HeldOut | None) -> None:
        self.passes, self.optimiser, self.run, self.folder = passes, optimiser, run, folder
        self.recipe, self.held_out = recipe, held_out
        log = run.tensorboard and tensorboard_there()
        self.accelerator = Accelerator(
            cpu=device == 'cpu', log_with='tensorboard' if log else None, project_dir=str(folder),
            # Of some objectives a step leaves out parts, as the decoder of single images.
            kwargs_handlers=[DistributedDataParallelKwargs(
                find_unused_parameters=getattr(objective, 'partial', False),
                broadcast_buffers=False)])
        if self.accelerator.distributed_type == DistributedType.FSDP and (
                not self.accelerator.is_fsdp2 or optimiser.matrix_rate):
            raise ValueError('FSDP needs fsdp_version 2 in the config of accelerate, and a '
                             f'matrix_rate of 0 (now {optimiser.matrix_rate}), as Muon needs '
                             'whole matrices')
        if log:
            self.accelerator.init_trackers('tensorboard')
        self.module = objective
        self.wrapped, *self.optimizers = self.accelerator.prepare(
            objective, *make_optimisers(trainable(objective), optimiser))
        self.named = trainable(self.accelerator.unwrap_model(self.wrapped))
        self.average = {name: p.detach().clone() for name, p in self.named.items()} \
            if optimiser.average else {}
        self.step, self.frames, self.skipped, self.seconds = 0, 0, 0, 0.0
        self.best = math.inf
        self._load()
        self.journal = Journal(folder, self.step) if self.accelerator.is_main_process else None

    def run_all(self) -> None:
        from tqdm import tqdm

        shown: dict[str, float] = {}
        if self.step == 0 and self.held_out and self.run.validate_every:
            self._look(held=True, picture=False)  # what a training begins with, it is judged by
        first, begun, before = self.frames, time.monotonic(), self.seconds
        with tqdm(range(self.step, self.run.steps), initial=self.step, total=self.run.steps,
                  desc=self.folder.name, mininterval=10,
                  disable=not self.accelerator.is_main_process) as bar:
            for step in bar:
                losses = self._one(step)
                self.step = step + 1
                spent = time.monotonic() - begun
                self.seconds = before + spent
                speed = (self.frames - first) / max(spent, 1e-9)
                for name, value in losses.items():
                    shown[name] = 0.98 * shown.get(name, value) + 0.02 * value
                bar.set_postfix({**{k: f'{v:.4f}' for k, v in shown.items()},
                                 'frames/s': f'{speed:.1f}'}, refresh=False)
                self._tell({**losses, 'rate': self.optimizers[0].param_groups[0]['lr'],
                            'frames_per_s': round(speed, 2), 'skipped': self.skipped,
                            **self.passes.facts()})
                self._pause()
        self._use_average()
        self.module.eval()

    def close(self) -> None:
        if self.journal:
            self.journal.close()
        for tracker in self.accelerator.trackers:
            tracker.finish()

    def _one(self, step: int) -> dict[str, float]:
        """One step of all optimisers; the losses, averaged over all processes."""
        accelerator, world = self.accelerator, self.accelerator.num_processes
        set_rates(self.optimizers, self.optimiser, step, self.run.steps)
        torch.manual_seed(self.run.seed * 1_000_003 + step + 1_000_000_007 *
                          accelerator.process_index)
        self.wrapped.zero_grad(set_to_none=True)
        mean: dict[str, Tensor] = {}
        todo = self.passes(step, accelerator.process_index, world)
        counted = torch.zeros(2, dtype=torch.float64)
        for i, one in enumerate(todo):
            batch = {name: value.to(accelerator.device) for name, value in one.batch.items()}
            waits = i + 1 < len(todo)
            with accelerator.no_sync(self.wrapped) if waits else nullcontext():
                losses = self._forward(batch, step)
                self._stop_where_not_finite(losses['total'].detach(), one, step, 'loss', losses)
                accelerator.backward(losses['total'] * one.weight)
            for name, value in losses.items():
                mean[name] = mean.get(name, 0.0) + one.weight * value.detach().double()
            counted += torch.tensor([_frames(one.batch), one.skipped])
        norm = torch.zeros(())
        if self.optimiser.clip:
            norm = accelerator.clip_grad_norm_(self.named.values(), self.optimiser.clip)
            norm = whole(norm)
            self._stop_where_not_finite(norm, todo[-1], step, 'gradient', mean)
        for optimizer in self.optimizers:
            optimizer.step()
        self._follow(step)
        values = torch.stack([*mean.values()])
        if world > 1:
            values = accelerator.reduce(values, 'mean')
            counted = accelerator.reduce(counted.to(accelerator.device), 'sum').cpu()
        self.frames += int(counted[0])
        self.skipped += int(counted[1])
        return {**dict(zip(mean, values.tolist(), strict=True)), 'gradient': float(norm)}

    def _forward(self, batch: Batch, step: int | None) -> dict[str, Tensor]:
        with narrow(self.accelerator.device, self.run.precision == 'bf16'):
            return self.wrapped(batch, step)

    def _stop_where_not_finite(self, value: Tensor, one: Pass, step: int, what: str,
                               losses: Mapping[str, Tensor]) -> None:
        """All processes stop where one of them has met a value that is not finite."""
        bad = ~torch.isfinite(value).to(self.accelerator.device)
        rank = self.accelerator.process_index
        path = self.folder / f'bad_batch_step{step}_process{rank}.safetensors'
        if bad:
            save_tensors(path, one.batch, {'step': step, 'what': what})
        if self.accelerator.num_processes > 1:
            bad = self.accelerator.reduce(bad.float(), 'sum') > 0
        if bad:
            parts = {name: float(loss.detach()) for name, loss in losses.items()}
            raise FloatingPointError(
                f'{what} is not finite at step {step} of {self.folder.name}, losses {parts}; the '
                f'batch is in {path if path.exists() else "the file of another process"}. The '
                f'state of the last save is untouched; try a lower rate')

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        # Early on the average would remember random weights for too long.
        keep = min(self.optimiser.average, (step + 1) / (step + 20))
        for name, mean in self.average.items():
            mean.lerp_(self.named[name], 1 - keep)

    def _pause(self) -> None:
        """What is done between two steps: look at the held-out views, draw, save."""
        step, run, last = self.step, self.run, self.step == self.run.steps
        if self.held_out:
            held = run.validate_every and (step % run.validate_every == 0 or last)
            picture = run.preview_every and (step % run.preview_every == 0 or last)
            if held or picture:
                self._look(bool(held), bool(picture))
        if step % run.save_every == 0 or last:
            self._save()

    def _look(self, held: bool, picture: bool) -> None:
        assert self.held_out is not None
        apart = {name: p.detach().clone() for name, p in self.named.items()} if self.average \
            else {}
        self._use_average()
        self.wrapped.eval()
        with torch.no_grad():
            if held:
                values = self.held_out.losses(self.accelerator, lambda batch: self._forward(
                    batch, self.step), self.run.seed)
                self._tell({'held_out': values['total'],
                            **{f'held_out_{name}': v for name, v in values.items()}})
                if values['total'] < self.best:
                    self.best = values['total']
                    self._write(BEST, {name: whole(p) for name, p in self.named.items()})
            if picture:
                path = self.folder / 'previews' / f'{self.step:06d}.png'
                self.held_out.draw(self.accelerator, lambda batch: self._forward(batch, None),
                                   path)
        self.wrapped.train()
        with torch.no_grad():
            for name, value in apart.items():
                self.named[name].copy_(value)

    @torch.no_grad()
    def _use_average(self) -> None:
        for name, mean in self.average.items():
            self.named[name].copy_(mean)

    def _tell(self, values: Mapping[str, float]) -> None:
        facts = {'seconds': round(self.seconds, 3), 'frames': self.frames, **values}
        if self.journal:
            self.journal.write(self.step, facts)
        if self.accelerator.trackers:
            self.accelerator.log(facts, step=self.step)

    def _save(self) -> None:
        self._write(LAST, {
            **{f'weights/{name}': whole(p) for name, p in self.named.items()},
            **{f'average/{name}': whole(value) for name, value in self.average.items()},
            **{f'optimiser/{name}': value for name, value in optimiser_tensors(
                map(_bare, self.optimizers), self.named).items()}})
        if self.accelerator.is_main_process:
            draw_curve(self.folder)

    def _write(self, name: str, tensors: dict[str, Tensor]) -> None:
        if self.accelerator.is_main_process:
            save_tensors(self.folder / name, tensors, {
                'step': self.step, 'frames': self.frames, 'skipped': self.skipped,
                'seconds': self.seconds, 'best': None if self.best == math.inf else self.best,
                'recipe': self.recipe})
        self.accelerator.wait_for_everyone()

    def _load(self) -> None:
        path = self.folder / LAST
        if not path.exists():
            return
        tensors, facts = load_tensors(path)
        then = facts['recipe']
        changed = [f'{key}={then.get(key)!r} (now {self.recipe.get(key)!r})'
                   for key in sorted({*then, *self.recipe})
                   if then.get(key) != self.recipe.get(key)]
        if changed:
            raise ValueError(f'{path} was trained with {", ".join(changed)}: give what it was '
                             'begun with, or another folder')
        parts: dict[str, dict[str, Tensor]] = {'weights': {}, 'average': {}, 'optimiser': {}}
        for name, value in tensors.items():
            part, _, rest = name.partition('/')
            parts[part][rest] = value
        fill(self.named, parts['weights'], path)
        fill(self.average, parts['average'], path)
        restore_optimisers([_bare(one) for one in self.optimizers], self.named,
                           parts['optimiser'])
        self.step, self.frames, self.skipped = facts['step'], facts['frames'], facts['skipped']
        self.seconds = facts['seconds']
        self.best = math.inf if facts['best'] is None else facts['best']


def _bare(optimizer: Any) -> torch.optim.Optimizer:
    """The optimiser in what accelerate made of it."""
    return getattr(optimizer, 'optimizer', optimizer)


def _frames(batch: Batch) -> int:
    shape = next(iter(batch.values())).shape
    return int(np.prod(shape[:2]))

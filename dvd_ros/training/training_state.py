"""The state of a training in one safetensors file, written so that the last one survives."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

_FORMAT = 'dvd_ros training 1'


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """
    Write tensors, and facts that are fit for JSON, to a file, or leave it as it was.

    Raises OSError where that fails, as on a full disk.
    """
    part = path.with_suffix('.part')
    try:
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()},
                  str(part), metadata={'format': _FORMAT, 'facts': json.dumps(facts)})
        with part.open('rb') as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        kept = f'what was saved there before is kept: {path}' if path.exists() else \
            'nothing had been saved before'
        raise OSError(f'cannot save {path.name} in {path.parent} ({error}): is the disk full? '
                      f'{kept}. Make room and run the same command again') from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote; ValueError where a file is of another kind or damaged."""
    try:
        with safe_open(str(path), framework='pt', device='cpu') as file:
            facts = file.metadata() or {}
            if facts.get('format') != _FORMAT:
                raise ValueError(f'{path} is no training state; needed is a file that '
                                 '`dvd-ros train` wrote')
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(
                facts['facts'])
    except SafetensorError as error:
        raise ValueError(f'{path} is damaged ({error}); delete it to begin anew') from error


def trainable(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that learn, by name."""
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


@torch.no_grad()
def fill(targets: Mapping[str, Tensor], tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy tensors into those of the same names; ValueError naming what does not fit."""
    wrong = sorted(set(targets) ^ set(tensors)) or [
        name for name, value in targets.items() if value.shape != tensors[name].shape]
    if wrong:
        raise ValueError(f'{path} is of another network: {len(wrong)} tensors are missing, '
                         f'unexpected or misshapen, as {wrong[0]}; train in another folder')
    for name, target in targets.items():
        target.copy_(_like(tensors[name], target))


def load_weights(module: nn.Module, path: Path) -> dict[str, Any]:
    """Give a module the weights of `best.safetensors`; returns the facts saved with them."""
    tensors, facts = load_tensors(path)
    fill(trainable(module), tensors, path)
    return facts


def optimiser_tensors(optimizers: Iterable[torch.optim.Optimizer],
                      named: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """What optimisers remember, as `parameter|quantity`."""
    names = {id(p): name for name, p in named.items()}
    return {f'{names[id(p)]}|{key}': whole(value)
            for optimizer in optimizers for p, state in optimizer.state.items()
            for key, value in state.items()}


def restore_optimisers(optimizers: Iterable[torch.optim.Optimizer],
                       named: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` gave; what it had not yet begun to remember stays so."""
    owners = {id(p): optimizer for optimizer in optimizers
              for group in optimizer.param_groups for p in group['params']}
    for full, value in tensors.items():
        name, _, key = full.rpartition('|')
        p = named[name]
        # A count of steps is kept on the CPU, as torch does.
        owners[id(p)].state[p][key] = value.clone() if value.ndim == 0 else _like(value, p)


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor that FSDP has spread over processes; every process must call it."""
    return tensor.full_tensor() if hasattr(tensor, 'full_tensor') else tensor


def _like(value: Tensor, target: Tensor) -> Tensor:
    if not hasattr(target, 'full_tensor'):
        return value.to(target.device, copy=True)
    from torch.distributed.tensor import DTensor, distribute_tensor
    assert isinstance(target, DTensor)
    return distribute_tensor(value.detach().to(target.device), target.device_mesh,
                             target.placements)

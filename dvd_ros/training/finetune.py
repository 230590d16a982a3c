"""LoRA fine-tuning of a DVD network, from a config to a model folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from accelerate import PartialState

from dvd_ros.model import DvdConfig, DvdModel
from dvd_ros.model.checkpoint import write_checkpoint
from dvd_ros.regressor import locate_checkpoint
from dvd_ros.training.finetune_config import FinetuneConfig
from dvd_ros.training.held_out import HeldOut
from dvd_ros.training.loop import BEST, train
from dvd_ros.training.lora_objective import LoraObjective
from dvd_ros.training.passes import Batch
from dvd_ros.training.read_config import plain, write_yaml
from dvd_ros.training.sequence_passes import SequencePasses, held_out_batches
from dvd_ros.training.sequence_sources import open_sources
from dvd_ros.training.training_state import load_weights, whole

_DTYPES = {'fp32': torch.float32, 'bf16': torch.bfloat16}


def finetune(config: FinetuneConfig, out: Path, device: str = '') -> Path:
    """
    Train, and write the model with the LoRA merged into it to the folder ``out``/model.

    ``out``/training has the state (a run that was cut off goes on from it), the LoRA that did best
    on the held-out views, which is the one merged, and what was measured on the way. ``device``:
    `cpu` keeps off the GPU. Raises ValueError for data or a model that do not fit the config.
    """
    state = PartialState(cpu=device == 'cpu')
    dit, vae, sizes, name = locate_checkpoint(config.model.start)
    read = DvdConfig.load(sizes)
    _check_sizes(config, read)
    sources = open_sources(config, state.process_index)
    passes = SequencePasses(config, sources)
    try:
        held_out = held_out_batches(config, sources)
        if not held_out:
            print('nothing is held out, as no source has two sequences: the last weights are taken')
        model = DvdModel.from_checkpoint(dit, vae, read, dtype=_DTYPES[config.model.dtype],
                                         device=state.device)
        torch.manual_seed(config.run.seed)
        objective = LoraObjective(model, config.model, config.loss).to(state.device)
        if held_out and state.is_main_process:
            _check_codec(objective, held_out[0])
        if state.is_main_process:
            out.mkdir(parents=True, exist_ok=True)
            write_yaml(out / 'config.yaml', {'recipe': 'dvd', **plain(config)})
        train(objective, passes, config.optimiser, config.run, out / 'training', device=device,
              recipe=config.described(),
              held_out=HeldOut(held_out) if held_out else None)
    finally:
        passes.close()
    best = out / 'training' / BEST
    if best.exists():
        load_weights(objective, best)
    # Every process, as FSDP may have spread them.
    merged = objective.merged()
    codec = {key: whole(value) for key, value in model.vae.state_dict().items()}
    if state.is_main_process:
        write_checkpoint(out / 'model', merged, codec,
                         replace(read, timestep=config.loss.anchor, lora_alpha=None),
                         torch.bfloat16 if config.model.dtype == 'bf16' else torch.float16)
    state.wait_for_everyone()
    return out / 'model'


def _check_sizes(config: FinetuneConfig, read: DvdConfig) -> None:
    for size in (config.sampling.size, *(source.size for source in config.data if source.size)):
        if any(pixels % read.multiple for pixels in size):
            raise ValueError(f'size {size[0]}x{size[1]} must be multiples of {read.multiple} for '
                             f'{config.model.start}')


def _check_codec(objective: LoraObjective, batch: Batch) -> None:
    """Warn where the VAE does not give back disparity, as the loss on its latents assumes."""
    true = batch['target'].to(next(objective.parameters()).device)
    error = float((objective.through_codec(true) - true).abs().mean())
    if error > 0.1:
        print(f'warning: what this VAE makes of true disparity is {error:.2f} off on average (of '
              '0..1), so that its latents say little of depth; it is no codec of depth, as that of '
              '`mini`, whose encoder sees images alone. Set loss.pixel_weight')

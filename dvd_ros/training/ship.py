"""Writes a trained small model as the folder that ships: checkpoint and export in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKLWan, WanTransformer3DModel

from dvd_ros.model import DvdModel
from dvd_ros.model.absorb import absorb_timestep
from dvd_ros.model.checkpoint import DIT_FILE, VAE_FILE, write_checkpoint
from dvd_ros.model.export import export_onnx
from dvd_ros.training.network import TIMESTEP


def ship(model: Path, config: Mapping[str, Any], sizes: Sequence[tuple[int, int]],
         vae: AutoencoderKLWan, dit: WanTransformer3DModel) -> Path:
    """Write the folder ``model`` and return it; ``dit`` is changed to what is written.

    config: of DvdConfig, but for the timestep. sizes: (H, W) of the graphs, which share all the
    weights they can with the checkpoint.
    """
    absorb_timestep(dit, TIMESTEP)
    write_checkpoint(model, dit, vae, {**config, 'timestep': TIMESTEP})
    files = [model / DIT_FILE, model / VAE_FILE]
    # What was read back is rounded, so that the graphs' weights are those of the files.
    return export_onnx(DvdModel.from_folder(model), model, name=model.name,
                       window=config['window'], sizes=list(sizes), half_storage=True,
                       sources=files, beside=files)

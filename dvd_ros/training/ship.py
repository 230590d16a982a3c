"""Writes a trained small model as the folder that ships: checkpoint and export in one."""

from __future__ import annotations

from pathlib import Path

from diffusers import AutoencoderKLWan, WanTransformer3DModel

from dvd_ros.model import DvdModel
from dvd_ros.model.absorb import absorb_timestep
from dvd_ros.model.checkpoint import DIT_FILE, VAE_FILE, write_checkpoint
from dvd_ros.model.export import export_onnx
from dvd_ros.training.network import TIMESTEP
from dvd_ros.training.recipe import MiniRecipe


def ship(model: Path, recipe: MiniRecipe, vae: AutoencoderKLWan,
         dit: WanTransformer3DModel) -> Path:
    """Write the folder ``model`` and return it; ``dit`` is changed to what is written.

    Graphs for each shape of the recipe's ``export_sizes``, which share all the weights they can
    with the checkpoint.
    """
    absorb_timestep(dit, TIMESTEP)
    write_checkpoint(model, dit, vae, {
        'dit': recipe.dit_arguments(), 'timestep': TIMESTEP, 'vae': recipe.vae_arguments(),
        'size': list(recipe.size), 'window': recipe.window, 'newest_taps': True})
    files = [model / DIT_FILE, model / VAE_FILE]
    # What was read back is rounded, so that the graphs' weights are those of the files.
    return export_onnx(DvdModel.from_folder(model), model, name=model.name,
                       window=recipe.window, sizes=recipe.export_sizes, half_storage=True,
                       sources=files, beside=files)

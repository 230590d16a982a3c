"""The shipped model from nothing: render, VAE, latents, transformer, checkpoint."""

from __future__ import annotations

from pathlib import Path

from dvd_ros.model.checkpoint import write_checkpoint
from dvd_ros.training.latents import encode_folder
from dvd_ros.training.network import TIMESTEP
from dvd_ros.training.recipe import MiniRecipe
from dvd_ros.training.render import RenderConfig, render_folder
from dvd_ros.training.train_dit import train_dit
from dvd_ros.training.train_vae import train_vae

# Seeds of the training scenes; held-out scenes (benchmark/accuracy.py, the demo) use lower ones.
FIRST_CLIP, FIRST_IMAGE = 1_000_000, 5_000_000


def run_recipe(work: Path, model: Path, recipe: MiniRecipe, processes: int = 2) -> Path:
    """Make the model of a recipe and write it to the folder ``model``.

    ``work`` keeps every stage's results (about 6 GB with the defaults); a run that was cut off
    goes on where it stopped. Returns ``model``.
    """
    height, width = recipe.rendered
    data, run, latents = work, work / 'run', work / 'latents'
    run.mkdir(parents=True, exist_ok=True)
    render_folder(data / 'images', FIRST_IMAGE, recipe.images,
                  RenderConfig(frames=1, height=height, width=width), processes, per_shard=128)
    render_folder(data / 'clips', FIRST_CLIP, recipe.clips,
                  RenderConfig(frames=recipe.window, height=height, width=width), processes)
    vae = train_vae(data, run, recipe).requires_grad_(False)
    for kind in ('clips', 'images'):
        encode_folder(vae, data / kind, latents / kind, recipe.size)
    dit = train_dit(latents, run, recipe)
    config = {'dit': recipe.dit_arguments(), 'timestep': TIMESTEP,
              'vae': recipe.vae_arguments(),
              'size': list(recipe.size), 'window': recipe.window}
    return write_checkpoint(model, dit, vae, config)

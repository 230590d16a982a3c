"""The shipped model from nothing: render, codec, regressor, folder."""

from __future__ import annotations

from pathlib import Path

from dvd_ros.training.batches import Scenes
from dvd_ros.training.codec import train_codec
from dvd_ros.training.framewise import leave_room
from dvd_ros.training.recipe import MiniRecipe
from dvd_ros.training.render import RenderConfig, render_folder
from dvd_ros.training.ship import ship
from dvd_ros.training.train_regressor import train_regressor

# Seeds of the training scenes; held-out scenes (benchmark/accuracy.py, the demo) use lower ones.
FIRST_CLIP, FIRST_IMAGE = 1_000_000, 5_000_000


def run_recipe(work: Path, model: Path, recipe: MiniRecipe, processes: int = 2,
               device: str = 'cpu', compiled: bool = True) -> Path:
    """Make the model of a recipe and write it to the folder ``model``.

    ``work`` keeps every stage's results (about 10 GB with the defaults, which are also held in
    memory); a run that was cut off goes on where it stopped. ``device``: of torch.
    ``compiled``: train through torch.compile, which needs a C++ compiler. Returns ``model``.
    """
    height, width = recipe.rendered
    images, clips, run = work / 'images', work / 'clips', work / 'run'
    run.mkdir(parents=True, exist_ok=True)
    render_folder(images, FIRST_IMAGE, recipe.images,
                  RenderConfig(frames=1, height=height, width=width), processes, per_shard=128)
    render_folder(clips, FIRST_CLIP, recipe.clips,
                  RenderConfig(frames=recipe.window, height=height, width=width), processes)
    stills, videos = Scenes([images]), Scenes([clips])
    codec = train_codec(stills, videos, run, recipe, device, compiled)
    dit = train_regressor(stills, videos, run, recipe, codec, device, compiled)
    leave_room(codec, recipe.disparity_room)
    return ship(model, recipe, codec, dit)

"""The shipped model from nothing: render, codec, regressor, folder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from accelerate import PartialState

from dvd_ros.training.batches import Clips, Scenes, Views
from dvd_ros.training.codec import train_codec
from dvd_ros.training.framewise import leave_room
from dvd_ros.training.fresh_scenes import FreshScenes
from dvd_ros.training.recipe import MiniRecipe
from dvd_ros.training.render import RenderConfig, render_folder
from dvd_ros.training.ship import ship
from dvd_ros.training.train_regressor import train_regressor

# Seeds of the training scenes; held-out scenes (benchmark/accuracy.py, the demo) use lower ones.
FIRST_CLIP, FIRST_IMAGE, FIRST_VALIDATION, FIRST_FRESH = (
    1_000_000, 5_000_000, 9_000_000, 20_000_000)
# Seeds apart of the fresh scenes of two processes.
_APART = 50_000_000


def run_recipe(work: Path, model: Path, recipe: MiniRecipe, processes: int = 2,
               device: str = 'cpu', compiled: bool = True) -> Path:
    """Make the model of a recipe and write it to the folder ``model``.

    ``work`` keeps every stage's results (about 10 GB with the defaults, which are also held in
    memory); a run that was cut off goes on where it stopped. ``device``: of torch.
    ``compiled``: train through torch.compile, which needs a C++ compiler. ``processes``: that
    render. Returns ``model``.
    """
    height, width = recipe.rendered
    images, clips, held_out = work / 'images', work / 'clips', work / 'held_out'
    still = RenderConfig(frames=1, height=height, width=width, rich=recipe.rich)
    moving = RenderConfig(frames=recipe.window, height=height, width=width, rich=recipe.rich)
    state = PartialState(cpu=device == 'cpu')
    with state.main_process_first():
        if state.is_main_process:
            work.mkdir(parents=True, exist_ok=True)
            render_folder(images, FIRST_IMAGE, recipe.images, still, processes, per_shard=128)
            render_folder(clips, FIRST_CLIP, recipe.clips, moving, processes)
            render_folder(held_out, FIRST_VALIDATION, recipe.validation_clips, moving, processes)
    stills, videos = Scenes([images]), Scenes([clips])
    codec = train_codec(stills, videos, work / 'run', recipe, device, compiled)
    with ExitStack() as stack:
        moves: Clips = videos
        if recipe.fresh_clips:
            views = max(1, recipe.batch // 10) * (1 - recipe.image_odds)
            moves = stack.enter_context(FreshScenes(
                FIRST_FRESH + _APART * state.process_index, moving, recipe.fresh_clips,
                views / recipe.fresh_views, processes))
        dit = train_regressor(stills, moves, work / 'run', recipe, codec, device, compiled,
                              _validation(held_out, recipe))
    leave_room(codec, recipe.disparity_room)
    if state.is_main_process:
        ship(model, recipe, codec, dit)
    state.wait_for_everyone()
    return model


def _validation(folder: Path, recipe: MiniRecipe) -> list[Views]:
    """One view of each held-out clip, four to a batch, always the same."""
    if not recipe.validation_clips:
        return []
    clips = Scenes([folder])
    rng = np.random.default_rng(recipe.seed)
    return [clips.batch(rng, 4, recipe.window, recipe.size)
            for _ in range(-(-recipe.validation_clips // 4))]

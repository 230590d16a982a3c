"""The shipped model from nothing: render, codec, regressor, folder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from accelerate import PartialState

from dvd_ros.training.batches import Clips, clips_for
from dvd_ros.training.codec import train_codec
from dvd_ros.training.framewise import leave_room
from dvd_ros.training.fresh_scenes import FreshScenes
from dvd_ros.training.recipe import MiniRecipe
from dvd_ros.training.render import RenderConfig
from dvd_ros.training.scene_folders import SceneFolders
from dvd_ros.training.ship import ship
from dvd_ros.training.train_regressor import train_regressor

FIRST_FRESH = 20_000_000
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
    moving = RenderConfig(frames=recipe.window, height=height, width=width, rich=recipe.rich)
    scenes = SceneFolders(work, moving, recipe.images, recipe.clips, recipe.validation_clips)
    state = PartialState(cpu=device == 'cpu')
    scenes.render(processes, state)
    stills, videos = scenes.read('images'), scenes.read('clips')
    codec = train_codec(stills, videos, work / 'run', recipe, device, compiled)
    with ExitStack() as stack:
        moves: Clips = videos
        if recipe.fresh_clips:
            views = clips_for(recipe.batch) * (1 - recipe.image_odds)
            moves = stack.enter_context(FreshScenes(
                FIRST_FRESH + _APART * state.process_index, moving, recipe.fresh_clips,
                views / recipe.fresh_views, processes))
        dit = train_regressor(stills, moves, work / 'run', recipe, codec, device, compiled,
                              scenes.validation(recipe.size))
    leave_room(codec, recipe.disparity_room)
    if state.is_main_process:
        ship(model, recipe.config(), recipe.export_sizes, codec, dit)
    state.wait_for_everyone()
    return model


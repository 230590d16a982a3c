"""Takes a small model further on rendered scenes: encoder, transformer and decoder together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor, nn

from dvd_ros.model.checkpoint import load_dit, load_vae
from dvd_ros.model.config import DvdConfig
from dvd_ros.model.dvd import Sinusoid
from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.regressor import locate_checkpoint
from dvd_ros.training import framewise
from dvd_ros.training.batches import Scenes, Views, clips_for
from dvd_ros.training.growth import grown
from dvd_ros.training.held_out import HeldOut
from dvd_ros.training.jitter import jittered
from dvd_ros.training.loop import train
from dvd_ros.training.losses import disparity_loss
from dvd_ros.training.narrow import narrow
from dvd_ros.training.network import TIMESTEP, text_path
from dvd_ros.training.passes import Batch, Drawn, Pass
from dvd_ros.training.scene_folders import SceneFolders
from dvd_ros.training.ship import ship
from dvd_ros.training.tune_recipe import TuneRecipe


class _TuneObjective(nn.Module):
    """
    The error of the disparity that the whole network makes of images.

    compiled: the one size (H, W) that is trained compiled. Each further one would take minutes.
    """

    partial = True  # single images do without what mixes frames

    def __init__(self, dit: WanTransformer3DModel, vae: AutoencoderKLWan,
                 compiled: tuple[int, int] | None) -> None:
        super().__init__()
        self.dit, self.vae = dit, vae
        self.requires_grad_(True)
        for parameter in text_path(dit):
            parameter.requires_grad_(False)
        # Of the same weights; not registered, so that each has one name.
        self._whole = (WholeEncoder(vae, trainable=True), WholeDecoder(vae, trainable=True))
        self._compiled_size = compiled
        self._compiled = torch.compile(self._pass, dynamic=False)

    def _pass(self, video: Tensor) -> Tensor:
        with narrow(video.device):
            return framewise.predict(self.dit, *self._whole, video).float()

    def forward(self, batch: Batch, step: int | None) -> dict[str, Tensor]:
        """Losses; step None: see train."""
        if step is None:
            return {'disparity': framewise.predict(self.dit, *self._whole, batch['images'][:1])[0]}
        images = batch['images']
        swift = self.training and tuple(images.shape[-2:]) == self._compiled_size
        run = self._compiled if swift else self._pass
        return disparity_loss(run(images), batch['target'], batch['true'])


def load_small(model: str | Path) -> tuple[WanTransformer3DModel, AutoencoderKLWan, DvdConfig]:
    """
    Give the networks of a model that `dvd-ros train mini` made, as it trains them.

    Raises FileNotFoundError, and ValueError for a model of another kind.
    """
    dit_file, vae_file, config_file, _ = locate_checkpoint(model)
    config = DvdConfig.load(config_file) if config_file else None
    if config is None or not (config.newest_taps and config.window
                              and config.timestep == TIMESTEP):
        raise ValueError(f'{model} is no small model, as `dvd-ros train mini` makes them; `dvd-ros '
                         'train dvd` is for the others')
    dit, vae = load_dit(dit_file, config), load_vae(vae_file, config)
    dit.condition_embedder.timesteps_proj = Sinusoid(dit.config.freq_dim)
    if any(parameter.any() for parameter in text_path(dit)):
        raise ValueError(f'{model} looks at a text, which no small model does')
    return dit, vae, config


def tune(work: Path, model: Path, recipe: TuneRecipe, processes: int = 2, device: str = 'cpu',
         compiled: bool = True) -> Path:
    """
    Train the model ``recipe.start`` further and write it to the folder ``model``.

    The loss is that of the disparity that comes out of the decoder, and nothing else: what the
    latents mean is free. ``work``, ``processes``, ``device`` and ``compiled``: see run_recipe.
    Returns ``model``.
    """
    dit, vae, config = load_small(recipe.start)
    dit, vae, config = grown(dit, vae, config, recipe.growth(), recipe.seed)
    assert config.window is not None
    window = config.window
    scenes = SceneFolders(work, recipe.scenes(window), recipe.images, recipe.clips,
                          recipe.validation_clips, recipe.later)
    state = PartialState(cpu=device == 'cpu')
    scenes.render(processes, state)
    stills, videos = scenes.read('images'), scenes.read('clips')
    framewise.leave_room(vae, 1 / recipe.disparity_room)
    objective = _TuneObjective(dit, vae, recipe.sizes[0] if compiled else None)
    old = {name: value.detach().clone() for name, value in objective.named_parameters()}
    held_out = scenes.validation(recipe.sizes[0])
    passes = Drawn(lambda *step: make_pass(recipe, window, stills, videos, *step))
    train(objective, passes, recipe.optimiser(), recipe.run_of(recipe.steps), work / 'tune',
          device=device, recipe=recipe.described(),
          held_out=HeldOut(held_out) if held_out else None)
    with torch.no_grad():
        for name, value in objective.named_parameters():
            value.lerp_(old[name].to(value.device), recipe.keep)
    framewise.leave_room(vae, recipe.disparity_room)
    if state.is_main_process:
        ship(model, config.to_dict(), recipe.sizes, vae.cpu(), dit.cpu())
    state.wait_for_everyone()
    return model


def make_pass(recipe: TuneRecipe, window: int, stills: Scenes, videos: Scenes, step: int,
              rank: int = 0, world: int = 1) -> Pass:
    """
    The views of a step, of single images or clips, that process ``rank`` of ``world`` learns on.

    Equal for equal arguments; the views of all processes together are those of one alone.
    Raises ValueError where there are fewer views than processes.
    """
    rng = np.random.default_rng((recipe.seed, step))
    still = rng.random() < recipe.image_odds
    others = recipe.sizes[1:]
    size = others[int(rng.integers(len(others)))] if others and rng.random() < recipe.wide \
        else recipe.sizes[0]
    scenes, frames, count = (stills, 1, recipe.batch) if still else \
        (videos, window, clips_for(recipe.batch))
    if count < world:
        raise ValueError(f'{count} views of a step cannot be shared by {world} processes: give a '
                         'larger batch or fewer processes')
    squeeze = 1.0 if size == recipe.sizes[0] else recipe.squeeze
    views = [_view(recipe, scenes, frames, size, squeeze,
                   np.random.default_rng((recipe.seed, step, item)))
             for item in range(rank, count, world)]
    batch = {name: torch.cat([view[name] for view in views]) for name in views[0]}
    return Pass(batch, len(views) * world / count)


def _view(recipe: TuneRecipe, scenes: Scenes, frames: int, size: tuple[int, int],
          squeeze: float, rng: np.random.Generator) -> Views:
    view = scenes.batch(rng, 1, frames, size, squeeze)
    return {**view, 'images': jittered(view['images'], rng, recipe.jitter)}

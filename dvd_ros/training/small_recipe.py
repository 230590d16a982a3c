"""What the recipes of small models have in common: a seed, and what a training leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from dvd_ros.training.loop_config import Run

# What may differ between a run of any of them and the one that goes on from it.
FREE = ('steps', 'images', 'clips', 'validation_clips', 'save_every', 'validate_every',
        'preview_every', 'tensorboard')


@dataclass(frozen=True)
class SmallRecipe:
    """``validation_clips``: rendered apart, to watch the training by. The rest: see Run."""

    seed: int = 7
    validation_clips: int = 16
    save_every: int = 100
    validate_every: int = 500
    preview_every: int = 2000
    tensorboard: bool = False

    def run_of(self, steps: int) -> Run:
        """Length and landmarks of a training."""
        return Run(steps=steps, seed=self.seed, save_every=self.save_every,
                   validate_every=self.validate_every, preview_every=self.preview_every,
                   tensorboard=self.tensorboard)

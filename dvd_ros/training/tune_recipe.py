"""The recipe that takes a small model further: from where, on which scenes, how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dvd_ros.training.growth import Growth
from dvd_ros.training.loop_config import Optimiser
from dvd_ros.training.read_config import plain
from dvd_ros.training.render import RenderConfig
from dvd_ros.training.small_recipe import FREE, SmallRecipe

# What may differ between a run and the one that goes on from it.
_FREE = (*FREE, 'keep')


@dataclass(frozen=True)
class TuneRecipe(SmallRecipe):
    """
    How a small model is trained further on rendered scenes; see tune.yaml for the values.

    ``start``: the model, a name or a folder. ``later``: added to the seeds of the scenes, which
    shall be others than those that it learnt on. ``rich``, ``street``: see RenderConfig. A step
    sees ``batch`` single images, with the odds ``image_odds``, or a tenth as many clips, in the
    first of ``sizes`` (H, W) or, at ``wide`` of the steps, in another, to which they are squeezed
    from other shapes by up to ``squeeze``; with colours and light changed by ``jitter`` (see
    jittered). ``layers``, ``latents``, ``features``, ``encoder_width``: those of the network, where
    it is to be grown first (0: as they are; see growth.Growth).
    ``disparity_room``: that of the model, see framewise.leave_room. ``keep``: weight of the old
    weights in the mean of old and new ones that is written.

    Raises ValueError naming a bad value.
    """

    start: str = 'mini'
    seed: int = 8
    later: int = 100_000
    clips: int = 640
    images: int = 28_160
    rich: float = 0.5
    street: float = 0.3
    rendered: tuple[int, int] = (192, 256)

    layers: int = 0
    latents: int = 0
    features: int = 0
    encoder_width: int = 0
    sizes: tuple[tuple[int, int], ...] = ((144, 192), (144, 256))
    wide: float = 0.25
    squeeze: float = 1.4
    jitter: float = 1.0
    image_odds: float = 0.6
    batch: int = 48
    steps: int = 5000
    rate: float = 3e-4
    matrix_rate: float = 1e-3
    disparity_room: float = 0.75
    keep: float = 0.5

    def __post_init__(self) -> None:
        for height, width in (self.rendered, *self.sizes):
            if height % 16 or width % 16 or min(height, width) < 32:
                raise ValueError(f'size {height}x{width} must be of multiples of 16 from 32')
        if not self.sizes:
            raise ValueError('sizes must hold at least one size')
        for name in ('image_odds', 'wide', 'keep'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name}={getattr(self, name)} must lie in 0..1')
        if not 0 < self.disparity_room <= 1:
            raise ValueError(f'disparity_room={self.disparity_room} must lie in 0..1, above 0')
        if self.squeeze < 1 or self.jitter < 0:
            raise ValueError(f'squeeze={self.squeeze} must be at least 1 and jitter={self.jitter} '
                             'not negative')
        if min(self.batch, self.images, self.clips) < 1 or min(self.validation_clips,
                                                               self.later) < 0:
            raise ValueError(f'batch={self.batch}, images={self.images} and clips={self.clips} '
                             f'must be at least 1, validation_clips={self.validation_clips} and '
                             f'later={self.later} not negative')
        # They check the numbers that they take.
        self.optimiser()
        self.run_of(self.steps)
        self.scenes(1)
        self.growth()

    def described(self) -> dict[str, Any]:
        """What must not change while a run goes on."""
        return {name: value for name, value in plain(self).items() if name not in _FREE}

    def scenes(self, frames: int) -> RenderConfig:
        """How clips of so many frames are rendered."""
        height, width = self.rendered
        return RenderConfig(frames=frames, height=height, width=width, rich=self.rich,
                            street=self.street)

    def growth(self) -> Growth:
        """What the network is to become before it learns."""
        return Growth(self.layers, self.latents, self.features, self.encoder_width)

    def optimiser(self) -> Optimiser:
        """Of all that learns."""
        return Optimiser(rate=self.rate, matrix_rate=self.matrix_rate,
                         warmup=min(100, self.steps // 5))

"""What a LoRA fine-tuning of DVD is made of: the sections and keys of dvd.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from dvd_ros.model.config import check_window
from dvd_ros.training.loop_config import Optimiser, Run
from dvd_ros.training.read_config import plain

DTYPES = ('fp32', 'bf16')
# Names in the released checkpoints -> in diffusers' transformer.
TARGETS = {'q': 'to_q', 'k': 'to_k', 'v': 'to_v', 'o': 'to_out.0', 'ffn.0': 'ffn.net.0.proj',
           'ffn.2': 'ffn.net.2'}


@dataclass(frozen=True)
class Model:
    """
    start: what load_regressor takes: a release, a folder, a DVD or Wan DiT file with its VAE and
    config.json near it. dtype: of all that does not learn. lora_alpha: scale times rank, None is
    the rank. lora_targets: of TARGETS, in self and cross attention. gradient_checkpointing: a
    block's activations are computed again on the way back, not kept.
    """

    start: str = 'dvd-1.1'
    dtype: str = 'bf16'
    lora_rank: int = 512
    lora_alpha: float | None = None
    lora_targets: tuple[str, ...] = tuple(TARGETS)
    gradient_checkpointing: bool = True

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f'dtype={self.dtype!r} must be one of {", ".join(DTYPES)}')
        if self.lora_rank < 1 or (self.lora_alpha is not None and self.lora_alpha <= 0):
            raise ValueError(f'lora_rank={self.lora_rank} and lora_alpha={self.lora_alpha} must '
                             'be positive')
        bad = [name for name in self.lora_targets if name not in TARGETS]
        if bad or not self.lora_targets:
            raise ValueError(f'lora_targets={list(self.lora_targets)} must be some of '
                             f'{", ".join(TARGETS)}')


@dataclass(frozen=True)
class Source:
    """
    A data set: kind, folder, split and options as open_dataset takes them, or kind `fresh`, scenes
    rendered while training (options: kept, views, frames, height, width, street; see
    sequence_sources). use: `image` or `clip`. weight: odds among the sources of the same use.
    size: (H, W) of its views where it is not that of all. far: metres from which on everything is
    as far (0: no end).
    """

    kind: str
    use: str
    folder: str = ''
    split: str = ''
    weight: float = 1.0
    size: tuple[int, int] | None = None
    far: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.use not in ('image', 'clip'):
            raise ValueError(f'use={self.use!r} must be image or clip')
        if self.weight <= 0 or self.far < 0:
            raise ValueError(f'weight={self.weight} must be positive and far={self.far} not '
                             'negative')
        if self.kind != 'fresh' and not self.folder:
            raise ValueError(f'folder={self.folder!r}: give that of the {self.kind} data set')


@dataclass(frozen=True)
class Sampling:
    """
    A step is ``rounds`` rounds; each is of images by ``image_odds``, else of clips: image_batch or
    clip_batch views over all processes, of which a process computes images_at_once or
    clips_at_once in one pass.

    size: (H, W) of a view. frames: of a clip, 4n+1. strides: least and greatest distance of its
    frames. crop: least side of the part that a view shows, of the largest part with the view's
    aspect (1: always that largest). flip: mirror half of the views. held_out: share of the
    sequences that is not trained on; held_out_views: views of these that choose the best weights.
    least_known: share of a view's pixels that must have a depth. bad_in_a_row: bad samples after
    which a run stops. workers: processes that read, for each process that trains.
    """

    image_odds: float = 1 / 6
    image_batch: int = 32
    clip_batch: int = 4
    rounds: int = 4
    images_at_once: int = 8
    clips_at_once: int = 1
    size: tuple[int, int] = (480, 640)
    frames: int = 45
    strides: tuple[int, int] = (1, 1)
    crop: float = 1.0
    flip: bool = True
    held_out: float = 0.02
    held_out_views: int = 16
    least_known: float = 0.5
    bad_in_a_row: int = 20
    workers: int = 4

    def __post_init__(self) -> None:
        check_window(self.frames)
        for name in ('image_odds', 'held_out', 'least_known'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name}={getattr(self, name)} must lie in 0..1')
        if not 0 < self.crop <= 1:
            raise ValueError(f'crop={self.crop} must lie in 0..1 and not be 0')
        for name in ('image_batch', 'clip_batch', 'rounds', 'images_at_once', 'clips_at_once',
                     'bad_in_a_row', 'held_out_views'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name}={getattr(self, name)} must be at least 1')
        if not 1 <= self.strides[0] <= self.strides[1]:
            raise ValueError(f'strides={list(self.strides)} must be two numbers from 1, the '
                             'lesser first')
        if self.workers < 0:
            raise ValueError(f'workers={self.workers} must not be negative')


@dataclass(frozen=True)
class Loss:
    """
    rectification: weight of the differences of latents (LMR; 0: off). pixel_weight: of the L1
    error of disparity behind the decoder (0: off, and the decoder is not run). anchor: timestep
    that the transformer is told; it becomes the model's.
    """

    rectification: float = 0.5
    pixel_weight: float = 0.0
    anchor: float = 500.0

    def __post_init__(self) -> None:
        if self.rectification < 0 or self.pixel_weight < 0:
            raise ValueError(f'rectification={self.rectification} and pixel_weight='
                             f'{self.pixel_weight} must not be negative')
        if not 0 <= self.anchor <= 1000:
            raise ValueError(f'anchor={self.anchor} must lie in 0..1000')


def _optimiser() -> Optimiser:
    return Optimiser(rate=1e-4, warmup=0, schedule='constant', betas=(0.9, 0.999), decay=0.01,
                     average=0.0)


def _run() -> Run:
    return Run(steps=10_000, seed=42, save_every=100, validate_every=100, preview_every=500,
               precision='bf16', tensorboard=True)


@dataclass(frozen=True)
class FinetuneConfig:
    """A LoRA fine-tuning; see the sections. Raises ValueError naming a bad value."""

    data: tuple[Source, ...]
    model: Model = field(default_factory=Model)
    sampling: Sampling = field(default_factory=Sampling)
    loss: Loss = field(default_factory=Loss)
    optimiser: Optimiser = field(default_factory=_optimiser)
    run: Run = field(default_factory=_run)

    def __post_init__(self) -> None:
        odds = self.sampling.image_odds
        for use, needed in (('image', odds > 0), ('clip', odds < 1)):
            if needed and not any(source.use == use for source in self.data):
                raise ValueError(f'image_odds={odds:g}, but data has no source with use: {use}')

    def described(self) -> dict[str, Any]:
        """What must not change while a run goes on."""
        kept = replace(self, run=Run(seed=self.run.seed, precision=self.run.precision),
                       sampling=replace(self.sampling, workers=0))
        return {f'{section}.{name}' if isinstance(values, dict) else section: value
                for section, values in plain(kept).items()
                for name, value in (values.items() if isinstance(values, dict)
                                    else [('', values)])}

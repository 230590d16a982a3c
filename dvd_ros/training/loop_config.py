"""What the training loop is told: how to step, how long, what to keep."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Optimiser:
    """
    AdamW at ``rate``; with a ``matrix_rate`` the matrices of blocks are left to Muon at that rate.

    warmup: steps of a linear rise to the rate. schedule: `cosine` down to a fiftieth of it, or
    `constant`. betas, decay: of AdamW, the decay of Muon too. clip: greatest norm of the gradient
    (0: none). average: weight that the mean of the weights gives to what it was, per step (0: no
    mean; the weights are used as they are). Raises ValueError naming a bad value.
    """

    rate: float = 1e-3
    matrix_rate: float = 0.0
    warmup: int = 100
    schedule: str = 'cosine'
    betas: tuple[float, float] = (0.9, 0.98)
    decay: float = 0.02
    clip: float = 1.0
    average: float = 0.998

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.matrix_rate < 0:
            raise ValueError(f'rate={self.rate} must be positive and matrix_rate='
                             f'{self.matrix_rate} not negative')
        if self.schedule not in ('cosine', 'constant'):
            raise ValueError(f'schedule={self.schedule!r} must be cosine or constant')
        if self.warmup < 0 or self.decay < 0 or self.clip < 0:
            raise ValueError(f'warmup={self.warmup}, decay={self.decay} and clip={self.clip} must '
                             'not be negative')
        for name, value in (('betas', self.betas[0]), ('betas', self.betas[1]),
                            ('average', self.average)):
            if not 0 <= value < 1:
                raise ValueError(f'{name}={getattr(self, name)} must lie in 0..1, below 1')


@dataclass(frozen=True)
class Run:
    """
    How long, from which seed, and what is kept on the way.

    Every ``save_every`` steps and at the end the state is saved; every ``validate_every`` steps
    (0: never) the held-out views are looked at, and the weights kept that did best; every
    ``preview_every`` steps (0: never) a picture of them is drawn. precision: `bf16` runs
    the forward pass under autocast where the device computes in it (see narrow), `fp32` leaves that
    to the module.
    tensorboard: also log for TensorBoard. Raises ValueError naming a bad value.
    """

    steps: int = 1000
    seed: int = 7
    save_every: int = 100
    validate_every: int = 0
    preview_every: int = 0
    precision: str = 'fp32'
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1 or self.save_every < 1:
            raise ValueError(f'steps={self.steps} and save_every={self.save_every} must be at '
                             'least 1')
        if self.validate_every < 0 or self.preview_every < 0:
            raise ValueError(f'validate_every={self.validate_every} and preview_every='
                             f'{self.preview_every} must not be negative (0: never)')
        if self.precision not in ('fp32', 'bf16'):
            raise ValueError(f'precision={self.precision!r} must be fp32 or bf16')

"""A source and what it has told so far."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.scale.fusion import Estimate
from dvd_ros.scale.metric_scale import MetricScale
from dvd_ros.scale.observation import Silence
from dvd_ros.scale.source import ScaleSource
from dvd_ros.scale.state import SourceState


class TrackedSource:
    """Asks one source at every frame and keeps the estimate by its readings alone."""

    def __init__(self, source: ScaleSource, config: ScaleConfig) -> None:
        self.source = source
        self._scale = MetricScale(config.near, config.far, config.memory, config.max_sigma)
        self._timeout = config.timeout
        self.reset()

    def reset(self) -> None:
        """Forget the estimate: a new segment begins."""
        self._scale.reset()
        self.status = 'never heard of'
        self.age = math.inf
        self._bias = 0.0

    def update(self, seconds: float, stamp: int, intrinsics: Intrinsics | None,
               disparity: np.ndarray) -> None:
        """Take what the source says of a frame, ``seconds`` after the one before."""
        self._scale.advance(seconds)
        self.age += seconds
        said = self.source.observe(stamp, intrinsics, disparity)
        if isinstance(said, Silence):
            self.status = said.reason
            return
        outcome = self._scale.observe(said.disparity, said.inverse_depth, said.sigma)
        if outcome.used:
            self.age, self._bias = 0.0, said.bias
            self.status = f'ok, {outcome.note}' if outcome.note else 'ok'
        else:
            self.status = outcome.note

    @property
    def estimate(self) -> Estimate | None:
        """Its line, None where it has none or was silent for longer than the timeout."""
        if not self._scale.observations or self.age > self._timeout:
            return None
        line = np.array([self._scale.a, self._scale.b])
        return Estimate(self.source.name, line, self._scale.covariance
                        + self._bias ** 2 * np.outer(line, line))

    def state(self, used: bool, status: str, disparity: float) -> SourceState:
        """Return its state; ``disparity`` is where its relative sigma is stated."""
        return SourceState(self.source.name, status, used, self._scale.observations, self.age,
                           self._scale.relative_sigma(disparity))

"""Metres for a stream: all its sources together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dvd_ros.geometry.disparity import depth_from_disparity
from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.scale.fusion import Fused, fuse
from dvd_ros.scale.line import line_depth, relative_sigma
from dvd_ros.scale.source import ScaleSource
from dvd_ros.scale.state import ScaleState, SourceState
from dvd_ros.scale.tracked_source import TrackedSource

# The line moves by at most so many of its sigmas from frame to frame, at any disparity.
_SLEW = 0.5
# Pixels of a frame that its typical disparities are found from; below the least is sky.
_SAMPLES = 4096
_LEAST_DISPARITY = 0.02
# Where nothing is heard, sigma grows to this (relative) and no further.
_MOST_SIGMA = 10.0


class StreamScale:
    """
    Turns the disparity of a stream into metres, by any number of sources at once.

    Every source has an estimate of its own (MetricScale); those that agree are fused, one that
    contradicts is left out and named. What is published follows without jumps: from one frame
    to the next depth changes by no more than its stated sigma, except where a segment begins and
    where its scale first becomes known. While nothing is heard the line stays and its sigma
    grows. Use one object from one thread; the sources' ``push`` may be called from others.

    Raises ValueError if two sources have one name.
    """

    def __init__(self, config: ScaleConfig | None = None,
                 sources: Sequence[ScaleSource] = ()) -> None:
        self._config = config or ScaleConfig()
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            raise ValueError(f'sources need different names, got {", ".join(names)}')
        self._tracked = [TrackedSource(source, self.config) for source in sources]
        self._given: TrackedSource | None = None
        self.begin_segment()

    @property
    def config(self) -> ScaleConfig:
        """
        The settings.

        They may be set at any time, in the thread that uses the object. What the sources' own
        estimates depend on (``metadata['live']`` is false) stays as it was; so does the prior that
        they take from near and far.
        """
        return self._config

    @config.setter
    def config(self, config: ScaleConfig) -> None:
        self._config = config

    @property
    def _nominal(self) -> np.ndarray:
        far = 1.0 / self._config.far
        return np.array([1.0 / self._config.near - far, far])

    @property
    def line(self) -> tuple[float, float]:
        """(a, b) of the line in use, 1/m; those of nominal near and far while there is none."""
        a, b = self._nominal if self._line is None else self._line
        return float(a), float(b)

    def give(self, source: ScaleSource | None) -> None:
        """
        Take one more source until the segment ends, in place of the one given before.

        For what holds on the segment's own scale of disparity only (see GivenDistances). None
        takes it away. Raises ValueError if it has the name of another source.
        """
        if self._given is not None:
            self._tracked.remove(self._given)
            self._given = None
        # Whoever gives one wants it to count at once, not by degrees.
        self._unknown()
        if source is None:
            return
        if any(tracked.source.name == source.name for tracked in self._tracked):
            raise ValueError(f'there is a source {source.name!r} already')
        self._given = TrackedSource(source, self._config)
        self._tracked.append(self._given)

    def begin_segment(self) -> None:
        """Forget the scale: the frames to come share none with those before."""
        self.give(None)
        for tracked in self._tracked:
            tracked.reset()
        self._stamp: int | None = None
        self._disparities = (0.5, 0.2, 0.8)          # typical ones, the median first

    def _unknown(self) -> None:
        self._line: np.ndarray | None = None         # published, None: nominal
        self._covariance = np.diag([math.inf, math.inf])   # of the line aimed at
        self._lag = np.zeros(2)                      # from the published line to that
        self._metric = False

    def update(self, stamp: int, intrinsics: Intrinsics | None,
               disparity: np.ndarray) -> ScaleState:
        """
        Ask all sources about a frame and return what is known then.

        ``stamp`` in ns; ``intrinsics`` of the disparity's size or None; ``disparity`` float32
        [H,W], NaN where invalid. Call it once for each frame, in order.
        """
        seconds = max(stamp - self._stamp, 0) * 1e-9 if self._stamp is not None else 0.0
        self._stamp = stamp
        self._disparities = _typical(disparity) or self._disparities
        for tracked in self._tracked:
            tracked.update(seconds, stamp, intrinsics, disparity)
        estimates = [one for one in (t.estimate for t in self._tracked) if one is not None]
        fused = fuse(estimates, self._disparities, self._line) if estimates else None
        if fused is not None:
            self._follow(fused)
        elif self._line is not None:
            self._fade(seconds)
        return self._state({one.name for one in estimates},
                           fused.contradictions if fused else {})

    def depth(self, disparity: np.ndarray, state: ScaleState) -> np.ndarray:
        """
        Return depth of a frame, float32 [H,W] metres, by REP-117.

        NaN where there is none; +inf where it is beyond ``max_depth`` or not significantly nearer
        than infinity. While the state is not metric: all NaN with ``unscaled='withhold'``, else
        nominal depth (see depth_from_disparity), or by the last line known in this segment.
        """
        if not state.metric and self.config.unscaled == 'withhold':
            return np.full(np.shape(disparity), np.nan, np.float32)
        if state.nominal:
            return depth_from_disparity(disparity, self.config.near, self.config.far)
        return line_depth(disparity, state.a, state.b, state.covariance,
                          self.config.max_depth)[0]

    def _follow(self, fused: Fused) -> None:
        """Move what is published towards the sources' line."""
        a, b = (float(x) for x in fused.line)
        if self._line is None:
            if relative_sigma(a, b, fused.covariance,
                              self._disparities[0]) > self.config.max_sigma:
                return
            self._line = fused.line
        else:
            # (x.step)^2 <= distance^2 * x.P.x for every x = (d, 1), the stated sigma at d. Where
            # metres were lost, the sigma that grew since; else the smaller one of both frames.
            step = fused.line - self._line
            share = _share(step, self._covariance)
            if self._metric:
                share = min(share, _share(step, fused.covariance))
            self._line = self._line + share * step
        self._covariance = fused.covariance
        self._lag = fused.line - self._line

    def _fade(self, seconds: float) -> None:
        assert self._line is not None
        a, b = self._line
        if relative_sigma(a, b, self._covariance, self._disparities[0]) < _MOST_SIGMA:
            self._covariance = self._covariance * math.exp(min(seconds / self.config.memory, 10.0))

    def _state(self, heard: set[str], contradictions: dict[str, str]) -> ScaleState:
        middle = self._disparities[0]
        sources = []
        for tracked in self._tracked:
            name = tracked.source.name
            sources.append(tracked.state(
                name in heard and name not in contradictions and self._line is not None,
                contradictions.get(name, tracked.status), middle))
        if self._line is None:
            a, b = (float(x) for x in self._nominal)
            return ScaleState(a, b, np.diag([math.inf, math.inf]), False, True, math.inf,
                              self._why_not(sources, math.inf), tuple(sources))
        a, b = (float(x) for x in self._line)
        # While the published line lags behind, that is known to be wrong by as much.
        covariance = self._covariance + np.outer(self._lag, self._lag)
        sigma = relative_sigma(a, b, covariance, middle)
        limit = self.config.max_sigma * (2.0 if self._metric else 1.0)
        self._metric = bool(heard) and sigma <= limit
        return ScaleState(a, b, covariance, self._metric, False, sigma,
                          '' if self._metric else self._why_not(sources, sigma), tuple(sources))

    def _why_not(self, sources: list[SourceState], sigma: float) -> str:
        if not sources:
            return 'no source of metric scale'
        said = '; '.join(f'{one.name}: {one.status}' for one in sources)
        if not any(one.age <= self.config.timeout for one in sources):
            heard = [one.age for one in sources if math.isfinite(one.age)]
            return (f'no usable reading for {min(heard):.1f} s ({said})' if heard else
                    f'no usable reading yet ({said})')
        known = min([sigma, *(one.relative_sigma for one in sources)])
        return f'scale is known to {100.0 * known:.0f} % only ({said})'


def _share(step: np.ndarray, covariance: np.ndarray) -> float:
    """Return how much of a step keeps within _SLEW sigma, 0..1."""
    distance = math.sqrt(max(float(step @ np.linalg.solve(covariance, step)), 0.0))
    return min(1.0, _SLEW / distance) if distance > 0.0 else 1.0


def _typical(disparity: np.ndarray) -> tuple[float, float, float] | None:
    """Return the median, and 10 and 90 %, of a frame's disparity; None where it is sky alone."""
    step = max(1, math.isqrt(disparity.size // _SAMPLES))
    values = disparity[step // 2::step, step // 2::step]
    values = values[np.isfinite(values) & (values > _LEAST_DISPARITY)]
    if values.size == 0:
        return None
    low, middle, high = (float(x) for x in np.percentile(values, (10.0, 50.0, 90.0)))
    return middle, low, high

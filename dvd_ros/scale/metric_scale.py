"""Scale and shift from disparity to inverse depth, estimated live from one source's readings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dvd_ros.scale.line import line_depth, relative_sigma
from dvd_ros.scale.line_fit import LineFit, fit_line

# Most pairs of an observation that take part; more cost time and add nothing.
_PAIRS = 2048
# Errors of the model are smooth over the image: so many of a frame are independent (as in
# stream/align.py), and they stay for so long: frames within share one error.
_INDEPENDENT = 32.0
_CORRELATION_TIME = 0.5
# Fewer pairs, or pairs along which inverse depth does not follow disparity, tell the level only.
_PAIRS_FOR_SLOPE = 8
_MIN_CORRELATION = 0.5
# Disparity that varies by less (sd, of 0..1) need not be followed: a wall fills the view.
_FLAT_DISPARITY = 0.04
# Readings that vary by less (quartile range to median) are constant.
_CONSTANT = 0.004
# What the model errs at one place, in disparity, where one reading cannot tell.
_MODEL_ERROR = 0.06
# Standard deviation of the prior on b/a about the nominal near / (far - near).
_RATIO_SIGMA = 0.1
# A frame that is off by so many sigma is not believed, unless so many in a row agree on it.
_SURPRISE, _PATIENCE = 5.0, 5
# Beyond these no disparity or depth is real (float32 that overflowed, units mistaken).
_MOST_DISPARITY, _LEAST_DEPTH, _MOST_DEPTH = 100.0, 1e-3, 1e5
_MOST_DECAY = 60.0


@dataclass(frozen=True)
class Outcome:
    """Whether an observation was used; ``note`` says why not, or how far ('' for all of it)."""

    used: bool
    note: str = ''


class MetricScale:
    """
    Estimates 1/Z = a * d + b for a stream's disparity d: recursive, robust, with forgetting.

    Each observation is fitted robustly by itself (see fit_line), then added in information form:
    so many independent readings as its pixels are worth, not their number. `advance` lets the
    past fade with the time constant ``memory``. A weak prior on b/a, from the nominal ``near``
    and ``far``, makes a single range enough for a line; it gives no metres by itself.

    ``observations`` counts those used. ``covariance`` float64 [2,2] is of (a, b). Before the first
    usable observation ``a`` and ``b`` are those of nominal near and far, and ``covariance`` is
    infinite on its diagonal. Whatever is observed, a stays positive and all three free of NaN.

    Raises ValueError unless 0 < near < far, memory > 0 and max_sigma > 0.
    """

    def __init__(self, near: float = 0.5, far: float = 20.0, memory: float = 2.0,
                 max_sigma: float = 0.2) -> None:
        if not 0.0 < near < far < math.inf:
            raise ValueError(f'nominal depths need 0 < near < far metres, got {near} and {far}')
        if not 0.0 < memory < math.inf:
            raise ValueError(f'memory must be more than 0 seconds, got {memory}')
        if not 0.0 < max_sigma < math.inf:
            raise ValueError(f'max_sigma must be more than 0, got {max_sigma}')
        self._nominal = (1.0 / near - 1.0 / far, 1.0 / far)
        self._ratio = near / (far - near)
        self._memory, self._max_sigma = memory, max_sigma
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new segment has a scale of its own."""
        self.a, self.b = self._nominal
        self.covariance = np.diag([math.inf, math.inf])
        self.observations = 0
        self.centre = math.nan          # mean disparity of what was observed
        self._information = np.zeros((2, 2))
        self._vector = np.zeros(2)
        self._since = math.inf          # seconds since the last observation
        self._surprises = 0

    @property
    def converged(self) -> bool:
        """Whether depth at the mean observed disparity is known to ``max_sigma`` (relative)."""
        return self.relative_sigma(self.centre) <= self._max_sigma

    def relative_sigma(self, disparity: float) -> float:
        """Return sigma / depth at a disparity; inf where nothing was observed."""
        if not self.observations or not math.isfinite(disparity):
            return math.inf
        return relative_sigma(self.a, self.b, self.covariance, disparity)

    def depth(self, disparity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return depth and its standard deviation, both float32 metres of ``disparity``'s shape.

        The deviation is the line's, without the model's own error at a pixel. +inf where a * d +
        b is not significantly above 0, NaN where disparity is; before the first observation the
        depth is nominal and its deviation infinite. See line_depth.
        """
        return line_depth(disparity, self.a, self.b, self.covariance)

    def advance(self, seconds: float) -> None:
        """Let time pass: what was observed fades, its sigma grows. Less than 0 counts as 0."""
        seconds = max(float(seconds), 0.0) if math.isfinite(seconds) else 0.0
        self._since += seconds
        decay = math.exp(-min(seconds / self._memory, _MOST_DECAY))
        # Not below what float64 can invert.
        if self.observations and np.trace(self._information) * decay > 1e-9:
            self._information *= decay
            self._vector *= decay
            self.covariance = self.covariance / decay

    def observe(self, disparity: np.ndarray, inverse_depth: np.ndarray,
                sigma: np.ndarray) -> Outcome:
        """
        Take readings of one frame.

        Parameters
        ----------
        disparity
            float [N], relative; 0 (the stream's clamp) is no value.
        inverse_depth
            float [N], 1/m, at the same pixels.
        sigma
            float [N] or a number, 1/m, standard deviation of each reading.

        Returns
        -------
        Outcome
            Refused readings change nothing.

        Raises
        ------
        ValueError
            If the lengths differ.

        """
        d, y, s = _usable(disparity, inverse_depth, sigma)
        if d.size == 0:
            return Outcome(False, 'no valid reading where there is disparity')
        if d.size < _PAIRS_FOR_SLOPE:
            return self._take(*self._level(d, y, s), float(d.mean()), 'level only: few readings')
        spread_d = _quartile_range(d)
        if _quartile_range(y) <= _CONSTANT * np.median(y):
            if spread_d > _FLAT_DISPARITY:
                return Outcome(False, 'constant readings while disparity varies')
            return self._take(*self._level(d, y, s), float(np.median(d)),
                              'level only: constant readings')
        known = (self.a, self.b) if self.observations else None
        fit = fit_line(d, y, s, known)
        if fit.a <= 0.0 or fit.correlation < _MIN_CORRELATION:
            if spread_d > _FLAT_DISPARITY:
                return Outcome(False, 'readings do not follow disparity (correlation '
                                      f'{fit.correlation:.2f})')
            return self._take(*self._level(d, y, s), float(np.median(d)),
                              'level only: disparity is flat')
        information, vector = _information(d, y, fit)
        return self._take(information, vector, float(np.average(d, weights=fit.weight)), '')

    def _level(self, d: np.ndarray, y: np.ndarray,
               s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return information and vector of one reading: the medians."""
        at, level = float(np.median(d)), float(np.median(y))
        slope = level / (at + self._ratio)
        variance = float(np.median(s)) ** 2 + (_MODEL_ERROR * slope) ** 2
        row = np.array([at, 1.0])
        return np.outer(row, row) / variance, row * (level / variance)

    def _take(self, information: np.ndarray, vector: np.ndarray, centre: float,
              note: str) -> Outcome:
        """Add one frame's information, unless it makes no sense or comes as a surprise."""
        shift = self._surprise(information, vector, centre)
        keep = 1.0
        if shift > _SURPRISE:
            self._surprises += 1
            if self._surprises < _PATIENCE:
                return Outcome(False, f'readings jumped by {shift:.0f} sigma')
            # They insist: the past is wrong.
            keep = 0.0
        # Within the errors' correlation time frames repeat each other.
        share = 1.0 if not self.observations or keep == 0.0 else \
            min(self._since / _CORRELATION_TIME, 1.0)
        total = self._information * keep + information * share
        total_vector = self._vector * keep + vector * share
        solved = solve(total, total_vector, self._ratio)
        if solved is None:
            return Outcome(False, 'readings give no depth that falls with disparity')
        self._information, self._vector = total, total_vector
        (self.a, self.b), self.covariance = solved
        self.observations += 1
        self._surprises = 0
        self._since = 0.0
        self.centre = centre if not math.isfinite(self.centre) or keep == 0.0 else \
            self.centre + 0.2 * (centre - self.centre)
        return Outcome(True, note)

    def _surprise(self, information: np.ndarray, vector: np.ndarray, centre: float) -> float:
        """How many sigma the level of a frame is off at the middle of its readings."""
        if not self.observations:
            return 0.0
        alone = solve(information, vector, self._ratio)
        if alone is None:
            return 0.0
        row = np.array([centre, 1.0])
        (a, b), covariance = alone
        difference = float(row @ (np.array([a, b]) - (self.a, self.b)))
        # Beside their sigmas a frame may be off by what the model errs in all of it.
        model = (_MODEL_ERROR * self.a) ** 2
        return abs(difference) / math.sqrt(
            float(row @ (covariance + self.covariance) @ row) + model)


def solve(information: np.ndarray, vector: np.ndarray,
          ratio: float) -> tuple[tuple[float, float], np.ndarray] | None:
    """
    Solve for (a, b) and their covariance, with the weak prior b/a = ``ratio``.

    The prior b - ratio * a = 0 has a standard deviation in proportion to a, so a few rounds.
    Returns None where the result is not finite or a is not positive.
    """
    row = np.array([-ratio, 1.0])
    trace = float(np.trace(information))
    if not (math.isfinite(trace) and trace > 0.0 and np.isfinite(vector).all()):
        return None
    a = max(_first_slope(information, vector, ratio), 1e-9)
    for _ in range(4):
        full = information + np.outer(row, row) / (_RATIO_SIGMA * a) ** 2
        determinant = full[0, 0] * full[1, 1] - full[0, 1] ** 2
        if not (math.isfinite(determinant) and determinant > 0.0):
            return None
        covariance = np.array([[full[1, 1], -full[0, 1]], [-full[0, 1], full[0, 0]]]) / determinant
        found = covariance @ vector
        if not (np.isfinite(found).all() and np.isfinite(covariance).all() and found[0] > 0.0):
            return None
        a = float(found[0])
    return (a, float(found[1])), covariance


def _first_slope(information: np.ndarray, vector: np.ndarray, ratio: float) -> float:
    """Slope of the line of the prior's ratio that fits best."""
    row = np.array([1.0, ratio])
    return float(row @ vector) / float(row @ information @ row)


def _information(d: np.ndarray, y: np.ndarray, fit: LineFit) -> tuple[np.ndarray, np.ndarray]:
    """Return a fitted frame's information: of as many readings as its pixels are worth."""
    support = float(fit.weight.sum())
    count = min(_INDEPENDENT, support)
    # Two of them went into the line; the spread about it is the smaller for it.
    precision = fit.weight / fit.variance * (max(count - 2.0, 1.0) / support)
    off = float((precision * d * d).sum()), float((precision * d).sum()), float(precision.sum())
    information = np.array([[off[0], off[1]], [off[1], off[2]]])
    return information, np.array([float((precision * d * y).sum()), float((precision * y).sum())])


def _usable(disparity: np.ndarray, inverse_depth: np.ndarray,
            sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs that can be real, float64, at most _PAIRS of them, evenly chosen."""
    d, y = np.asarray(disparity).ravel(), np.asarray(inverse_depth).ravel()
    s = np.broadcast_to(np.asarray(sigma).ravel(), y.shape) if np.size(sigma) == 1 \
        else np.asarray(sigma).ravel()
    if not d.size == y.size == s.size:
        raise ValueError(f'disparity, inverse_depth and sigma must be of one length, got {d.size}, '
                         f'{y.size} and {s.size}')
    good = ((d > 0.0) & (d < _MOST_DISPARITY) & (y > 1.0 / _MOST_DEPTH) & (y < 1.0 / _LEAST_DEPTH)
            & (s >= 0.0) & np.isfinite(s))
    index = np.flatnonzero(good)
    if index.size > _PAIRS:
        index = index[(np.arange(_PAIRS) * index.size) // _PAIRS]
    d, y, s = (values[index].astype(np.float64) for values in (d, y, s))
    return d, y, np.maximum(s, 1e-4 * y)


def _quartile_range(values: np.ndarray) -> float:
    low, high = np.percentile(values, (25.0, 75.0))
    return float(high - low)

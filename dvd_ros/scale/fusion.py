"""One line from the estimates of several sources."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dvd_ros.scale.line import relative_sigma

# Two estimates contradict each other where chance alone makes such a difference once in 1000
# (chi-squared, 2 degrees of freedom) and depth differs by more than the part that models err
# differently on different things.
_CHANCE, _TOLERATED = 13.8, 0.15
# The odd one out may yet be the right one: what remains is believed half as much.
_DOUBT = 2.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """(a, b) of one source, ``line`` float64 [2], and its covariance [2,2]."""

    name: str
    line: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, eq=False)
class Fused:
    """The line of those that agree; ``contradictions`` by the names of the others."""

    line: np.ndarray
    covariance: np.ndarray
    contradictions: dict[str, str] = field(default_factory=dict)


def fuse(estimates: Sequence[Estimate], disparities: Sequence[float],
         present: np.ndarray | None) -> Fused:
    """
    Weigh estimates with each other by inverse covariance; leave out who contradicts.

    The largest group that agrees wins; of equal ones that which agrees with ``present``, the
    line [2] in use, or without one the most certain. ``disparities`` are those at which depths
    are compared, the middle one first. At least one estimate is needed.

    Their errors count as independent, though a model errs the same for two sources that look at
    the same thing: the covariance of such a pair is up to twice too small.
    """
    agreeing = [[_agree(one, other, disparities) for other in estimates] for one in estimates]

    def preference(index: int) -> tuple[int, float]:
        one = estimates[index]
        distance = relative_sigma(one.line[0], one.line[1], one.covariance, disparities[0]) \
            if present is None else _difference(one.line, present, disparities)
        return sum(agreeing[index]), -distance

    leader = max(range(len(estimates)), key=preference)
    chosen = [one for one, agrees in zip(estimates, agreeing[leader], strict=True) if agrees]
    inverses = [np.linalg.inv(one.covariance) for one in chosen]
    covariance = np.linalg.inv(np.sum(inverses, axis=0))
    line = covariance @ np.sum([inverse @ one.line for inverse, one
                                in zip(inverses, chosen, strict=True)], axis=0)
    # They may differ by more than they state and still agree: the statement was too bold.
    chi2 = sum(float((one.line - line) @ inverse @ (one.line - line))
               for inverse, one in zip(inverses, chosen, strict=True))
    covariance = covariance * max(1.0, chi2 / (2.0 * max(len(chosen) - 1, 1)))
    contradictions = {}
    for one, agrees in zip(estimates, agreeing[leader], strict=True):
        if not agrees:
            off = (line @ _row(disparities[0])) / (one.line @ _row(disparities[0])) - 1.0
            against = chosen[0].name if len(chosen) == 1 else 'the others'
            contradictions[one.name] = f'contradicts {against} ({100.0 * off:+.0f} % depth)'
    if contradictions:
        covariance = covariance * _DOUBT ** 2
    return Fused(line, 0.5 * (covariance + covariance.T), contradictions)


def _agree(one: Estimate, other: Estimate, disparities: Sequence[float]) -> bool:
    if one is other:
        return True
    step = one.line - other.line
    chi2 = float(step @ np.linalg.solve(one.covariance + other.covariance, step))
    return chi2 <= _CHANCE or _difference(one.line, other.line, disparities) <= _TOLERATED


def _difference(one: np.ndarray, other: np.ndarray, disparities: Sequence[float]) -> float:
    """Return the largest relative difference of inverse depth at the disparities."""
    worst = 0.0
    for disparity in disparities:
        first, second = float(one @ _row(disparity)), float(other @ _row(disparity))
        if not (first > 0.0 and second > 0.0):
            return math.inf
        worst = max(worst, abs(math.log(first / second)))
    return worst


def _row(disparity: float) -> np.ndarray:
    return np.array([disparity, 1.0])

"""Robust regression of inverse depth on disparity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.tukey import biweight, robust_sigma

_ROUNDS = 10
# The start: lines through random pairs, judged on so many points by this quantile of their
# residuals. Up to 35 % of the points may then be anything.
_LINES, _JUDGED, _QUANTILE = 96, 384, 0.65
_SEED = 0
# The spread of residuals is never taken for less than this part of the mean: rounding.
_LEAST_SPREAD = 1e-4


@dataclass(frozen=True, eq=False)
class LineFit:
    """
    inverse_depth = a * disparity + b.

    ``variance`` [N] (1/m^2) is of each point about the line, its reading's and the model's
    together, ``weight`` [N] in 0..1 Tukey's; ``spread`` (1/m) the robust sd of the residuals and
    ``correlation`` that of the weighted points, -1..1.
    """

    a: float
    b: float
    variance: np.ndarray
    weight: np.ndarray
    spread: float
    correlation: float


def fit_line(disparity: np.ndarray, inverse_depth: np.ndarray, sigma: np.ndarray,
             start: tuple[float, float] | None = None) -> LineFit:
    """
    Fit by iterated least squares under Tukey's weights.

    Inverse depth is to be predicted from disparity, so this is regression, blind to errors of
    disparity: it gives the line of least error at a given disparity, as the evaluation's oracle
    does. It begins at the best of random lines (least quantile of squares, Rousseeuw 1984, with a
    fixed seed) or at ``start`` where that fits better.

    All are finite float64 [N] with N >= 3; ``sigma`` > 0 is that of a reading.
    """
    a, b = _start(disparity, inverse_depth, start)
    least = _LEAST_SPREAD * float(np.abs(inverse_depth).mean())
    reading = np.square(sigma)
    typical = float(np.median(reading))
    for _ in range(_ROUNDS):
        residual = inverse_depth - (a * disparity + b)
        spread = max(robust_sigma(residual), least)
        # The residuals hold the readings' errors too: what is beyond them is the model's.
        variance = reading + max(spread ** 2 - typical, least ** 2)
        weight = biweight(np.square(residual) / variance)
        precision = weight / variance
        total = precision.sum()
        if not total > 0.0:
            break
        mean_d = float((precision * disparity).sum() / total)
        mean_y = float((precision * inverse_depth).sum() / total)
        off_d, off_y = disparity - mean_d, inverse_depth - mean_y
        var_d = float((precision * off_d * off_d).sum() / total)
        var_y = float((precision * off_y * off_y).sum() / total)
        both = float((precision * off_d * off_y).sum() / total)
        if var_d <= 1e-12 * (mean_d ** 2 + 1e-12):
            a, b = 0.0, mean_y
            break
        previous, a = a, both / var_d
        b = mean_y - a * mean_d
        if abs(a - previous) <= 1e-6 * abs(a):
            break
    correlation = both / float(np.sqrt(var_d * var_y)) if total > 0.0 and var_d * var_y > 0.0 \
        else 0.0
    return LineFit(a, b, variance, weight, spread, correlation)


def _start(disparity: np.ndarray, inverse_depth: np.ndarray,
           known: tuple[float, float] | None) -> tuple[float, float]:
    """Return the line, rising or level, from which most points differ least."""
    count = len(disparity)
    generator = np.random.default_rng(_SEED)
    judged = generator.choice(count, _JUDGED, False) if count > _JUDGED else np.arange(count)
    d, y = disparity[judged], inverse_depth[judged]
    order = np.argsort(d, kind='stable')
    # A pair has one point of the nearer half, one of the farther: close ones make wild slopes.
    half = max(len(order) // 2, 1)
    low = order[generator.integers(0, half, _LINES)]
    high = order[generator.integers(len(order) - half, len(order), _LINES)]
    step = d[high] - d[low]
    slopes = np.divide(y[high] - y[low], step, out=np.zeros(_LINES), where=step > 1e-9)
    slopes = np.maximum(slopes, 0.0)
    shifts = y[low] - slopes * d[low]
    slopes, shifts = np.append(slopes, 0.0), np.append(shifts, np.median(y))
    if known is not None:
        slopes, shifts = np.append(slopes, known[0]), np.append(shifts, known[1])
    residuals = np.abs(y - slopes[:, None] * d - shifts[:, None])
    kth = min(int(_QUANTILE * len(d)), len(d) - 1)
    best = int(np.argmin(np.partition(residuals, kth, axis=1)[:, kth]))
    return float(slopes[best]), float(shifts[best])

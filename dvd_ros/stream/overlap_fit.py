"""Scale and shift between two views of the same frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.tukey import biweight, robust_sigma

# Variance below this part of the mean square is rounding of float32, not structure.
_FLAT = 1e-10
_ROUNDS = 8
# A model's errors are smooth, so that more values than this cost time and add nothing.
_MOST_VALUES = 8192


@dataclass(frozen=True)
class OverlapFit:
    """
    reference = scale * current + shift over an overlap.

    ``centre`` is the (weighted) mean of current, where scale and level are independent;
    ``spread`` the (weighted) sd of the residual; ``correlation`` in -1..1; ``support`` the mean
    weight, 0..1. ``solved`` is False where the overlap does not determine a scale: then scale is
    1 and shift matches the levels.
    """

    scale: float
    shift: float
    centre: float
    spread: float
    correlation: float
    support: float
    solved: bool


def least_squares(current: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """
    Return (scale, shift) of least squares, reference ~ scale * current + shift.

    Both are of one shape, summed in float64. A constant ``current`` gives (1, 0), as in the
    published DVD inference.
    """
    current = np.asarray(current, np.float64).ravel()
    reference = np.asarray(reference, np.float64).ravel()
    mean_c, mean_r = current.mean(), reference.mean()
    variance = np.mean((current - mean_c) ** 2)
    if variance <= _FLAT * np.mean(current ** 2):
        return 1.0, 0.0
    scale = np.mean((current - mean_c) * (reference - mean_r)) / variance
    return float(scale), float(mean_r - scale * mean_c)


def robust_sd_ratio(current: np.ndarray, reference: np.ndarray) -> OverlapFit:
    """
    Fit by the ratio of standard deviations under Tukey's weights.

    Least squares multiplies the scale by the correlation: chained over windows that decays to
    nothing (regression dilution). The ratio of standard deviations (geometric mean regression)
    does not, as long as both sides carry equal noise, and the weights leave out what moved
    differently in the two. Values that are not finite are ignored. Both arrays are of one shape.
    """
    current = np.asarray(current, np.float64).ravel()
    reference = np.asarray(reference, np.float64).ravel()
    finite = np.isfinite(current) & np.isfinite(reference)
    current, reference = current[finite], reference[finite]
    if current.size == 0:
        return OverlapFit(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, False)
    if _is_flat(current) or _is_flat(reference):
        shift = float(reference.mean() - current.mean())
        return OverlapFit(1.0, shift, float(current.mean()), 0.0, 0.0, 1.0, False)

    spread_c, spread_r = _quartile_range(current), _quartile_range(reference)
    scale = spread_r / spread_c if spread_c > 0.0 and spread_r > 0.0 else 1.0
    shift = float(np.median(reference - scale * current))
    for _ in range(_ROUNDS):
        residual = reference - (scale * current + shift)
        # The floor keeps exact copies (MAD 0) from weighing rounding.
        sigma = max(robust_sigma(residual), 1e-6 * scale * current.std())
        weight = biweight(np.square(residual / sigma))
        total = weight.sum()
        mean_c = float((weight * current).sum() / total)
        mean_r = float((weight * reference).sum() / total)
        var_c = float((weight * (current - mean_c) ** 2).sum() / total)
        var_r = float((weight * (reference - mean_r) ** 2).sum() / total)
        covariance = float((weight * (current - mean_c) * (reference - mean_r)).sum() / total)
        if var_c <= _FLAT * mean_c ** 2 or var_r <= _FLAT * mean_r ** 2:
            return OverlapFit(1.0, mean_r - mean_c, mean_c, 0.0, 0.0, total / weight.size, False)
        previous, scale = scale, float(np.sqrt(var_r / var_c))
        shift = mean_r - scale * mean_c
        if abs(scale / previous - 1.0) < 1e-5:
            break
    correlation = covariance / float(np.sqrt(var_c * var_r))
    return OverlapFit(scale, shift, mean_c, float(np.sqrt(max(
        var_r + scale ** 2 * var_c - 2.0 * scale * covariance, 0.0))), correlation,
        float(total / weight.size), True)


def correlation_of(current: np.ndarray, reference: np.ndarray) -> float:
    """Return Pearson's correlation of the finite values of two arrays; 0 where one is constant."""
    current, reference = current.ravel(), reference.ravel()
    finite = np.isfinite(current) & np.isfinite(reference)
    current, reference = current[finite], reference[finite]
    if current.size == 0 or _is_flat(current) or _is_flat(reference):
        return 0.0
    return float(np.corrcoef(current, reference)[0, 1])


def _is_flat(values: np.ndarray) -> bool:
    return bool(values.var() <= _FLAT * np.mean(values ** 2))


def _quartile_range(values: np.ndarray) -> float:
    low, high = np.percentile(values, (25.0, 75.0))
    return float(high - low)

"""Robust statistics: Tukey's biweight, what robust fits weigh a residual by, and medians."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Where the weight ends, in standard deviations, at 95 % efficiency for normal residuals.
LIMIT = 4.685
MAD_TO_SIGMA = 1.4826


def median(values: NDArray[np.generic]) -> float:
    """Give the median of values [...], the upper one of two; several times as fast as numpy's."""
    flat = values.ravel()
    return float(np.partition(flat, len(flat) // 2)[len(flat) // 2])


def robust_sigma(residual: NDArray[np.float64]) -> float:
    """Give the standard deviation of normal residuals [N] by their median absolute value."""
    return MAD_TO_SIGMA * float(np.median(np.abs(residual)))


def biweight(square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the weight, 0..1, of a residual whose square, in standard deviations, is ``square``."""
    return np.square(np.maximum(1.0 - square / LIMIT ** 2, 0.0))

"""Depth from the line 1/Z = a * d + b and its uncertainty."""

from __future__ import annotations

import math

import numpy as np

# Inverse depth within so many of its own sigma of 0 may be infinitely far. Not more: while one
# beam is all there is, half of a room is within two.
_SIGNIFICANT = 1.0


def line_depth(disparity: np.ndarray, a: float, b: float, covariance: np.ndarray,
               max_depth: float = math.inf) -> tuple[np.ndarray, np.ndarray]:
    """
    Turn disparity into metres by REP-117.

    Parameters
    ----------
    disparity
        float, any shape; NaN where invalid.
    a, b
        Of the line, 1/m.
    covariance
        float [2,2] of (a, b); infinite where nothing is known of them: then no inverse depth
        above 0 is doubted.
    max_depth
        Metres; what is farther is +inf.

    Returns
    -------
    depth, sigma
        float32 of the same shape. Depth is NaN where disparity is not finite and +inf where it
        is beyond ``max_depth`` or not significantly nearer than infinity, never negative. Sigma
        is the line's, inf where depth is and NaN where depth is.

    """
    d = np.asarray(disparity, np.float32)
    finite = np.isfinite(d)
    d = np.where(finite, d, np.float32(0.0))
    inverse = np.float32(a) * d + np.float32(b)
    known = bool(np.isfinite(covariance).all())
    if known:
        aa, ab, bb = (np.float32(x) for x in (covariance[0, 0], covariance[0, 1],
                                              covariance[1, 1]))
        deviation = np.sqrt(np.maximum((aa * d + 2 * ab) * d + bb, np.float32(0.0)))
    else:
        deviation = np.zeros_like(d)
    near_enough = inverse > np.maximum(_SIGNIFICANT * deviation, max(1.0 / max_depth, 1e-6))
    depth = np.divide(1.0, inverse, out=np.full_like(d, np.inf), where=near_enough)
    sigma = depth * depth * deviation if known else np.full_like(d, np.inf)
    sigma = np.where(near_enough, sigma, np.float32(np.inf))
    hole = np.float32(np.nan)
    return (np.where(finite, depth, hole).astype(np.float32),
            np.where(finite, sigma, hole).astype(np.float32))


def relative_sigma(a: float, b: float, covariance: np.ndarray, disparity: float) -> float:
    """Return sigma / depth at one disparity: the line's; inf where it is not above 0."""
    inverse = a * disparity + b
    variance = float(covariance[0, 0] * disparity ** 2 + 2.0 * covariance[0, 1] * disparity
                     + covariance[1, 1])
    if not (inverse > 0.0 and math.isfinite(variance)):
        return math.inf
    return math.sqrt(max(variance, 0.0)) / inverse

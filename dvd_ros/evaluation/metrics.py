"""
Depth error metrics.

Definitions as in the evaluation of EnVision-Research/DVD (after Marigold). All take depth
[T,H,W] (or [H,W]) in metres, positive where valid, and a bool mask of that shape (None: all).
Unless said otherwise the mean over a frame's valid pixels is taken first, then over frames;
frames without a valid pixel are left out.
"""

from __future__ import annotations

import numpy as np


def abs_rel(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Mean of |depth - truth| / truth; 0 is perfect."""
    depth, truth, mask = _checked(depth, truth, mask)
    return float(_frame_means(np.abs(depth - truth) / truth, mask).mean())


def sq_rel(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Mean of (depth - truth)^2 / truth, metres."""
    depth, truth, mask = _checked(depth, truth, mask)
    return float(_frame_means((depth - truth) ** 2 / truth, mask).mean())


def rmse(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Root mean square of depth - truth, metres; the root is taken per frame."""
    depth, truth, mask = _checked(depth, truth, mask)
    return float(np.sqrt(_frame_means((depth - truth) ** 2, mask)).mean())


def rmse_log(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Root mean square of ln depth - ln truth; the root is taken per frame."""
    depth, truth, mask = _checked(depth, truth, mask)
    return float(np.sqrt(_frame_means((np.log(depth) - np.log(truth)) ** 2, mask)).mean())


def log10(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Mean of |log10 depth - log10 truth|, over all valid pixels of all frames at once."""
    depth, truth, mask = _checked(depth, truth, mask)
    return float(np.abs(np.log10(depth) - np.log10(truth))[mask].mean())


def silog(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """100 x sd of ln depth - ln truth, blind to a common factor; the variance is per frame."""
    depth, truth, mask = _checked(depth, truth, mask)
    difference = np.log(depth) - np.log(truth)
    variance = _frame_means(difference ** 2, mask) - _frame_means(difference, mask) ** 2
    return float(np.sqrt(max(variance.mean(), 0.0)) * 100.0)


def delta(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None,
          power: int = 1) -> float:
    """Fraction of pixels with max(depth / truth, truth / depth) < 1.25 ** power; 1 is perfect."""
    depth, truth, mask = _checked(depth, truth, mask)
    inside = np.maximum(depth / truth, truth / depth) < 1.25 ** power
    return float(_frame_means(inside.astype(np.float64), mask).mean())


def all_metrics(depth: np.ndarray, truth: np.ndarray,
                mask: np.ndarray | None = None) -> dict[str, float]:
    """Return every metric of this module by name, in the order in which reports show them."""
    return {
        'abs_rel': abs_rel(depth, truth, mask),
        'sq_rel': sq_rel(depth, truth, mask),
        'rmse': rmse(depth, truth, mask),
        'rmse_log': rmse_log(depth, truth, mask),
        'log10': log10(depth, truth, mask),
        'silog': silog(depth, truth, mask),
        'delta1': delta(depth, truth, mask, 1),
        'delta2': delta(depth, truth, mask, 2),
        'delta3': delta(depth, truth, mask, 3),
    }


def _checked(depth: np.ndarray, truth: np.ndarray,
             mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    depth, truth = np.asarray(depth, np.float64), np.asarray(truth, np.float64)
    mask = np.ones(truth.shape, bool) if mask is None else np.asarray(mask, bool)
    if not depth.shape == truth.shape == mask.shape or truth.ndim not in (2, 3):
        raise ValueError(f'depth, truth and mask must be of one shape [T,H,W], got '
                         f'{list(depth.shape)}, {list(truth.shape)}, {list(mask.shape)}')
    if not mask.any():
        raise ValueError('the mask leaves no pixel to measure')
    bad = mask & ~((depth > 0.0) & (truth > 0.0) & np.isfinite(depth) & np.isfinite(truth))
    if bad.any():
        raise ValueError(f'{int(bad.sum())} of {int(mask.sum())} pixels in the mask have a depth '
                         'or truth that is not finite and positive; leave them out of the mask')
    # What the mask leaves out must not warn or spread: any valid pair will do.
    return np.where(mask, depth, 1.0), np.where(mask, truth, 1.0), mask


def _frame_means(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    counts = mask.sum(axis=(-1, -2))
    sums = np.where(mask, values, 0.0).sum(axis=(-1, -2))
    return np.atleast_1d(sums)[np.atleast_1d(counts) > 0] / np.atleast_1d(counts)[
        np.atleast_1d(counts) > 0]

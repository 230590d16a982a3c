"""
Depth error metrics.

Definitions as in the evaluation of EnVision-Research/DVD (after Marigold). All take depth
[T,H,W] (or [H,W]) in metres, positive where valid, and a bool mask of that shape (None: all).
Unless said otherwise the mean over a frame's valid pixels is taken first, then over frames;
frames without a valid pixel are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

# What a clip's numbers are made of: depth and truth, 1-d float64, of a frame's valid pixels.
_Formula = Callable[[np.ndarray, np.ndarray], float]
_PIXELS, _VARIANCE = 'pixels', 'log_variance'


def abs_rel(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Mean of |depth - truth| / truth; 0 is perfect."""
    return _over_frames(_abs_rel, depth, truth, mask)


def sq_rel(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Mean of (depth - truth)^2 / truth, metres."""
    return _over_frames(lambda d, t: float(np.mean((d - t) ** 2 / t)), depth, truth, mask)


def rmse(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Root mean square of depth - truth, metres; the root is taken per frame."""
    return _over_frames(_rms, depth, truth, mask)


def rmse_log(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Root mean square of ln depth - ln truth; the root is taken per frame."""
    return _over_frames(lambda d, t: _rms(np.log(d), np.log(t)), depth, truth, mask)


def log10(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Mean of |log10 depth - log10 truth|, over all valid pixels of all frames at once."""
    return all_metrics(depth, truth, mask)['log10']


def silog(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """100 x sd of ln depth - ln truth, blind to a common factor; the variance is per frame."""
    return all_metrics(depth, truth, mask)['silog']


def i_rmse(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Root mean square of 1/depth - 1/truth, 1/m; the root is taken per frame."""
    return _over_frames(lambda d, t: _rms(1.0 / d, 1.0 / t), depth, truth, mask)


def delta(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None,
          power: int = 1) -> float:
    """Fraction of pixels with max(depth / truth, truth / depth) < 1.25 ** power; 1 is perfect."""
    return _over_frames(lambda d, t: float(np.mean(np.maximum(d / t, t / d) < 1.25 ** power)),
                        depth, truth, mask)


def all_metrics(depth: np.ndarray, truth: np.ndarray,
                mask: np.ndarray | None = None) -> dict[str, float]:
    """Return every metric of this module by name, in the order in which reports show them."""
    return clip_metrics([frame_errors(d, t) for d, t in _valid_pixels(depth, truth, mask)])


def frame_errors(depth: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """
    Measure one frame, for `clip_metrics`.

    ``depth`` and ``truth`` are [N], metres of its valid pixels, N > 0, finite and positive.
    Returns the metrics of this frame alone, and ``pixels`` and ``log_variance``, which those of a
    clip are made of.
    """
    depth, truth = depth.astype(np.float64), truth.astype(np.float64)
    ratio = np.maximum(depth / truth, truth / depth)
    logs = np.log(depth) - np.log(truth)
    variance = max(float(np.mean(logs ** 2) - np.mean(logs) ** 2), 0.0)
    return {
        'abs_rel': _abs_rel(depth, truth),
        'sq_rel': float(np.mean((depth - truth) ** 2 / truth)),
        'rmse': _rms(depth, truth),
        'rmse_log': float(np.sqrt(np.mean(logs ** 2))),
        'log10': float(np.abs(logs).mean() / np.log(10.0)),
        'silog': float(np.sqrt(variance) * 100.0),
        'i_rmse': _rms(1.0 / depth, 1.0 / truth),
        'delta1': float(np.mean(ratio < 1.25)),
        'delta2': float(np.mean(ratio < 1.25 ** 2)),
        'delta3': float(np.mean(ratio < 1.25 ** 3)),
        _PIXELS: float(depth.size),
        _VARIANCE: variance,
    }


def clip_metrics(frames: Sequence[dict[str, float]]) -> dict[str, float]:
    """Join what `frame_errors` gave for the frames of a clip: what `all_metrics` gives for all."""
    scores = {name: float(np.mean([frame[name] for frame in frames]))
              for name in frames[0] if name not in (_PIXELS, _VARIANCE)}
    scores['log10'] = float(np.average([frame['log10'] for frame in frames],
                                       weights=[frame[_PIXELS] for frame in frames]))
    scores['silog'] = float(np.sqrt(np.mean([frame[_VARIANCE] for frame in frames])) * 100.0)
    return scores


def _abs_rel(depth: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(np.abs(depth - truth) / truth))


def _rms(depth: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((depth - truth) ** 2)))


def _over_frames(formula: _Formula, depth: np.ndarray, truth: np.ndarray,
                 mask: np.ndarray | None) -> float:
    return float(np.mean([formula(d, t) for d, t in _valid_pixels(depth, truth, mask)]))


def _valid_pixels(depth: np.ndarray, truth: np.ndarray,
                  mask: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Check the arguments of a metric; give depth and truth [N] of each frame that has any."""
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
    frames = [(d[m], t[m]) for d, t, m in zip(*(one.reshape(-1, *truth.shape[-2:])
                                                for one in (depth, truth, mask)), strict=True)]
    return [frame for frame in frames if frame[0].size]

"""
Relative disparity against true depth: one scale and shift per clip, then the metrics.

Protocol of the evaluation of EnVision-Research/DVD: least squares of predicted to true disparity
over all valid pixels of a clip, the result clipped at 1e-3 per metre, inverted, and clipped to
the range of depths.
"""

from __future__ import annotations

import numpy as np

from dvd_ros.evaluation.metrics import all_metrics

_LEAST_DISPARITY = 1e-3
MIN_DEPTH, MAX_DEPTH = 1e-3, 80.0


def true_disparity(depth: np.ndarray) -> np.ndarray:
    """Return 1 / depth, float32, 0 where depth is not finite and positive."""
    depth = np.asarray(depth, np.float32)
    return np.divide(1.0, depth, out=np.zeros_like(depth), where=np.isfinite(depth) & (depth > 0))


class DisparityFit:
    """
    The least-squares line from predicted to true disparity, of frames that are given one by one.

    So a clip need not lie in memory; the sums are kept about their means, as float64.
    """

    def __init__(self) -> None:
        self.pixels = 0
        self._x_mean = self._y_mean = self._xx = self._xy = 0.0

    def add(self, disparity: np.ndarray, truth: np.ndarray) -> None:
        """Take pixels: relative disparity [N] and true disparity [N], 1/m; N may be 0."""
        x, y = disparity.astype(np.float64), truth.astype(np.float64)
        if not x.size:
            return
        x_mean, y_mean, total = x.mean(), y.mean(), self.pixels + x.size
        x_step, y_step = x_mean - self._x_mean, y_mean - self._y_mean
        weight = self.pixels * x.size / total
        self._xx += float(np.sum((x - x_mean) ** 2) + weight * x_step * x_step)
        self._xy += float(np.sum((x - x_mean) * (y - y_mean)) + weight * x_step * y_step)
        self._x_mean += float(x_step * x.size / total)
        self._y_mean += float(y_step * x.size / total)
        self.pixels = total

    def line(self) -> tuple[float, float]:
        """
        Return scale and shift: true disparity is about scale * predicted + shift.

        A constant prediction has scale 0: it becomes the mean of the truth. Raises ValueError
        where no pixel was given.
        """
        if not self.pixels:
            raise ValueError('the mask leaves no pixel to fit')
        variance = self._xx / self.pixels
        flat = variance <= 1e-12 * (variance + self._x_mean ** 2)
        scale = 0.0 if flat else self._xy / self._xx
        return scale, self._y_mean - scale * self._x_mean


def align_disparity(disparity: np.ndarray, truth: np.ndarray,
                    mask: np.ndarray) -> tuple[np.ndarray, float, float]:
    """
    Fit predicted to true disparity by least squares, once for the clip.

    ``disparity`` is relative, ``truth`` in 1/m, ``mask`` bool, all of one shape. Returns the
    fitted disparity (float32, 1/m), scale and shift, see DisparityFit.line.

    Raises ValueError if the shapes differ or the mask is empty.
    """
    if not disparity.shape == truth.shape == mask.shape:
        raise ValueError(f'disparity, truth and mask must be of one shape, got '
                         f'{list(disparity.shape)}, {list(truth.shape)}, {list(mask.shape)}')
    fit = DisparityFit()
    fit.add(disparity[mask], truth[mask])
    scale, shift = fit.line()
    return (disparity * scale + shift).astype(np.float32), scale, shift


def fit_depth(disparity: np.ndarray, truth: np.ndarray, max_depth: float = MAX_DEPTH) -> np.ndarray:
    """
    Turn a clip's relative disparity into metres by fitting it to true depth.

    ``disparity`` and ``truth`` (metres, NaN or 0 where unknown) are [T,H,W]. Pixels count in the
    fit where `fit_pixels` says. Returns float32 metres within 1e-3 .. max_depth, NaN where
    disparity is NaN.

    Raises ValueError if the shapes differ or no pixel is left.
    """
    fitted, _, _ = align_disparity(disparity, true_disparity(truth),
                                   fit_pixels(disparity, truth, max_depth))
    return fitted_depth(fitted, max_depth)


def fit_pixels(disparity: np.ndarray, truth: np.ndarray,
               max_depth: float = MAX_DEPTH) -> np.ndarray:
    """Return where truth is known, at most ``max_depth``, and disparity more than 0; bool."""
    with np.errstate(invalid='ignore'):
        return valid_truth(truth, max_depth) & (disparity > 0.0)


def fitted_depth(fitted: np.ndarray, max_depth: float = MAX_DEPTH) -> np.ndarray:
    """Turn disparity in 1/m into float32 metres within 1e-3 .. max_depth; NaN stays."""
    depth = 1.0 / np.maximum(fitted, _LEAST_DISPARITY)
    return np.clip(depth, MIN_DEPTH, max_depth).astype(np.float32)


def valid_truth(truth: np.ndarray, max_depth: float = MAX_DEPTH) -> np.ndarray:
    """Return where true depth is known and at most ``max_depth`` metres, bool."""
    truth = np.nan_to_num(np.asarray(truth), nan=0.0, posinf=0.0, neginf=0.0)
    return (truth > 0.0) & (truth <= max_depth)


def evaluate_disparity(disparity: np.ndarray, truth: np.ndarray,
                       max_depth: float = MAX_DEPTH) -> dict[str, float]:
    """
    Score a clip's relative disparity after one fit of scale and shift.

    Arguments as for fit_depth. Measured wherever truth is valid and the prediction is not NaN,
    also where disparity is 0. Returns metrics.all_metrics, plus ``coverage``, the part of the
    valid truth that has a prediction.
    """
    depth = fit_depth(disparity, truth, max_depth)
    valid = valid_truth(truth, max_depth)
    measured = valid & np.isfinite(depth)
    scores = all_metrics(depth, np.where(measured, truth, 1.0), measured)
    scores['coverage'] = float(measured.sum() / valid.sum())
    return scores


def baselines(truth: np.ndarray, max_depth: float = MAX_DEPTH) -> dict[str, dict[str, float]]:
    """
    Score what needs no model, fitted as any prediction: the least that a model must beat.

    ``constant``: one disparity for all pixels. ``image row``: disparity grows with the row.
    Returns evaluate_disparity of each by name.
    """
    rows = np.arange(1, truth.shape[-2] + 1, dtype=np.float32) / truth.shape[-2]
    guesses = {'constant': np.ones(truth.shape, np.float32),
               'image row': np.broadcast_to(rows[:, None], truth.shape)}
    return {name: evaluate_disparity(guess, truth, max_depth) for name, guess in guesses.items()}


def report(rows: dict[str, dict[str, float]]) -> str:
    """Return scores by name as a table for terminals and markdown; '-' where a row has none."""
    columns = list(dict.fromkeys(column for scores in rows.values() for column in scores))
    width = max(len(name) for name in rows)
    lines = ['| ' + ' | '.join([' ' * width, *columns]) + ' |',
             '|' + '|'.join(['-' * (width + 2)] + ['-' * (len(name) + 1) + ':'
                                                   for name in columns]) + '|']
    for name, scores in rows.items():
        cells = [(f'{scores[column]:.4g}' if column in scores else '-').rjust(len(column))
                 for column in columns]
        lines.append('| ' + ' | '.join([name.ljust(width), *cells]) + ' |')
    return '\n'.join(lines)

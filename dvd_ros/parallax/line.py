"""The line from the network's inverse depth to that of the scene: slope and shift, robustly."""

from __future__ import annotations

import numpy as np

from dvd_ros.parallax.landmarks import Known
from dvd_ros.tukey import biweight, median

# Usual error of the network's inverse depth along the line, in parts of it plus in parts of the
# usual one; where both coordinates have errors, each is more.
_PART, _FLOOR, _BOTH_PART, _BOTH_FLOOR = 0.15, 0.02, 0.2, 0.03
# Points tell as much as this many times fewer that know nothing of each other.
_ALIKE = 20.0
# How far slope and shift usually are from where they are expected.
_SLOPE, _SHIFT = 0.5, 0.3
# Fewer points make no line.
FEWEST = 20
_MEDIAN_SQUARE = 0.45
_ROUNDS, _MOST_ROUNDS = 6, 8


def believed_line(network: np.ndarray, found: np.ndarray, information: np.ndarray,
                  last: tuple[float, float]) -> tuple[float, float]:
    """
    Slope and shift by which the network foretells what was found, [N], best: least squares.

    Its errors make the slope small, as they should. last: what is expected; with few points, or
    such of which little is known, that remains.
    """
    unit = median(network)
    usual = max(last[0] * unit + last[1], 1e-9)
    run, rise = network / unit, found / usual
    columns = np.stack([run, np.ones_like(run)], 1)
    before = np.array([last[0] * unit, last[1]]) / usual
    prior = np.diag([_SLOPE ** -2, _SHIFT ** -2])
    sure = 1 / (1 / (information * usual ** 2 + 1e-9) + (_PART * run) ** 2 + _FLOOR ** 2)
    weight: np.ndarray = sure
    line = before
    for _ in range(_ROUNDS):
        heavy = columns * weight[:, None] / _ALIKE
        line = np.linalg.solve(heavy.T @ columns + prior, heavy.T @ rise + prior @ before)
        square = (rise - columns @ line) ** 2 * sure
        weight = sure * biweight(square / max(median(square) / _MEDIAN_SQUARE, 1.0))
    return float(line[0]) * usual / unit, float(line[1]) * usual


def symmetric_line(known: Known) -> tuple[float, float, float] | None:
    """
    Slope, shift and correlation of the line along which both spread alike: ratio of spreads.

    Other than of `believed_line` the slope of its inverse is its inverse. None: too few points.
    """
    if len(known.rows) < FEWEST:
        return None
    run, rise = known.network, known.inverse_depth
    unit = max(median(run), 1e-9)
    sure = 1 / (1 / (known.information * unit ** 2 + 1e-9) + (_BOTH_PART * run / unit) ** 2
                + _BOTH_FLOOR ** 2)
    # Medians first: false points must not decide what is false.
    at, height = median(run), median(rise)
    slope = float(median(np.abs(rise - height)) / max(median(np.abs(run - at)), 1e-12))
    for _ in range(_MOST_ROUNDS):
        square = ((rise - height) - slope * (run - at)) ** 2 / unit ** 2 * sure
        weight = sure * biweight(square / max(median(square) / _MEDIAN_SQUARE, 0.3))
        total = weight.sum()
        if total <= 0:
            return None
        at, height = (weight * run).sum() / total, (weight * rise).sum() / total
        spread, common, other = ((weight * one * two).sum() for one, two in (
            (run - at, run - at), (run - at, rise - height), (rise - height, rise - height)))
        slope = float(np.sqrt(other / max(spread, 1e-12)))
    if slope <= 0 or spread <= 0:
        return None
    return slope, float(height - slope * at), float(common / np.sqrt(spread * other))

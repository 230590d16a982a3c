"""Temporal scale drift on a walk that is repeated lap after lap, with true depth."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dvd_ros.evaluation.chain_rules import RULES_AND_NONE, new_chain
from dvd_ros.evaluation.drift_score import published_line
from dvd_ros.stream.overlap_fit import least_squares, robust_sd_ratio
from dvd_ros.tukey import LIMIT, biweight, robust_sigma

# Pixels between those that are compared, along each axis.
_STEP = 5
_ROUNDS = 10
_LEAST_GAIN = 1e-12


@dataclass(frozen=True, eq=False)
class WalkWindow:
    """
    One window of a walk: raw float32 [T,H,W], the last ``new`` frames of which are new.

    truth: float32 [new,H,W], 1/m, of the new frames. first: number of the first new frame.
    """

    raw: np.ndarray
    new: int
    truth: np.ndarray
    first: int


@dataclass(frozen=True, eq=False)
class LapTrack:
    """
    One rule over the N windows of a walk; all arrays are [N].

    gain: of published disparity against true inverse depth, in m.
    against_lap: published disparity against that of the first lap at the same poses, by the
    ratio of the gains; NaN in the first lap. offset: mean difference of the two; NaN likewise.
    segment: numbers of the rule's segments.
    """

    gain: np.ndarray
    against_lap: np.ndarray
    offset: np.ndarray
    segment: np.ndarray


@dataclass(frozen=True, eq=False)
class LapDrift:
    """
    What came of a walk: tracks by rule, and of the model itself by window [N].

    frame: number of the first new frame. raw_gain: of raw disparity against true inverse depth,
    in m. correlation, lap_correlation: of raw disparity with the truth, and with the first lap.
    lap: windows a lap.
    """

    tracks: dict[str, LapTrack]
    frame: np.ndarray
    raw_gain: np.ndarray
    correlation: np.ndarray
    lap_correlation: np.ndarray
    lap: int


def robust_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return (scale, shift) of y ~ scale * x + shift, least squares under Tukey's weights."""
    x, y = np.ravel(x).astype(np.float64), np.ravel(y).astype(np.float64)
    scale, shift = least_squares(x, y)
    for _ in range(_ROUNDS):
        residual = y - (scale * x + shift)
        sigma = robust_sigma(residual)
        if LIMIT * sigma <= 1e-9 * np.abs(y).max(initial=0.0):
            break
        weight = biweight(np.square(residual / sigma))
        total = weight.sum()
        mean_x, mean_y = (weight * x).sum() / total, (weight * y).sum() / total
        before = scale
        scale = (weight * (x - mean_x) * (y - mean_y)).sum() / (weight * (x - mean_x) ** 2).sum()
        shift = mean_y - scale * mean_x
        if abs(scale - before) < 1e-6 * abs(scale):
            break
    return float(scale), float(shift)


def lap_drift(windows: Iterable[WalkWindow], lap: int) -> LapDrift:
    """
    Chain the windows of a walk by every rule, and by none, and see what becomes of their scale.

    ``lap``: frames a lap, a multiple of the windows' stride, so that windows of all laps see the
    same poses. Fits are of raw disparity, once for all rules: a line is published as it is
    chained.

    Raises ValueError for another lap.
    """
    chains = {name: new_chain(rule) for name, rule in RULES_AND_NONE.items()}
    rows: dict[str, list[tuple[float, float, float, int]]] = {name: [] for name in chains}
    model: list[tuple[int, float, float, float]] = []
    # Raw disparity of the first lap and how each rule published it, by the place in the lap.
    firsts: dict[int, tuple[np.ndarray, dict[str, tuple[float, float]]]] = {}
    per_lap = 1
    for index, window in enumerate(windows):
        if index == 1:
            per_lap = lap // window.new
        if index and window.new * per_lap != lap:
            raise ValueError(f'a lap of {lap} frames is not of whole windows of {window.new} '
                             'new frames')
        raw, truth = (part[:, _STEP // 2::_STEP, _STEP // 2::_STEP]
                      for part in (window.raw[-window.new:], window.truth))
        slope, _ = robust_line(truth, raw)
        # The first window has more new frames than the others and no like among them.
        first_raw, first_lines = firsts.get(index % per_lap, (None, {})) if index else (None, {})
        fit = None if first_raw is None else robust_sd_ratio(first_raw, raw)
        model.append((window.first, slope, float(np.corrcoef(raw.ravel(), truth.ravel())[0, 1]),
                      fit.correlation if fit else math.nan))
        lines = {}
        for name, chain in chains.items():
            done = chain.align(window.raw, window.new)
            scale, shift = (float(part.mean()) for part in published_line(done, window.raw))
            lines[name] = scale, shift
            ratio = offset = math.nan
            if fit is not None:
                was_scale, was_shift = first_lines[name]
                ratio = scale * fit.scale / was_scale if was_scale else math.nan
                offset = (scale * (fit.scale * fit.centre + fit.shift) + shift
                          - (was_scale * fit.centre + was_shift))
            rows[name].append((scale * slope, ratio, offset, done.segment))
        if index and first_raw is None:
            firsts[index % per_lap] = raw.copy(), lines
    tracks = {name: LapTrack(*(np.array(column) for column in zip(*row, strict=True)))
              for name, row in rows.items()}
    frame, raw_gain, correlation, lap_correlation = (np.array(c) for c in zip(*model, strict=True))
    return LapDrift(tracks, frame, raw_gain, correlation, lap_correlation, per_lap)


@dataclass(frozen=True)
class DriftFigures:
    """
    Drift of a rule over a walk, as relative changes of scale (0.03: 3 % more).

    laps: of each lap but the first, mean log ratio of its gain to the first lap's at the same
    poses. truth_laps: the same of the gains against the truth. trend: of the straight line
    through log gain against the truth over all windows, from the first to the last, places in
    the lap having their own level each; trend_sigma is its standard error, from laps that err
    each by itself (0 with fewer than three: unknown). offsets: mean of each lap but the first to
    the first, in disparity. wander: standard deviation of the windows' log ratio to the first lap.
    in_lap: standard deviation of the windows' log gain against the truth about their lap's mean:
    how one scale serves all places, the model's own inconstancy included.
    """

    laps: list[float]
    truth_laps: list[float]
    trend: float
    trend_sigma: float
    offsets: list[float]
    wander: float
    in_lap: float


def drift_figures(track: LapTrack, per_lap: int) -> DriftFigures:
    """Score a track; a last lap of less than nine tenths counts in trend and wander only."""
    index = np.arange(1, len(track.gain))
    lap, place = (index - 1) // per_lap, (index - 1) % per_lap
    gain = np.log(np.maximum(track.gain[1:], _LEAST_GAIN))
    ratio = np.log(np.maximum(track.against_lap[1:], _LEAST_GAIN))
    apart = gain - gain[place]
    # Within each place: both sides less their mean over the laps.
    count = np.bincount(place)
    centred_gain = gain - (np.bincount(place, gain) / count)[place]
    centred_index = index - (np.bincount(place, index.astype(float)) / count)[place]
    squares = np.square(centred_index).sum()
    slope = float((centred_index * centred_gain).sum() / squares) if squares else 0.0
    left = centred_gain - slope * centred_index
    sums = np.bincount(lap, centred_index * left)
    sigma = float(np.sqrt(np.square(sums).sum()) / squares) if len(sums) > 2 else 0.0
    later = [k for k in range(1, int(lap[-1]) + 1) if (lap == k).sum() >= 0.9 * per_lap]
    return DriftFigures(
        [math.expm1(ratio[lap == k].mean()) for k in later],
        [math.expm1(apart[lap == k].mean()) for k in later],
        math.expm1(slope * (len(gain) - 1)), sigma * (len(gain) - 1),
        [float(track.offset[1:][lap == k].mean()) for k in later],
        float(np.nanstd(ratio)),
        float((gain - (np.bincount(lap, gain) / np.bincount(lap))[lap]).std()))

"""The scores of one prediction of one clip, frame after frame, beside its curves over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dvd_ros.evaluation.align import (
    MAX_DEPTH,
    MIN_DEPTH,
    DisparityFit,
    fit_pixels,
    fitted_depth,
    true_disparity,
    valid_truth,
)
from dvd_ros.evaluation.boundary import BoundaryCount, depth_edges, image_edges
from dvd_ros.evaluation.clips import Shot
from dvd_ros.evaluation.flow import Flow, warping_error
from dvd_ros.evaluation.metrics import clip_metrics, frame_errors
from dvd_ros.evaluation.predict import Prediction, known_pixels
from dvd_ros.evaluation.temporal import relative_change_error, temporal_alignment_error

# True depth has edges of its own where it is known in so much of the picture.
_DENSE = 0.95
# The least spread that disparity is measured by.
_LEAST_SPREAD = 1e-6
# Curves: name -> what it is.
CURVES = {
    'abs_rel': 'AbsRel', 'delta1': 'delta1', 'flicker': 'flicker, % of the spread',
    'tae': 'TAE, %', 'scale': "true depth / depth, the frame's median",
    'window_scale': "the window's scale to the stream",
    'metric_abs_rel': 'AbsRel of the metres, no fit',
}


@dataclass(eq=False)
class ClipScore:
    """
    What became of a clip.

    Attributes
    ----------
    scores
        By name; only those that could be measured, in the order in which reports show them.
    curves
        By name of CURVES, a value per frame, NaN where there is none.
    times
        Seconds from the first frame.
    line
        Scale and shift of the fit in disparity, 1/m; None without true depth.
    notes
        What a reader of the scores has to know.

    """

    scores: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    line: tuple[float, float] | None = None
    notes: list[str] = field(default_factory=list)


class ClipScorer:
    """
    Scores a prediction, given the frames of its clip twice, in order: `fit` each, then `add` each.

    Depth is fitted once per clip in disparity, the protocol of evaluation.align. ``flicker`` is
    the mean absolute change of disparity along the optical flow (flow.warping_error), in percent
    of the mean over frames of its standard deviation within a frame: a flat prediction gains
    nothing by it, and it needs no true depth. ``warp_error`` is the same after the fit, 1/m.
    ``tae``, ``boundary_*`` (against the image's edges), ``edge_*`` (against those of dense true
    depth), ``temporal_diff``: see temporal.py and boundary.py. ``metric_*``: of the metres by
    known depth, without any fit; what is too far to measure counts as ``max_depth``.
    """

    def __init__(self, prediction: Prediction, known_depth: float = 0.0,
                 max_depth: float = MAX_DEPTH) -> None:
        self.result = ClipScore()
        self._prediction, self._known, self._max = prediction, known_depth, max_depth
        self._fit, self._valid = DisparityFit(), 0
        self._spreads: list[float] = []
        self._fitted = 0
        self._frames: list[dict[str, float]] = []
        self._metric: list[dict[str, float]] = []
        self._pairs: dict[str, list[float]] = {'flicker': [], 'tae': [], 'temporal_diff': []}
        self._boundary, self._edges = BoundaryCount(), BoundaryCount()
        self._last: tuple[Shot, np.ndarray | None, np.ndarray | None] | None = None
        self._curves: dict[str, list[float]] = {name: [] for name in CURVES}
        self._uncompared = 0

    def fit(self, shot: Shot) -> None:
        """Take the next frame for the clip's fit and spread."""
        disparity = self._prediction.disparity[self._fitted]
        self._fitted += 1
        if shot.truth is not None:
            self._valid += int(valid_truth(shot.truth, self._max).sum())
        if disparity is None or not np.isfinite(disparity).any():
            return
        self._spreads.append(float(np.nanstd(disparity, dtype=np.float64)))
        if shot.truth is not None:
            mask = fit_pixels(disparity, shot.truth, self._max)
            self._fit.add(disparity[mask], true_disparity(shot.truth[mask]))

    def add(self, shot: Shot, flow: Flow | None) -> np.ndarray | None:
        """
        Score the next frame; ``flow`` is from it to the one before.

        Returns its depth, float32 [H,W] in metres of the fit; None without one.
        """
        result = self.result
        if not result.times:
            result.line = self._fit.line() if self._fit.pixels else None
            self._start = shot.frame.stamp
        index = len(result.times)
        result.times.append((shot.frame.stamp - self._start) * 1e-9)
        for curve in self._curves.values():
            curve.append(float('nan'))
        if self._prediction.scales:
            self._curves['window_scale'][index] = self._prediction.scales[index]
        disparity = self._prediction.disparity[index]
        depth = None
        if disparity is not None and result.line is not None:
            scale, shift = result.line
            depth = fitted_depth((disparity * scale + shift).astype(np.float32), self._max)
        if depth is not None and shot.truth is not None:
            self._against_truth(index, shot, depth, shot.truth)
        self._against_last(shot, flow, disparity, depth)
        self._last = shot, disparity, depth
        return depth

    def done(self) -> ClipScore:
        """Return the scores, after the last frame."""
        result, prediction = self.result, self._prediction
        spread = float(np.mean(self._spreads)) if self._spreads else 0.0
        scores = result.scores
        if self._frames:
            scores.update(clip_metrics(self._frames))
            measured = sum(frame['pixels'] for frame in self._frames)
            scores['coverage'] = measured / self._valid
        flicker = _mean(self._pairs['flicker'])
        if np.isfinite(flicker):
            scores['flicker'] = 100.0 * flicker / max(spread, _LEAST_SPREAD)
            if result.line is not None:
                scores['warp_error'] = flicker * abs(result.line[0])
        self._curves['flicker'] = [100.0 * change / max(spread, _LEAST_SPREAD)
                                   for change in self._curves['flicker']]
        for name in ('tae', 'temporal_diff'):
            if np.isfinite(_mean(self._pairs[name])):
                scores[name] = _mean(self._pairs[name])
        for name, count in (('boundary', self._boundary), ('edge', self._edges)):
            if count.wanted:
                scores |= {f'{name}_{key}': value for key, value in count.scores().items()}
        if prediction.scale is not None:
            states = [state is not None and state.metric for state in prediction.states]
            scores['metric_share'] = float(np.mean(states)) if states else 0.0
            if self._metric:
                metric = clip_metrics(self._metric)
                scores |= {f'metric_{name}': metric[name]
                           for name in ('abs_rel', 'rmse', 'delta1')}
        if prediction.seconds > 0.0:
            scores['fps'] = len(result.times) / prediction.seconds
        result.curves = {name: curve for name, curve in self._curves.items()
                         if np.isfinite(curve).any()}
        self._say(spread)
        return result

    def _against_truth(self, index: int, shot: Shot, depth: np.ndarray,
                       truth: np.ndarray) -> None:
        valid = valid_truth(truth, self._max)
        measured = valid & np.isfinite(depth)
        if measured.any():
            errors = frame_errors(depth[measured], truth[measured])
            self._frames.append(errors)
            for name in ('abs_rel', 'delta1'):
                self._curves[name][index] = errors[name]
            self._curves['scale'][index] = float(np.median(truth[measured] / depth[measured]))
            edges = depth_edges(depth)
            self._boundary.add(edges, image_edges(shot.frame.image), measured)
            if valid.mean() >= _DENSE:
                self._edges.add(edges, depth_edges(np.where(valid, truth, np.nan)), measured)
        metres = self._prediction.metres(index)
        if metres is None:
            return
        unknown = ~known_pixels(index, truth.shape, self._known)
        measured = valid & unknown & ~np.isnan(metres)
        if measured.any():
            bounded = np.clip(metres[measured], MIN_DEPTH, self._max)
            self._metric.append(frame_errors(bounded, truth[measured]))
            self._curves['metric_abs_rel'][index] = self._metric[-1]['abs_rel']

    def _against_last(self, shot: Shot, flow: Flow | None, disparity: np.ndarray | None,
                      depth: np.ndarray | None) -> None:
        if self._last is None or disparity is None:
            return
        last, last_disparity, last_depth = self._last
        if last_disparity is None or last_disparity.shape != disparity.shape:
            return
        if flow is not None:
            change = warping_error(flow, last_disparity, disparity)
            self._uncompared += not np.isfinite(change)
            self._pair('flicker', change)
        if depth is None or last_depth is None:
            return
        camera = shot.frame.intrinsics
        if camera is not None and shot.pose is not None and last.pose is not None:
            self._pair('tae', temporal_alignment_error(
                last_depth, depth, last.pose, shot.pose,
                camera.scaled(depth.shape[1], depth.shape[0])))
        if shot.truth is not None and last.truth is not None:
            mask = (valid_truth(shot.truth, self._max) & valid_truth(last.truth, self._max)
                    & np.isfinite(depth) & np.isfinite(last_depth))
            self._pair('temporal_diff', relative_change_error(
                np.stack([last_depth, depth]), np.stack([last.truth, shot.truth]), mask))

    def _pair(self, name: str, value: float) -> None:
        if np.isfinite(value):
            self._pairs[name].append(value)
            if name in self._curves:
                self._curves[name][-1] = value

    def _say(self, spread: float) -> None:
        notes = self.result.notes
        prediction = self._prediction
        if prediction.segments > 1:
            notes.append(f'{prediction.segments} segments, each on a scale of its own, and one fit '
                         'for all')
        if prediction.dropped:
            notes.append('dropped by the stream: ' + ', '.join(
                f'{count} {cause.replace("_", " ")}'
                for cause, count in prediction.dropped.items()))
        if self._uncompared:
            notes.append(f'{self._uncompared} pairs of frames have too little in common for '
                         'flicker')
        if self._spreads and spread < _LEAST_SPREAD:
            notes.append('the prediction is flat')


def paired_differences(first: Sequence[dict[str, float]],
                       second: Sequence[dict[str, float]]) -> dict[str, tuple[float, float, int]]:
    """
    Compare the scores of two predictions of the same clips.

    Returns by name the mean of second - first over the clips that have both, its standard error
    (NaN for one clip), and how many clips there are.
    """
    result = {}
    for name in dict.fromkeys(name for scores in first for name in scores):
        differences = [b[name] - a[name] for a, b in zip(first, second, strict=True)
                       if name in a and name in b]
        if differences:
            result[name] = (float(np.mean(differences)), standard_error(differences),
                            len(differences))
    return result


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of the mean of values; NaN for fewer than two."""
    if len(values) < 2:
        return float('nan')
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float('nan')

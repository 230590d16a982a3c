"""What the scores of an evaluation are called, which way is better, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreName:
    """A score: title with unit; whether more is better, None where it is neither; meaning."""

    title: str
    more: bool | None
    meaning: str


_REFERENCE = 'after one fit of scale and shift per clip in disparity'
SCORES = {
    'abs_rel': ScoreName('AbsRel', False, f'mean of |depth - truth| / truth, {_REFERENCE}'),
    'sq_rel': ScoreName('SqRel, m', False, 'mean of (depth - truth)² / truth'),
    'rmse': ScoreName('RMSE, m', False, 'root mean square error, the root per frame'),
    'rmse_log': ScoreName('RMSE log', False, 'the same of natural logarithms'),
    'log10': ScoreName('log10', False, 'mean of |log10 depth - log10 truth|'),
    'silog': ScoreName('SILog', False, '100 x standard deviation of the error in ln depth'),
    'i_rmse': ScoreName('iRMSE, 1/m', False, 'root mean square error of 1/depth'),
    'delta1': ScoreName('δ1', True, 'share of pixels within a factor of 1.25'),
    'delta2': ScoreName('δ2', True, 'within 1.25²'),
    'delta3': ScoreName('δ3', True, 'within 1.25³'),
    'coverage': ScoreName('coverage', True, 'share of the known true depth that has a depth'),
    'flicker': ScoreName(
        'flicker, %', False, 'mean change of disparity from frame to frame along the optical flow, '
        "of the prediction's own spread within a frame; true motion in depth is part of it"),
    'warp_error': ScoreName('warp error, 1/m', False, 'the same after the fit to true depth'),
    'tae': ScoreName(
        'TAE, %', False, "depth of a frame, taken to its neighbour's camera by the true poses, "
        'against the depth there (Depth Any Video)'),
    'temporal_diff': ScoreName('temporal diff', False,
                               "relative change of a pixel's depth against the true one"),
    'boundary_precision': ScoreName('boundary precision', True,
                                    'edges of depth that lie on edges of the image, as the '
                                    'reference counts them'),
    'boundary_recall': ScoreName('boundary recall', True,
                                 'edges of the image that are edges of depth'),
    'boundary_f1': ScoreName('boundary F1', True, 'harmonic mean of the two'),
    'edge_precision': ScoreName('edge precision', True,
                                'edges of depth that lie on edges of dense true depth'),
    'edge_recall': ScoreName('edge recall', True, 'edges of true depth that are found'),
    'edge_f1': ScoreName('edge F1', True, 'harmonic mean of the two'),
    'metric_share': ScoreName('metric frames', True, 'share of frames whose metres are known'),
    'metric_abs_rel': ScoreName('metric AbsRel', False, 'of the metres by known depth, no fit'),
    'metric_rmse': ScoreName('metric RMSE, m', False, 'of the metres by known depth, no fit'),
    'metric_delta1': ScoreName('metric δ1', True, 'of the metres by known depth, no fit'),
    'fps': ScoreName('frames/s', True, 'frames per second of network and stream on this machine'),
}
# Those that a terminal has room for.
SHORT = ('abs_rel', 'rmse', 'silog', 'delta1', 'flicker', 'tae', 'boundary_f1', 'edge_f1',
         'metric_abs_rel', 'fps')

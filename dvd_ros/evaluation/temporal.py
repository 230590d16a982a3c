"""How steady depth is over time, where truth or the camera's way is known; see flow.py, too."""

from __future__ import annotations

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.points import rays


def temporal_alignment_error(first: np.ndarray, second: np.ndarray, first_pose: np.ndarray,
                             second_pose: np.ndarray, intrinsics: Intrinsics) -> float:
    """
    Measure how well the depths of two frames agree once the camera's motion is taken out: TAE.

    TAE of Depth Any Video (Yang et al., arXiv 2410.10815): 1 / (2 (N - 1)) times the sum, over
    pairs of neighbouring frames, of AbsRel(f(d_k, p), d_k+1) + AbsRel(f(d_k+1, p^-1), d_k), where
    f takes a depth image into the other camera. This is the mean of the two for one pair; the TAE
    of a clip is the mean over its pairs. Rounding and what is compared follow its public use in
    Video-Depth-Anything's benchmark: points fall on the nearest pixel, the last one written stays.

    ``first``, ``second``: [H,W] metres, after one fit per clip, of all pixels; not finite: none.
    Poses: float [3,4] or [4,4], camera (optical frame) to world, metres. ``intrinsics``: of these
    images. Returns percent, 0 is perfect; NaN where no point of the one falls on the other (there
    the benchmark counts 0).

    Raises ValueError if the sizes differ.
    """
    if not first.shape == second.shape == (intrinsics.height, intrinsics.width):
        raise ValueError(f'depths and intrinsics must be of one size, got {list(first.shape)}, '
                         f'{list(second.shape)}, [{intrinsics.height}, {intrinsics.width}]')
    there = np.linalg.inv(_full(second_pose)) @ _full(first_pose)
    return 50.0 * (_one_way(first, second, there, intrinsics)
                   + _one_way(second, first, np.linalg.inv(there), intrinsics))


def relative_temporal_difference(depth: np.ndarray, truth: np.ndarray,
                                 mask: np.ndarray | None = None) -> float:
    """
    Measure how far the change of depth from frame to frame is from the true one.

    ``relative_temporal_diff`` of the evaluation of EnVision-Research/DVD: root mean square, per
    pair of frames, of the difference between depth's and truth's relative change at a pixel; then
    the mean over pairs. [T,H,W] metres, bool mask (None: all). It does not follow motion. Pairs
    without a valid pixel are left out; NaN where none has any.
    """
    mask = np.ones(truth.shape, bool) if mask is None else mask
    pairs = [relative_change_error(depth[i:i + 2], truth[i:i + 2], mask[i] & mask[i + 1])
             for i in range(len(truth) - 1)]
    known = [pair for pair in pairs if np.isfinite(pair)]
    return float(np.mean(known)) if known else float('nan')


def relative_change_error(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Return relative_temporal_difference of one pair, [2,H,W] and [H,W]; NaN without a pixel."""
    if not mask.any():
        return float('nan')
    (d0, d1), (t0, t1) = (np.asarray(pair, np.float64)[:, mask] for pair in (depth, truth))
    return float(np.sqrt(np.mean(((d1 - d0) / (d0 + 1e-6) - (t1 - t0) / (t0 + 1e-6)) ** 2)))


def _one_way(source: np.ndarray, target: np.ndarray, motion: np.ndarray,
             intrinsics: Intrinsics) -> float:
    """AbsRel of source, taken to target's camera by ``motion`` [4,4], against target."""
    known = np.isfinite(source) & (source > 0.0)
    points = (rays(intrinsics)[known] * source[known][:, None]) @ motion[:3, :3].T + motion[:3, 3]
    points = points[points[:, 2] > 0.0]
    z = points[:, 2]
    u = np.rint(points[:, 0] * intrinsics.fx / z + intrinsics.cx)
    v = np.rint(points[:, 1] * intrinsics.fy / z + intrinsics.cy)
    inside = (u >= 0) & (u < intrinsics.width) & (v >= 0) & (v < intrinsics.height)
    seen = np.zeros(target.shape)
    seen[v[inside].astype(np.int64), u[inside].astype(np.int64)] = z[inside]
    both = (seen > 0.0) & np.isfinite(target) & (target > 0.0)
    if not both.any():
        return float('nan')
    return float(np.mean(np.abs(seen[both] - target[both]) / target[both]))


def _full(pose: np.ndarray) -> np.ndarray:
    result = np.eye(4)
    result[:3] = np.asarray(pose, np.float64)[:3]
    return result

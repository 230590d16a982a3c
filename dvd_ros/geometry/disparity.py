"""
Disparity and depth.

Relative disparity d (0 farthest, 1 nearest) is affine in inverse depth. Two depths fix the line:
1/Z = 1/far + d * (1/near - 1/far), so that d = 1 lies at ``near`` and d = 0 at ``far``.
"""

from __future__ import annotations

import numpy as np

_MOST = 1000.0


def depth_from_disparity(disparity: np.ndarray, near: float, far: float) -> np.ndarray:
    """
    Turn relative disparity into depth.

    ``disparity`` is any shape, unitless; ``near`` and ``far`` are metres, 0 < near < far. Returns
    float32 metres of the same shape. Disparity below 0 counts as 0, so depth is never negative
    and never beyond ``far`` (finite, not +inf: the line says nothing about what is farther).
    Disparity above 1 is nearer than ``near``, down to near / 1000. A disparity that is not finite
    gives NaN.

    Raises ValueError unless 0 < near < far.
    """
    _check_range(near, far)
    disparity = np.asarray(disparity, np.float32)
    inverse = (np.clip(disparity, 0.0, _MOST) * np.float32(1.0 / near - 1.0 / far)
               + np.float32(1.0 / far))
    depth = np.clip(1.0 / inverse, near / _MOST, far)
    return np.where(np.isfinite(disparity), depth, np.float32(np.nan)).astype(np.float32)


def disparity_from_depth(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    """
    Turn depth into relative disparity; the inverse of depth_from_disparity.

    ``depth`` is metres, any shape. Returns float32: 0 at and beyond ``far`` (+inf included),
    1 at ``near``, more where nearer; NaN where depth is NaN or not positive.

    Raises ValueError unless 0 < near < far.
    """
    _check_range(near, far)
    depth = np.asarray(depth, np.float32)
    inverse = np.divide(1.0, depth, out=np.full_like(depth, np.nan), where=depth > 0.0)
    disparity = (inverse - 1.0 / far) / (1.0 / near - 1.0 / far)
    return np.maximum(disparity, 0.0).astype(np.float32)


def _check_range(near: float, far: float) -> None:
    if not 0.0 < near < far:
        raise ValueError(f'nominal depths need 0 < near < far metres, got near={near}, far={far}')

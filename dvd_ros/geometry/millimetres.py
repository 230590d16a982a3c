"""Depth in whole millimetres of 16 bits, as depth images carry it."""

from __future__ import annotations

import numpy as np

MOST_MILLIMETRES = 65535


def millimetres(depth: np.ndarray) -> np.ndarray:
    """Depth as `16UC1` carries it.

    Parameters
    ----------
    depth:
        float [H,W], metres; NaN none, +Inf too far.

    Returns
    -------
    numpy.ndarray
        uint16 [H,W], whole millimetres; 0 where depth is not finite, not positive or beyond
        65.535 m, which 16 bits cannot say.

    """
    rounded = np.rint(np.nan_to_num(depth, nan=0.0, posinf=0.0, neginf=0.0) * 1e3)
    fits = (rounded >= 0) & (rounded <= MOST_MILLIMETRES)
    return np.where(fits, rounded, 0).astype(np.uint16)

"""The record of how a window was brought to the stream's scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Alignment:
    """
    How one window was brought to the stream's scale: published = scale * raw + shift.

    Parameters
    ----------
    disparity
        float32 [new,H,W], the window's new frames on the stream's scale, clamped at 0.
    scale, shift
        Of this window's raw disparity.
    scale_sigma
        Standard deviation of the scale against the segment's start; NaN where the rule
        ('dvd') estimates none.
    correlation
        Of the overlap with the window before, -1..1; NaN where there was no overlap.
    segment
        Number of the segment, from 0; frames of different segments share no scale.
    cut
        Whether the window was found to begin a new scene.

    """

    disparity: np.ndarray
    scale: float
    shift: float
    scale_sigma: float
    correlation: float
    segment: int
    cut: bool = False

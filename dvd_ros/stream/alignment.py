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
    disagreement
        float32 [h,w], mean absolute difference over the overlap between this window and the one
        before, both on the stream's scale, at the pixels of `sample`; None without an overlap.

    """

    disparity: np.ndarray
    scale: float
    shift: float
    scale_sigma: float
    correlation: float
    segment: int
    cut: bool = False
    disagreement: np.ndarray | None = None

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Bring frames of this window, float [...,H,W], to the stream's scale, as float32."""
        return to_stream_scale(raw, self.scale, self.shift)


def to_stream_scale(raw: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """Return max(scale * raw + shift, 0) as float32 of its own memory; NaN stays."""
    result = np.empty(raw.shape, np.float32)
    # Frame by frame what is written is still in the cache when it is read again.
    for frame, out in zip(raw, result, strict=True):
        np.multiply(frame, np.float32(scale), out=out)
        np.add(out, np.float32(shift), out=out)
        np.maximum(out, np.float32(0.0), out=out)
    return result

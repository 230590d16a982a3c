"""The rule published with DVD, window after window, for comparison."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.stream.overlap_fit import correlation_of
from dvd_ros.stream.stitch import dvd_scale_shift


class PublishedRule:
    """
    Least squares on the blended past, as in `stitch`; its scale decays on long streams.

    Arrays are float64 [T,h,w], the windows' raw disparity or samples of it.
    """

    def __init__(self) -> None:
        self._reference: np.ndarray | None = None  # the last window on the stream's scale, blended
        self.scale, self.shift = 1.0, 0.0

    def follow(self, raw: np.ndarray, overlap: int) -> float:
        """Set scale and shift for the next window; return its correlation with the past."""
        past = self._reference
        self.scale, self.shift, correlation = 1.0, 0.0, math.nan
        if past is not None and overlap:
            current, reference = raw[:overlap], past[-overlap:]
            finite = np.isfinite(current) & np.isfinite(reference)
            if finite.any():
                current, reference = current[finite], reference[finite]
                self.scale, self.shift = dvd_scale_shift(current, reference)
                correlation = correlation_of(current, reference)
        aligned = raw * self.scale + self.shift
        if past is not None:
            np.maximum(aligned, 0.0, out=aligned)
            if overlap:
                alpha = np.linspace(0.0, 1.0, overlap)[:, None, None]
                aligned[:overlap] = (1.0 - alpha) * past[-overlap:] + alpha * aligned[:overlap]
        self._reference = aligned
        return correlation

"""The rules that benchmarks of drift compare, all as window in, scale and shift out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dvd_ros.stream import StreamConfig, WindowAligner
from dvd_ros.stream.overlap_fit import least_squares

# raw [T,h,w] and the number of new frames -> (scale, shift, whether a segment begins)
Rule = Callable[[np.ndarray, int], tuple[float, float, bool]]


class LeastSquares:
    """Each window fitted by least squares to the published tail of the one before, unbounded."""

    def __init__(self) -> None:
        self._tail: np.ndarray | None = None

    def __call__(self, raw: np.ndarray, new: int) -> tuple[float, float, bool]:
        """Scale and shift of the next window."""
        overlap, begins = len(raw) - new, self._tail is None
        scale, shift = 1.0, 0.0
        if self._tail is not None and overlap:
            scale, shift = least_squares(raw[:overlap], self._tail[-overlap:])
        self._tail = raw * np.float64(scale) + shift
        return scale, shift, begins


class Aligner:
    """A WindowAligner by one of its rules."""

    def __init__(self, rule: str) -> None:
        self._aligner = WindowAligner(StreamConfig(rule=rule))
        self._segment = -1

    def __call__(self, raw: np.ndarray, new: int) -> tuple[float, float, bool]:
        """Scale and shift of the next window."""
        done = self._aligner.align(raw, new)
        begins, self._segment = done.segment != self._segment, done.segment
        return done.scale, done.shift, begins


RULES: dict[str, Callable[[], Rule]] = {
    'least squares': LeastSquares,
    'published (dvd)': lambda: Aligner('dvd'),
    'bounded': lambda: Aligner('bounded'),
}

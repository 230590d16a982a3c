"""The rules that bring window after window to one scale, side by side."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from dvd_ros.stream import Alignment, StreamConfig, WindowAligner
from dvd_ros.stream.overlap_fit import least_squares

# Name in tables, and what new_chain takes.
RULES = {'least squares': 'least_squares', 'published rule': 'dvd', 'ours': 'bounded'}
RULES_AND_NONE = {'unchained': 'none', **RULES}


class Chain(Protocol):
    """What brings the windows of a stream to one scale, see stream.WindowAligner."""

    def align(self, raw: np.ndarray, new: int) -> Alignment:
        """Align the next window raw [T,H,W], of which the last ``new`` frames are new."""


def new_chain(rule: str) -> Chain:
    """Give a fresh chain: 'none', 'least_squares', or a rule of stream.WindowAligner."""
    if rule == 'none':
        return Unchained()
    return (LeastSquareChain() if rule == 'least_squares' else
            WindowAligner(StreamConfig(rule=rule)))


class Unchained:
    """Every window as the model gave it: no drift, and a jump from window to window."""

    def align(self, raw: np.ndarray, new: int) -> Alignment:
        """See Chain."""
        return Alignment(np.array(raw[-new:], np.float32), 1.0, 0.0, math.nan, math.nan, 0)


class LeastSquareChain:
    """
    Every window by least squares to the window before as that was published; nothing clipped.

    The textbook way, for comparison: each step multiplies the scale by the correlation of the
    overlap.
    """

    def __init__(self) -> None:
        self._raw: np.ndarray | None = None
        self._state = (1.0, 0.0)

    def align(self, raw: np.ndarray, new: int) -> Alignment:
        """See Chain."""
        overlap = len(raw) - new
        if self._raw is not None:
            ratio, level = least_squares(raw[:overlap], self._raw[-overlap:])
            scale, shift = self._state
            self._state = (scale * ratio, scale * level + shift)
        self._raw = raw
        scale, shift = self._state
        return Alignment(raw[overlap:] * np.float32(scale) + np.float32(shift), scale, shift,
                         math.nan, math.nan, 0)

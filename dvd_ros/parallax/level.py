"""What turns disparity of the stream into inverse depth: a shift, told by parallax."""

from __future__ import annotations

import numpy as np

from dvd_ros.tukey import biweight

# Usual error of the network's inverse depth: in parts of it, plus in parts of the unit. In the fit
# of a scale it counts as more, as it is not that of one point alone.
_PART, _FLOOR, _FIT_PART = 0.15, 0.01, 0.2
# Points tell of the scale as much as this many times fewer that know nothing of each other; it is
# 1 but for half of it.
_ALIKE, _PRIOR = 1000.0, 4.0
# In units: where infinity is at first, with its variance; the variance that each look adds; the
# least inverse depth.
_FIRST, _FIRST_VARIANCE, _RESTLESS, _LEAST = 0.05, 0.5, 0.02 ** 2, 0.02


class Level:
    """
    Inverse depth = disparity + shift, in the unit of the stream.

    unit: usual disparity above the farthest, of the first frame. The shift begins where the
    farthest point is almost at infinity and follows what parallax tells, frame by frame.
    """

    def __init__(self, disparity: np.ndarray) -> None:
        """disparity: [N] of the first frame of a segment."""
        low = float(np.quantile(disparity, 0.01))
        self.unit = max(float(disparity.mean()) - low, 1e-3)
        self.shift = _FIRST * self.unit - low
        self._variance = _FIRST_VARIANCE

    def inverse_depth(self, disparity: np.ndarray) -> np.ndarray:
        """Inverse depth, float32 [N], of disparity [N]."""
        return self.moved(disparity, self.shift)

    def moved(self, values: np.ndarray, step: float) -> np.ndarray:
        """Values [N] plus a step, but no less than almost infinitely far away."""
        return np.maximum(values + np.float32(step), np.float32(_LEAST * self.unit))

    def sigma(self, inverse_depth: np.ndarray) -> np.ndarray:
        """How wrong the network's inverse depth [N] usually is."""
        return _PART * inverse_depth + np.float32(_FLOOR * self.unit)

    @property
    def shift_sigma(self) -> float:
        """How wrong the shift may be."""
        return self._variance ** 0.5 * self.unit

    def move(self, step: float, variance: float) -> None:
        """Move the shift, which is then known with so much variance."""
        self.shift += step
        self._variance = min(variance / self.unit ** 2, self._variance) + _RESTLESS

    def scale(self, expected: np.ndarray, found: np.ndarray, weight: np.ndarray) -> float:
        """
        By how much what parallax found, [N], of information ``weight``, is too large.

        Its scale is free, as that of the motion is, and becomes that of ``expected``. Of two
        quantities with errors least squares make the slope too small, the ratio of spreads too
        large where what was found has large errors as well: the mean of both is taken.
        """
        worth = weight / (1 + weight * (_FIT_PART * expected) ** 2) * self.unit ** 2
        run, rise = expected / self.unit - 1, found / self.unit
        slope, level = 1.0, 1.0
        for _ in range(4):
            squares = (rise - slope * run - level) ** 2 * worth
            some = squares[worth > 1e-3 * self.unit ** 2]
            w = worth * biweight(squares / max(float(np.median(some)) if len(some) else 1.0, 1.0))
            total = float(w.sum()) / _ALIKE + 1e-9
            at, height = (float((w * part).sum()) / _ALIKE / total for part in (run, rise))
            spread, common, other = (
                float((w * one * two).sum()) / _ALIKE for one, two in
                ((run - at, run - at), (run - at, rise - height), (rise - height, rise - height)))
            narrow = max(spread, 1e-9)
            ratio = (max(common / narrow, 0.0) * (other / narrow) ** 0.5) ** 0.5
            slope = float(np.clip((_PRIOR + spread * np.clip(ratio, 0.3, 3)) / (_PRIOR + spread),
                                  0.5, 2))
            level = (total * (height - slope * at) + _PRIOR) / (total + _PRIOR)
        return slope

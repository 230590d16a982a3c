"""What a source of metric scale says about one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Observation:
    """
    Readings of inverse depth, and the stream's disparity at the same pixels.

    Parameters
    ----------
    disparity
        float [N], relative, as the stream publishes it.
    inverse_depth
        float [N], 1/m, along the optical axis.
    sigma
        float [N], 1/m, standard deviation of each reading by itself.
    bias
        Relative standard deviation of what is common to all readings and never averages out: a
        mounting height, a calibration.

    """

    disparity: np.ndarray
    inverse_depth: np.ndarray
    sigma: np.ndarray
    bias: float = 0.0

    def __len__(self) -> int:
        return len(self.disparity)


@dataclass(frozen=True)
class Silence:
    """A source has nothing to say about a frame; ``reason`` is for people to read."""

    reason: str

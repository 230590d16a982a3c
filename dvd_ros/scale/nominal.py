"""Metres from two assumed depths, until a metric source exists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.geometry.disparity import depth_from_disparity


@dataclass(frozen=True)
class NominalScale:
    """
    Nominal metres: disparity 1 lies at ``near``, disparity 0 at ``far``, both in metres.

    The shape of the depth is the model's, its unit is an assumption: ``metric`` is False.
    """

    near: float
    far: float
    metric = False

    def depth(self, disparity: np.ndarray) -> np.ndarray:
        """Return depth, float32 metres, as geometry.depth_from_disparity does."""
        return depth_from_disparity(disparity, self.near, self.far)

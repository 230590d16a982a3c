"""Metric scale by the word of a person or a program, once, for as long as a segment lasts."""

from __future__ import annotations

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.scale.observation import Observation, Silence
from dvd_ros.scale.points import check_reading


class GivenDistances:
    """
    Says at every frame what it was told once: so far is what has such a disparity.

    That holds as long as disparity keeps its scale, which is within one segment
    (`StreamScale.give`); repeating it adds no knowledge, so ``bias`` bounds how well it is known.

    Parameters
    ----------
    disparity
        float [N], on the stream's scale, more than 0.
    depth
        float [N], metres along the optical axis at these disparities.
    name
        What diagnostics call it.
    relative_sigma, bias
        Relative standard deviation of each distance by itself, and of what all have in common.

    Raises
    ------
    ValueError
        If a value is out of range, or the lengths differ.

    """

    def __init__(self, disparity: np.ndarray, depth: np.ndarray, name: str = 'given',
                 relative_sigma: float = 0.03, bias: float = 0.05) -> None:
        check_reading(relative_sigma, bias, 0.0, 1.0)
        disparity, depth = np.asarray(disparity, np.float64), np.asarray(depth, np.float64)
        if disparity.ndim != 1 or disparity.shape != depth.shape or not disparity.size:
            raise ValueError('disparity and depth must both be [N], N >= 1, got '
                             f'{list(disparity.shape)} and {list(depth.shape)}')
        for what, values in (('disparity', disparity), ('depth', depth)):
            if not (np.isfinite(values).all() and (values > 0.0).all()):
                raise ValueError(f'{what} must be finite and more than 0, got {values.tolist()}')
        self.name = name
        self._said = Observation(disparity, 1.0 / depth, relative_sigma / depth, bias)

    def observe(self, stamp: int, intrinsics: Intrinsics | None,  # noqa: ARG002
                disparity: np.ndarray) -> Observation | Silence:  # noqa: ARG002
        """Say it again; see ScaleSource."""
        return self._said

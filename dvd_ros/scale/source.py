"""What every source of metric scale can do."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.scale.observation import Observation, Silence


class ScaleSource(Protocol):
    """
    Something that knows metres somewhere in the image.

    Its readings come in by a ``push`` of its own, which may run in another thread than `observe`
    and never raises for what a sensor may send: `observe` says what was wrong. ``name`` is what
    diagnostics call it.
    """

    name: str

    def observe(self, stamp: int, intrinsics: Intrinsics | None,
                disparity: np.ndarray) -> Observation | Silence:
        """
        Compare a frame's disparity with the readings made at its time.

        ``stamp`` is the frame's, in ns; ``intrinsics`` of the disparity's size, None where not
        known; ``disparity`` float32 [H,W], NaN where invalid.
        """
        ...

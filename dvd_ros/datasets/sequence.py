"""What every data set is made of: sequences of frames with true depth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics


class BadSample(ValueError):
    """
    A frame that cannot be used: the file at fault, and why.

    ``reason`` is one of a few, to count by (`missing depth`, `damaged image`, ...); ``detail``
    is of this file alone, and only in the message.
    """

    def __init__(self, path: Path, reason: str, detail: str = '') -> None:
        super().__init__(f'{path}: {reason}' + (f' ({detail})' if detail else ''))
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class Sample:
    """
    One frame with true depth.

    Attributes
    ----------
    image
        uint8 [H,W,3], RGB.
    depth
        float32 [H,W], metres along the optical axis; NaN unknown, +Inf sky.
    stamp
        Time in ns.
    intrinsics
        Of the image at its size, or None.
    pose
        float64 [3,4], camera (optical frame: right, down, forward) to world, metres; or None.

    """

    image: np.ndarray
    depth: np.ndarray
    stamp: int
    intrinsics: Intrinsics | None = None
    pose: np.ndarray | None = None


class Sequence(Protocol):
    """Frames in the order of time, read when they are asked for; still images are of length 1."""

    @property
    def name(self) -> str:
        """Unique in its data set, e.g. `ai_001_001/cam_00`."""

    def __len__(self) -> int:
        """Return the number of frames."""

    def __getitem__(self, index: int) -> Sample:
        """
        Read frame ``index`` (from 0).

        Raises BadSample if a file of it is missing or damaged, IndexError beyond the end.
        """

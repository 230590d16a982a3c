"""What is known of the stream's metres at one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SourceState:
    """
    One source at one frame.

    Parameters
    ----------
    name
        The source's.
    status
        'ok', 'ok, ...' with a remark, or what is wrong, for people to read.
    used
        Whether its estimate is part of the scale.
    observations
        Frames of this segment that it had a usable reading for.
    age
        Seconds since the last of them, inf where there was none.
    relative_sigma
        Of depth at the median disparity by this source alone, inf where not known.

    """

    name: str
    status: str
    used: bool
    observations: int
    age: float
    relative_sigma: float


@dataclass(frozen=True, eq=False)
class ScaleState:
    """
    The line 1/Z = a * disparity + b of one frame.

    Parameters
    ----------
    a, b
        1/m. Those of nominal near and far while ``nominal``.
    covariance
        float64 [2,2] of (a, b); infinite on its diagonal while ``nominal``.
    metric
        Whether the metres are known.
    nominal
        Whether no source has given metres in this segment yet. Where it is False and ``metric``
        too, (a, b) are the last ones known.
    relative_sigma
        Standard deviation of depth by that of the line, relative, at the median disparity.
    reason
        Why depth is not metric, '' where it is.
    sources
        Of every source its state, in the order in which they were given.

    """

    a: float
    b: float
    covariance: np.ndarray
    metric: bool
    nominal: bool
    relative_sigma: float
    reason: str
    sources: tuple[SourceState, ...] = ()

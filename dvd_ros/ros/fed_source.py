"""A source of scale with what is wrong with the messages that feed it; numpy only."""

from __future__ import annotations

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.scale.observation import Observation, Silence
from dvd_ros.scale.source import ScaleSource


class FedSource:
    """
    Answers as its source does, and where that is silent says what is wrong with its messages.

    Parameters
    ----------
    source
        The source.
    fed
        Whether a message has ever been given to it; before that it is not asked. It and
        ``trouble`` may be set from another thread than the one that asks.

    Attributes
    ----------
    trouble
        Why the newest message could not be given to the source; '' where it could.

    """

    def __init__(self, source: ScaleSource, fed: bool = False) -> None:
        self.name = source.name
        self.fed = fed
        self.trouble = ''
        self._source = source

    def observe(self, stamp: int, intrinsics: Intrinsics | None,
                disparity: np.ndarray) -> Observation | Silence:
        """As ScaleSource."""
        trouble = self.trouble
        if not self.fed:
            return Silence(trouble or 'silent: no message yet')
        said = self._source.observe(stamp, intrinsics, disparity)
        return Silence(trouble) if isinstance(said, Silence) and trouble else said

"""What a listener beside the nodes has seen of a stream, as arrays in one file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


def _none(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return np.empty((0, *shape), dtype)


@dataclass(frozen=True, eq=False)
class StreamRecord:
    """
    A stream as it arrived; stamps and times are ns since 1970, depth is nominal metres.

    Attributes
    ----------
    inputs
        int64 [N], stamps of the images that went in, in order of arrival.
    depths
        int64 [M], stamps of the depth images that came out, in order of arrival.
    arrivals
        int64 [M], the time of day when each of them arrived.
    kept
        int64 [K], which of them (index into ``depths``) the next two hold: evenly spaced.
    depth
        float32 [K,h,w], reduced by leaving out pixels, NaN where there is none.
    images
        uint8 [K,h',w',3] RGB, reduced; black where the image did not arrive.
    points, colours
        float32 and uint8 [P,3]: one cloud, finite points only; empty if none came.
    counts
        The last counts of the depth node's diagnostics; empty if none came.
    window, segments
        Most frames in a window of the network, and stretches of stream with a scale of their own.

    Raises ValueError if the lengths do not fit each other.

    """

    inputs: np.ndarray
    depths: np.ndarray
    arrivals: np.ndarray
    kept: np.ndarray = field(default_factory=lambda: _none(dtype=np.int64))
    depth: np.ndarray = field(default_factory=lambda: _none(1, 1))
    images: np.ndarray = field(default_factory=lambda: _none(1, 1, 3, dtype=np.uint8))
    points: np.ndarray = field(default_factory=lambda: _none(3))
    colours: np.ndarray = field(default_factory=lambda: _none(3, dtype=np.uint8))
    counts: dict[str, float] = field(default_factory=dict)
    window: int = 0
    segments: int = 0

    def __post_init__(self) -> None:
        for first, second in (('depths', 'arrivals'), ('kept', 'depth'), ('kept', 'images'),
                              ('points', 'colours')):
            a, b = len(getattr(self, first)), len(getattr(self, second))
            if a != b:
                raise ValueError(f'{first} and {second} must be of one length, got {a} and {b}')

    def save(self, path: str | Path) -> None:
        """Write to an npz file; OSError if that fails."""
        plain = {name: value for name, value in vars(self).items()
                 if isinstance(value, np.ndarray)}
        rest = {name: value for name, value in vars(self).items() if name not in plain}
        plain['rest'] = np.array(json.dumps(rest))
        np.savez(path, **plain)  # type: ignore[arg-type]  # takes **dict for its allow_pickle

    @classmethod
    def load(cls, path: str | Path) -> StreamRecord:
        """Read what `save` wrote; OSError or ValueError if it is not there or not whole."""
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files if name != 'rest'}
            return cls(**arrays, **json.loads(str(file['rest'])))

"""What the reader of a kind of data set has to say about itself."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path

from dvd_ros.datasets.sequence import Sequence


@dataclass(frozen=True)
class Reader:
    """
    One kind of data set.

    Attributes
    ----------
    kind
        Its name.
    layout
        What a folder of it holds, in one line, for messages.
    matches
        Tells by listings alone whether a folder is of this kind.
    sequences
        ``(folder, split, skipped, **options)`` -> the sequences of at least one frame; adds what
        is missing to ``skipped``. Raises ValueError for a bad split or option.
    options
        Names of the options that ``sequences`` takes.

    """

    kind: str
    layout: str
    matches: Callable[[Path], bool]
    sequences: Callable[..., Listed[Sequence]]
    options: tuple[str, ...] = ()


def no_split(kind: str, split: str) -> None:
    """Raise ValueError if a split is asked for of a kind that has none."""
    if split:
        raise ValueError(f'{kind} has no split to choose from, got split {split!r}: leave it out')

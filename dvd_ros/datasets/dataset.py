"""One door for every data set with true depth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvd_ros.datasets import (
    hypersim,
    kitti,
    nyuv2,
    rendered,
    scannet,
    sintel,
    tartanair,
    tum,
    vkitti2,
)
from dvd_ros.datasets.reader import Reader
from dvd_ros.datasets.sequence import Sequence
from dvd_ros.datasets.skipped import Skipped

# In the order in which a folder is looked at: the most telling layouts first, those that have to be
# searched for deep in the folder last.
_READERS: dict[str, Reader] = {module.READER.kind: module.READER for module in (
    hypersim, vkitti2, rendered, kitti, sintel, scannet, tum, tartanair, nyuv2)}
KINDS = tuple(_READERS)


@dataclass(frozen=True)
class Dataset:
    """
    The sequences of a folder.

    Attributes
    ----------
    kind
        One of KINDS.
    sequences
        Sorted by name; their frames are read when asked for.
    skipped
        What was found missing when the folder was listed. Whoever reads the frames adds those
        that cannot be read.

    """

    kind: str
    sequences: list[Sequence]
    skipped: Skipped

    @property
    def frames(self) -> int:
        """The number of frames in all sequences, before any is read."""
        return sum(len(sequence) for sequence in self.sequences)


def detect(folder: str | Path) -> str:
    """
    Tell the kind of a data set by its listings.

    Raises FileNotFoundError if there is no such folder, ValueError if it is empty or of no known
    layout.
    """
    folder = _existing(folder)
    for reader in _READERS.values():
        if reader.matches(folder):
            return reader.kind
    layouts = '\n'.join(f'  {reader.kind}: {reader.layout}' for reader in _READERS.values())
    raise ValueError(f'{folder} is of no known layout: it holds {_listing(folder)}; known are\n'
                     f'{layouts}')


def open_dataset(kind: str, folder: str | Path, split: str = '', **options: Any) -> Dataset:
    """
    List the sequences of a data set; no frame is read.

    Parameters
    ----------
    kind
        One of KINDS, or '' for that which detect finds.
    folder
        The data set in its own layout, or a part of it down to one sequence.
    split
        A part by the data set's own list, where it has one; '' for all.
    options
        Of the kind; see its reader.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If the kind, the split or an option is unknown, or the folder is empty, of another layout
        or without one frame.
    ImportError
        If the kind needs a package that is not installed (requirements/datasets.txt).

    """
    folder = _existing(folder)
    kind = kind or detect(folder)
    if kind not in _READERS:
        raise ValueError(f'there is no data set of the kind {kind!r}: choose of {", ".join(KINDS)}')
    reader = _READERS[kind]
    unknown = sorted(set(options) - set(reader.options))
    if unknown:
        raise ValueError(f'{kind} has no option {unknown[0]!r}: it has '
                         f'{", ".join(reader.options) or "none"}')
    if not reader.matches(folder):
        raise ValueError(f'{folder} is no {kind} data set: it holds {_listing(folder)}; needed is '
                         f'{reader.layout}')
    skipped = Skipped()
    sequences = sorted(reader.sequences(folder, split, skipped, **options),
                       key=lambda sequence: sequence.name)
    dataset = Dataset(kind, sequences, skipped)
    skipped.total = dataset.frames + skipped.frames
    if not dataset.frames:
        raise ValueError(f'{folder} holds no frame of {kind}{f", split {split}" if split else ""} '
                         f'that has image and depth ({skipped}); needed is {reader.layout}')
    return dataset


def _existing(folder: str | Path) -> Path:
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f'there is no folder {folder}: give that of a data set')
    if not any(folder.iterdir()):
        raise ValueError(f'{folder} is empty: give the folder of a data set')
    return folder


def _listing(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    return ', '.join(names[:6]) + (f' and {len(names) - 6} more' if len(names) > 6 else '')

"""What could not be used of a data set, counted by reason."""

from __future__ import annotations

from collections import Counter

from dvd_ros.datasets.sequence import BadSample

_EXAMPLES = 3


class Skipped:
    """
    The count of frames that were left out, and why.

    Attributes
    ----------
    total
        Frames there are, with those left out; 0 where it is not known.
    counts
        Frames left out, by reason.
    files
        Files left out that cost no frame (a list of poses) or an unknown number (a shard), by
        reason.
    examples
        The first few paths per reason.

    """

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.counts: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    def add(self, bad: BadSample, whole_file: bool = False) -> None:
        """Count a frame that was left out, or a file of more than one frame."""
        (self.files if whole_file else self.counts)[bad.reason] += 1
        examples = self.examples.setdefault(bad.reason, [])
        if len(examples) < _EXAMPLES:
            examples.append(str(bad.path))

    @property
    def frames(self) -> int:
        """The number of frames left out."""
        return self.counts.total()

    def __str__(self) -> str:
        """Return one line, such as `skipped 1 of 9 frames: 1 missing depth (first: a/9.png)`."""
        text = f'skipped {self.frames}' + (f' of {self.total}' if self.total else '') + ' frames'
        for counts, before in ((self.counts, ': '), (self.files, '; files: ')):
            if counts:
                text += before + ', '.join(f'{count} {reason} (first: {self.examples[reason][0]})'
                                           for reason, count in counts.most_common())
        return text

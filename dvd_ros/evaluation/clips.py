"""The clips of a source to be scored: frames, with true depth and the camera's pose if known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from dvd_ros.capture import Capture, open_capture
from dvd_ros.capture.demo_clip import is_clip
from dvd_ros.datasets.sequence import BadSample, Sample, Sequence
from dvd_ros.stream.frame import Frame

# Longer is a source cut short, and a line says so.
MOST_FRAMES = 500


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame with what is known of it: truth float32 [H,W] metres, pose [3,4]; else None."""

    frame: Frame
    truth: np.ndarray | None = None
    pose: np.ndarray | None = None


class ShotSource(Protocol):
    """Shots in order of time, the same each time; BadSample in place of one that is unusable."""

    name: str

    def shots(self) -> Iterator[Shot | BadSample]:
        """Read them one after the other."""


class Clip:
    """
    Frames to be scored: every ``every``-th one of a source, at most ``most``.

    Iterating reads them again from the start; none is kept. A frame that cannot be used is left
    out and noted in ``faults``, by its number in the source: an image that is damaged, depth of
    another size.
    """

    def __init__(self, source: ShotSource, every: int = 1, most: int = MOST_FRAMES) -> None:
        if every < 1 or most < 1:
            raise ValueError(f'every and max-frames must be at least 1, got {every}, {most}')
        self.name = source.name
        self.cut_short = False
        self.faults: dict[int, BadSample] = {}
        self._source, self._every, self._most = source, every, most

    def __iter__(self) -> Iterator[Shot]:
        """Read the usable frames."""
        taken = 0
        for number, shot in enumerate(self._source.shots()):
            if number % self._every:
                continue
            if taken == self._most:
                self.cut_short = True
                return
            taken += 1
            fault = shot if isinstance(shot, BadSample) else _depth_fault(self.name, number, shot)
            if fault is not None:
                self.faults[number] = fault
            elif isinstance(shot, Shot):
                yield shot

    def trouble(self) -> list[str]:
        """Say which frames were left out, by reason, and whether the clip was cut short."""
        counts = Counter(fault.reason for fault in self.faults.values())
        first = {fault.reason: fault.path for fault in reversed(list(self.faults.values()))}
        lines = [f'{self.name}: skipped {count} frame{"s" if count > 1 else ""}: {reason} '
                 f'(first: {first[reason]})' for reason, count in counts.most_common()]
        if self.cut_short:
            lines.append(f'{self.name}: only the first {self._most} frames are scored; '
                         '--max-frames scores more, --every fewer')
        return lines


class _CaptureShots:
    """A video, a folder of images, a clip that ships, or an RGB-D recording."""

    def __init__(self, capture: Capture, source: str) -> None:
        self.name = capture.name
        self._capture, self._source = capture, Path(source)

    def shots(self) -> Iterator[Shot | BadSample]:
        frames = iter(self._capture)
        number = -1
        while True:
            number += 1
            try:
                frame = next(frames)
                truth = self._capture.truth(number)
            except StopIteration:
                return
            except ValueError as error:
                yield _fault(self._source, error)
            else:
                yield Shot(frame, truth)


class _SequenceShots:
    """A sequence of a data set."""

    def __init__(self, sequence: Sequence) -> None:
        self.name = sequence.name
        self._sequence = sequence

    def shots(self) -> Iterator[Shot | BadSample]:
        for index in range(len(self._sequence)):
            try:
                yield self._shot(self._sequence[index])
            except BadSample as fault:
                yield fault

    def _shot(self, sample: Sample) -> Shot:
        return Shot(Frame(sample.image, sample.stamp, self.name, sample.intrinsics), sample.depth,
                    sample.pose)


def open_clips(source: str, kind: str = '', split: str = '', every: int = 1,
               most: int = MOST_FRAMES) -> tuple[list[Clip], list[str]]:
    """
    Open a source: a video, a folder of images, or a data set.

    ``kind``: of a data set, see dvd_ros.datasets.open_dataset; '' finds out. A folder of no known
    kind is taken for one of images. Returns its clips, and what there is to say of it, in lines.

    Raises FileNotFoundError, ValueError or OSError where there is nothing to read.
    """
    folder = Path(source).expanduser()
    if folder.is_dir() and not is_clip(folder):
        from dvd_ros.datasets import detect, open_dataset
        try:
            kind = kind or detect(folder)
        except ValueError:
            if split:
                raise
        if kind:
            dataset = open_dataset(kind, folder, split)
            said = [f'{folder.name}: {dataset.skipped}'] if (
                dataset.skipped.frames or dataset.skipped.files) else []
            return [Clip(_SequenceShots(one), every, most) for one in dataset.sequences], said
    elif kind:
        raise ValueError(f'a data set of kind {kind} is a folder, {source} is none')
    capture = open_capture(source)
    if capture.live:
        raise ValueError(f'{source} is a live camera; every model must see the same frames: record '
                         'it and give the recording')
    return [Clip(_CaptureShots(capture, source), every, most)], []


def _depth_fault(name: str, number: int, shot: Shot | BadSample) -> BadSample | None:
    """Return what is wrong with the depth of a shot, if anything."""
    if isinstance(shot, BadSample) or shot.truth is None or shot.truth.shape == shot.frame.size:
        return None
    height, width = shot.frame.size
    return BadSample(Path(name) / f'frame {number}',
                     f'depth of {shot.truth.shape[1]}x{shot.truth.shape[0]}, image of '
                     f'{width}x{height}')


def _fault(source: Path, error: ValueError) -> BadSample:
    """Make a fault of what a capture raised, which begins with the file if it names one."""
    named = re.match(r'(.*?\.\w{2,5}) (.*)', str(error), re.DOTALL)
    return BadSample(Path(named[1]), named[2]) if named else BadSample(source, str(error))

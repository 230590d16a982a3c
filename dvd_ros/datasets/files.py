"""Frames that are one file of image and one of depth, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from dvd_ros.capture.source import read_image, read_metres
from dvd_ros.datasets.sequence import BadSample, Sample
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.geometry.intrinsics import Intrinsics


@dataclass(frozen=True)
class FrameFiles:
    """
    Where a frame lies.

    ``intrinsics`` are scaled to the image where it is of another size; ``pose`` as of Sample.
    """

    image: Path
    depth: Path
    stamp: int
    intrinsics: Intrinsics | None = None
    pose: np.ndarray | None = None


class FileSequence:
    """
    A Sequence of frames in files.

    ``read_depth`` gets the path of a frame's depth and returns float32 [H,W] as Sample has it,
    ``read_rgb`` uint8 [H,W,3]; both raise OSError or ValueError for a file they cannot read.
    """

    def __init__(self, name: str, frames: list[FrameFiles],
                 read_depth: Callable[[Path], np.ndarray],
                 read_rgb: Callable[[Path], np.ndarray] = read_image) -> None:
        self.name, self.files = name, frames
        self._read_depth, self._read_rgb = read_depth, read_rgb

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        """Read a frame; see Sequence."""
        if not 0 <= index < len(self):
            raise IndexError(f'{self.name} has {len(self)} frames, asked for {index}')
        frame = self.files[index]
        image = read_or_bad(self._read_rgb, frame.image, 'image')
        depth = read_or_bad(self._read_depth, frame.depth, 'depth')
        image = self.fit(image, depth)
        check_size(image, depth, frame.depth)
        height, width = depth.shape
        return Sample(image, depth, frame.stamp,
                      frame.intrinsics and frame.intrinsics.scaled(width, height), frame.pose)

    def fit(self, image: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Bring the image to the size of its depth, where a data set has it at another."""
        return image


def read_or_bad(read: Callable[[Path], np.ndarray], path: Path, what: str) -> np.ndarray:
    """Call ``read(path)``; raises BadSample: missing or damaged ``what`` (image, depth)."""
    if not path.is_file():
        raise BadSample(path, f'missing {what}')
    try:
        return read(path)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise BadSample(path, f'damaged {what}', str(error)) from error


def check_size(image: np.ndarray, depth: np.ndarray, path: Path) -> None:
    """Raise BadSample naming the depth's file unless it is of the image's size."""
    if depth.shape != image.shape[:2]:
        raise BadSample(path, 'depth of another size',
                        f'depth is {list(depth.shape)}, the image {list(image.shape[:2])}')


def metres_png(units_per_metre: float) -> Callable[[Path], np.ndarray]:
    """Return a reader of 16-bit depth images of so many units per metre, in which 0 is none."""
    return partial(read_metres, units_per_metre=units_per_metre)


def numbered(folder: Path, name: str) -> dict[int, Path]:
    """Map the files of a folder named such as ``rgb_{:05d}.jpg`` to their number."""
    before, after = name[:name.index('{')], name[name.index('}') + 1:]
    found = {}
    for path in folder.glob(f'{before}*{after}'):
        digits = path.name[len(before):len(path.name) - len(after)]
        if digits.isdigit():
            found[int(digits)] = path
    return found


def paired(rgb: Path, rgb_name: str, depth: Path, depth_name: str,
           skipped: Skipped, between: bool = False) -> list[tuple[int, Path, Path]]:
    """
    List the frames, in order, of which there are both files: number, image, depth.

    Names are as of ``numbered``. Those of which only one is there are added to ``skipped``; with
    ``between`` not the images before the first and behind the last depth.
    """
    images, depths = numbered(rgb, rgb_name), numbered(depth, depth_name)
    if between and depths:
        first, last = min(depths), max(depths)
        images = {number: path for number, path in images.items() if first <= number <= last}
    for number in sorted(images.keys() - depths.keys()):
        skipped.add(BadSample(depth / depth_name.format(number), 'missing depth'))
    for number in sorted(depths.keys() - images.keys()):
        skipped.add(BadSample(rgb / rgb_name.format(number), 'missing image'))
    return [(number, images[number], depths[number])
            for number in sorted(images.keys() & depths.keys())]

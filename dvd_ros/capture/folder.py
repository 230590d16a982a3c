"""Folders of images, of RGB-D recordings, and of the project's own clips."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from dvd_ros.capture.demo_clip import DEPTH, VIDEO, ClipDepth
from dvd_ros.capture.source import (
    DEFAULT_RATE,
    Capture,
    check_rate,
    read_camera,
    read_image,
    read_metres,
)
from dvd_ros.capture.video import VideoFile
from dvd_ros.stream.frame import Frame

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm')
# Of the TUM RGB-D benchmark: units per metre, and how far apart a depth image may be in time.
_TUM_DEPTH_SCALE = 5000.0
_TUM_TOLERANCE = 20_000_000


class ImageFolder(Capture):
    """
    The images of a folder in natural order (2 before 10); stamps are number / rate.

    Raises ValueError if the folder holds no image.
    """

    def __init__(self, folder: Path, rate: float | None = None, frame_id: str = '') -> None:
        check_rate(rate)
        self._paths = sorted((path for path in folder.iterdir()
                              if path.suffix.lower() in IMAGE_SUFFIXES), key=_natural)
        if not self._paths:
            raise ValueError(
                f'{folder} is no source of frames: it needs images ({" ".join(IMAGE_SUFFIXES)}), '
                'associations.txt or rgb.txt (RGB-D recording), or clip.mp4 with camera.json and '
                'clip_depth.npz')
        self.intrinsics, fields = read_camera(folder)
        self.name = folder.resolve().name
        self.rate = rate or float(fields.get('fps') or fields.get('rate') or DEFAULT_RATE)
        self.length = len(self._paths)
        self._frame_id = frame_id

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; raises ValueError naming an image that cannot be read.

        Whoever catches it may ask for the next frame.
        """
        # Not a generator, which an error would end.
        return map(self._frame, range(len(self._paths)))

    def _frame(self, index: int) -> Frame:
        image = read_image(self._paths[index])
        return Frame(image, round(index * 1e9 / self.rate), self._frame_id,
                     self.intrinsics and self.intrinsics.scaled(image.shape[1], image.shape[0]))


class RgbdFolder(Capture):
    """
    An RGB-D recording in the layout of the TUM benchmark.

    ``associations.txt`` (rgb stamp, rgb file, depth stamp, depth file), or ``rgb.txt`` with or
    without ``depth.txt`` (stamp, file; paired by time). Stamps are the file's own, in ns. Depth
    is 16-bit PNG, 0 for none; units per metre are ``depth_scale`` of ``camera.json``, else 5000.

    ``rows`` holds (stamp in ns, image, depth image or None) per frame.

    Raises ValueError if a list is damaged or empty.
    """

    def __init__(self, folder: Path, rate: float | None = None, frame_id: str = '') -> None:
        check_rate(rate)
        self.rows = _read_rows(folder)
        self.intrinsics, fields = read_camera(folder)
        self.depth_scale = float(fields.get('depth_scale', _TUM_DEPTH_SCALE))
        self._frame_id = frame_id
        self.name = folder.resolve().name
        self.length = len(self.rows)
        self.has_truth = any(depth is not None for _, _, depth in self.rows)
        steps = np.diff([stamp for stamp, _, _ in self.rows])
        step = float(np.median(steps)) if len(steps) else 0.0
        stated = fields.get('fps') or fields.get('rate')
        self.rate = rate or (1e9 / step if step > 0 else float(stated or DEFAULT_RATE))

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; raises ValueError naming an image that cannot be read.

        Whoever catches it may ask for the next frame.
        """
        # Not a generator, which an error would end.
        return map(self._frame, self.rows)

    def _frame(self, row: tuple[int, Path, Path | None]) -> Frame:
        image = read_image(row[1])
        return Frame(image, row[0], self._frame_id,
                     self.intrinsics and self.intrinsics.scaled(image.shape[1], image.shape[0]))

    def truth(self, index: int) -> np.ndarray | None:
        """Return the measured depth; see Capture.truth. Raises ValueError if it is damaged."""
        path = self.rows[index][2]
        if path is None:
            return None
        return read_metres(path, self.depth_scale)


class ClipFolder(VideoFile):
    """A clip with true depth as demo_clip.write_clip makes it."""

    def __init__(self, folder: Path, rate: float | None = None, frame_id: str = '') -> None:
        intrinsics, fields = read_camera(folder)
        super().__init__(folder / VIDEO, rate or fields.get('rate'), frame_id, intrinsics)
        self._depth = ClipDepth.read(folder / DEPTH)
        self.name = folder.resolve().name
        self.length = len(self._depth)
        self.has_truth = True

    def truth(self, index: int) -> np.ndarray | None:
        """Return the true depth; see Capture.truth."""
        return self._depth.frame(index)


def _natural(path: Path) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdigit() else (1, part)
            for part in re.split(r'(\d+)', path.name) if part]


def _read_rows(folder: Path) -> list[tuple[int, Path, Path | None]]:
    """Return (stamp in ns, image, depth image or None) per frame."""
    associations = folder / 'associations.txt'
    if associations.is_file():
        rows: list[tuple[int, Path, Path | None]] = []
        for stamp, name, rest in _read_list(associations, 4):
            if 'depth' in name and 'depth' not in rest[1]:
                # Some recordings list depth first.
                stamp, name, rest = _nanoseconds(rest[0]), rest[1], ['', name]
            rows.append((stamp, folder / name, folder / rest[1]))
        return rows
    depths = []
    if (folder / 'depth.txt').is_file():
        depths = sorted((stamp, name) for stamp, name, _ in _read_list(folder / 'depth.txt', 2))
    stamps = [stamp for stamp, _ in depths]
    result: list[tuple[int, Path, Path | None]] = []
    for stamp, name, _ in _read_list(folder / 'rgb.txt', 2):
        at = bisect_left(stamps, stamp)
        near = min(depths[max(at - 1, 0):at + 1], key=lambda row: abs(row[0] - stamp),
                   default=None)
        paired = near is not None and abs(near[0] - stamp) <= _TUM_TOLERANCE
        result.append((stamp, folder / name, folder / near[1] if near and paired else None))
    return result


def _read_list(path: Path, columns: int) -> list[tuple[int, str, list[str]]]:
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith('#'):
            continue
        try:
            if len(fields) < columns:
                raise ValueError(f'needs {columns} columns')
            rows.append((_nanoseconds(fields[0]), fields[1], fields[2:]))
        except (ValueError, InvalidOperation) as error:
            raise ValueError(f'{path}, line {number} is no row of an RGB-D recording '
                             f'({error}): {line!r}') from error
    if not rows:
        raise ValueError(f'{path} lists no frames')
    return rows


def _nanoseconds(seconds: str) -> int:
    # Not through float: it has no room for the ns of a time of day.
    return int((Decimal(seconds) * 10 ** 9).to_integral_value())

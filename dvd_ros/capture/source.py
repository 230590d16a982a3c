"""What every source of frames has in common."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.stream.frame import Frame

# Of sources that do not say how fast they are.
DEFAULT_RATE = 30.0


class Capture(ABC):
    """
    An iterable of Frame; iterating again starts from the beginning.

    Attributes
    ----------
    name
        Short name, for titles and file names.
    rate
        Frames per second, of the source itself.
    length
        Number of frames, or None where it is not known (a live camera).
    intrinsics
        Of the source's images, or None.
    has_truth
        Whether `truth` knows the depth of any frame.
    live
        Whether frames come at their own pace and stamps are the time of day; else stamps are
        those of the recording, and video starts at 0.

    """

    name: str
    rate: float
    length: int | None = None
    intrinsics: Intrinsics | None = None
    has_truth: bool = False
    live: bool = False

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in order; raises ValueError for one that cannot be read."""

    def truth(self, index: int) -> np.ndarray | None:
        """
        Return the true depth of frame ``index`` (from 0), or None where there is none.

        float32 [H,W] of the image's size, metres along the optical axis, NaN where unknown.
        """
        return None


def check_rate(rate: float | None) -> None:
    """Raise ValueError unless a given rate is a positive number of frames per second."""
    if rate is not None and not 0.0 < rate < 1e6:
        raise ValueError(f'rate must be more than 0 Hz, got {rate}')


def read_image(path: Path) -> np.ndarray:
    """
    Read an image file, uint8 [H,W,3] RGB.

    Raises ValueError if it cannot be read, or is a JPEG cut short, which OpenCV fills up in grey.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None or path.suffix.lower() in ('.jpg', '.jpeg') and _cut_short(path):
        raise ValueError(f'{path} cannot be read as an image: missing, damaged or of an unknown '
                         'format')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_metres(path: Path, units_per_metre: float) -> np.ndarray:
    """Read a depth image in which 0 is none: float32 [H,W] metres, NaN where there is none."""
    raw = read_depth_image(path)
    return np.where(raw > 0, raw / np.float32(units_per_metre), np.float32(np.nan))


def read_depth_image(path: Path) -> np.ndarray:
    """Read a depth image, uint16 [H,W]; raises ValueError if it is none."""
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if raw is None or raw.dtype != np.uint16 or raw.ndim != 2:
        got = 'nothing' if raw is None else f'{raw.dtype} {list(raw.shape)}'
        raise ValueError(f'{path} should be a depth image, 16-bit with one channel, got {got}')
    return raw


def _cut_short(path: Path) -> bool:
    with path.open('rb') as file:
        file.seek(max(0, path.stat().st_size - 4096))
        # The marker of the end, which some cameras write more behind.
        return b'\xff\xd9' not in file.read()


def read_camera(folder: Path) -> tuple[Intrinsics | None, dict[str, Any]]:
    """
    Read ``camera.json`` of a folder: the intrinsics and all its fields.

    Without the file the answer is (None, {}). Raises ValueError if the file is damaged or has
    no full set of width, height, fx, fy, cx, cy.
    """
    path = folder / 'camera.json'
    if not path.is_file():
        return None, {}
    try:
        fields = json.loads(path.read_text())
        return Intrinsics(int(fields['width']), int(fields['height']), *(
            float(fields[name]) for name in ('fx', 'fy', 'cx', 'cy'))), fields
    except KeyError as error:
        raise ValueError(f'{path} lacks the field {error}') from error
    except (ValueError, TypeError) as error:
        raise ValueError(f'{path} holds no usable camera: {error}') from error

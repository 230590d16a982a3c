"""Metric scale from one distance in one box of the image."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.scale.observation import Observation, Silence
from dvd_ros.scale.points import check_reading
from dvd_ros.scale.readings import Readings

# So many equal readings in a row, while disparity varied by more than this part, are a sensor
# that hangs; a robot that stands still has equal readings and equal disparity.
_STUCK, _VARIED = 20, 0.25

Box = tuple[float, float, float, float]


class RangeSource:
    """
    A rangefinder whose beam meets the image in a known box.

    Parameters
    ----------
    box
        left, top, right, bottom of the beam as parts (0..1) of the image's width and height.
    name
        What diagnostics call it.
    tolerance
        How far apart in time range and image may be, seconds.
    relative_sigma, bias
        Relative standard deviation of a reading by itself, and of what all have in common.
    min_range, max_range
        Ranges that are readings, metres.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    """

    def __init__(self, box: Box, name: str = 'range', tolerance: float = 0.1,
                 relative_sigma: float = 0.02, bias: float = 0.01, min_range: float = 0.02,
                 max_range: float = 100.0) -> None:
        check_reading(relative_sigma, bias, min_range, max_range)
        left, top, right, bottom = box
        if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
            raise ValueError('box must be left, top, right, bottom with 0 <= left < right <= 1 and '
                             f'0 <= top < bottom <= 1, got {box}')
        self.name = name
        self._box = box
        self._relative_sigma, self._bias = relative_sigma, bias
        self._min_range, self._max_range = min_range, max_range
        self._readings: Readings[float] = Readings(tolerance, length=1024)   # 100 Hz and more
        self._same: deque[float] = deque(maxlen=200)   # disparity while one reading repeats
        self._last = (0, math.nan)

    def push(self, stamp: int, distance: float) -> None:
        """Take a range in metres, along the beam; stamp in ns."""
        distance = float(distance)
        if max(self._min_range, 1e-3) <= distance <= self._max_range:
            self._readings.add(stamp, distance)
        else:
            self._readings.refuse(f'range {distance:g} m is none of {self._min_range:g} .. '
                                  f'{self._max_range:g} m')

    def observe(self, stamp: int, intrinsics: Intrinsics | None,
                disparity: np.ndarray) -> Observation | Silence:
        """Compare a frame with the range nearest in time; see ScaleSource."""
        found = self._readings.nearest(stamp)
        if isinstance(found, Silence):
            return found
        height, width = disparity.shape
        left, top, right, bottom = self._box
        at = median_in_box(disparity, (left * width, top * height, right * width, bottom * height))
        if isinstance(at, Silence):
            return at
        silence = self._stuck(found, at)
        if silence is not None:
            return silence
        depth = found[1]
        if intrinsics is not None:
            camera = intrinsics.scaled(width, height)
            x = (0.5 * (left + right) * width - 0.5 - camera.cx) / camera.fx
            y = (0.5 * (top + bottom) * height - 0.5 - camera.cy) / camera.fy
            depth /= math.sqrt(1.0 + x * x + y * y)
        return one_reading(at, depth, self._relative_sigma, self._bias)

    def _stuck(self, found: tuple[int, float], disparity: float) -> Silence | None:
        """Tell whether the range stays the same to the last bit while disparity moves."""
        stamp, distance = found
        if distance != self._last[1]:
            self._same.clear()
        if stamp != self._last[0]:
            self._same.append(disparity)
        self._last = found
        if len(self._same) < _STUCK:
            return None
        low, high = min(self._same), max(self._same)
        if high - low <= _VARIED * high:
            return None
        return Silence(f'constant readings: {distance:g} m while disparity varied by '
                       f'{100.0 * (high / low - 1.0):.0f} %')


class KnownSizeSource:
    """
    Something of known width, found in the image by a detector: a marker, a door, a person.

    ``width`` is metres across the optical axis; ``tolerance`` seconds between box and image;
    ``relative_sigma`` and ``bias`` as of RangeSource: how well boxes fit, how well the width is
    known.

    Raises ValueError if a parameter is out of range.
    """

    def __init__(self, width: float, name: str = 'known_size', tolerance: float = 0.1,
                 relative_sigma: float = 0.05, bias: float = 0.03) -> None:
        check_reading(relative_sigma, bias, 0.0, 1.0)
        if not (width > 0.0 and math.isfinite(width)):
            raise ValueError(f'width must be more than 0 metres, got {width}')
        self.name = name
        self._width = width
        self._relative_sigma, self._bias = relative_sigma, bias
        self._readings: Readings[Box] = Readings(tolerance)

    def push(self, stamp: int, box: Box) -> None:
        """Take a box left, top, right, bottom in parts (0..1) of the image; stamp in ns."""
        left, top, right, bottom = (float(edge) for edge in box)
        if 0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0:
            self._readings.add(stamp, (left, top, right, bottom))
        else:
            self._readings.refuse(f'no box within the image: {tuple(box)}')

    def observe(self, stamp: int, intrinsics: Intrinsics | None,
                disparity: np.ndarray) -> Observation | Silence:
        """Compare a frame with the box nearest in time; see ScaleSource."""
        found = self._readings.nearest(stamp)
        if isinstance(found, Silence):
            return found
        if intrinsics is None:
            return Silence('the camera has no intrinsics: no camera_info')
        height, width = disparity.shape
        left, top, right, bottom = found[1]
        # The middle half: a detector's box has background along its edges.
        across, down = 0.25 * (right - left), 0.25 * (bottom - top)
        at = median_in_box(disparity, ((left + across) * width, (top + down) * height,
                                       (right - across) * width, (bottom - down) * height))
        if isinstance(at, Silence):
            return at
        camera = intrinsics.scaled(width, height)
        depth = camera.fx * self._width / ((right - left) * width)
        return one_reading(at, depth, self._relative_sigma, self._bias)


def median_in_box(disparity: np.ndarray, box: Box) -> float | Silence:
    """Median of the disparity above 0 in a box of pixels, at least one of them."""
    height, width = disparity.shape
    left, top = min(int(box[0]), width - 1), min(int(box[1]), height - 1)
    right, bottom = max(math.ceil(box[2]), left + 1), max(math.ceil(box[3]), top + 1)
    inside = disparity[top:bottom, left:right]
    inside = inside[np.isfinite(inside) & (inside > 0.0)]
    if inside.size == 0:
        return Silence('no overlap: no disparity in the box')
    return float(np.median(inside))


def one_reading(disparity: float, depth: float, relative_sigma: float, bias: float) -> Observation:
    """Return the observation of a single depth in metres."""
    inverse = 1.0 / depth
    return Observation(np.array([disparity]), np.array([inverse]),
                       np.array([relative_sigma * inverse]), bias)

"""What service set_metric_scale does to the stream's scale; without ROS 2."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.scale import GivenDistances, Silence, StreamScale
from dvd_ros.scale.beam import median_in_box
from dvd_ros.stream import DepthFrame

NAME = 'given'
# Pixels on each side of the one that is named, which count as well.
_AROUND = 2
# A factor holds at all disparities: it is told at these.
_DISPARITIES = np.linspace(0.1, 0.9, 9)


def give_distance(scale: StreamScale, newest: DepthFrame, metres: float, x: int,
                  y: int) -> tuple[float, float]:
    """Say that what is seen at a pixel is so many metres away; the line (a, b) from now on, 1/m.

    Parameters
    ----------
    scale:
        of the stream; to be called in the thread that uses it.
    newest:
        the depth frame that the pixel is of; of the present segment.
    metres:
        along the optical axis.
    x, y:
        column and row; both negative: the median of the whole image counts.

    Raises
    ------
    ValueError
        where that cannot be, or a source measures metres already.

    """
    _check(scale, newest, 'distance', metres)
    height, width = newest.disparity.shape
    if x < 0 and y < 0:
        box: tuple[float, ...] = (0, 0, width, height)
    elif 0 <= x < width and 0 <= y < height:
        box = (max(x - _AROUND, 0), max(y - _AROUND, 0), x + _AROUND + 1, y + _AROUND + 1)
    else:
        raise ValueError(f'pixel ({x}, {y}) is outside of the depth image of {width}x{height}')
    at = median_in_box(newest.disparity, box)  # type: ignore[arg-type]
    if isinstance(at, Silence):
        raise ValueError(f'nothing is seen there: {at.reason}')
    a, b = scale.line
    # One distance fixes the scale; the offset keeps its part of it.
    return _give(scale, newest, metres * (a * at + b))


def give_factor(scale: StreamScale, newest: DepthFrame, factor: float) -> tuple[float, float]:
    """Multiply all depth by a factor; else as `give_distance`."""
    _check(scale, newest, 'factor', factor)
    return _give(scale, newest, factor)


def _check(scale: StreamScale, newest: DepthFrame, what: str, value: float) -> None:
    if not (value > 0.0 and math.isfinite(value)):
        raise ValueError(f'{what} must be more than 0 and finite, got {value}')
    measuring = [source.name for source in newest.scale.sources
                 if source.used and source.name != NAME]
    if measuring:
        raise ValueError(f'metres are measured already, by {", ".join(measuring)}')


def _give(scale: StreamScale, newest: DepthFrame, factor: float) -> tuple[float, float]:
    a, b = scale.line
    scale.give(GivenDistances(_DISPARITIES, factor / (a * _DISPARITIES + b), NAME))
    state = scale.update(newest.stamp, newest.frame.intrinsics, newest.disparity)
    return float(state.a), float(state.b)

"""Depth images of other sensors to metres and our own depth to millimetres; numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from dvd_ros.ros.image_conversion import Encoding, check_layout, pixels_of

# By REP-118: metres in float, or, the older form, millimetres in 16 bits with 0 for none.
DEPTH_ENCODINGS = {
    '32FC1': Encoding(np.float32, 1, None),
    '16UC1': Encoding(np.uint16, 1, None),
    'mono16': Encoding(np.uint16, 1, None),  # what some drivers call the same
}
_MOST_MILLIMETRES = 65535


def metres_from_message(message: Any) -> np.ndarray:
    """The depth of a `sensor_msgs/Image`, or any object with its fields.

    Returns
    -------
    numpy.ndarray
        float32 [H,W], metres; NaN where there is none: not finite, zero or negative in the
        message.

    Raises
    ------
    ImageError
        naming the field: an encoding that is none of depth, a size of zero, or a `step` or `data`
        that does not fit.

    """
    encoding = check_layout(message, DEPTH_ENCODINGS)
    pixels = pixels_of(message, encoding)[..., 0]
    metres = pixels * np.float32(1e-3) if encoding.dtype is np.uint16 else pixels
    return np.where((metres > 0.0) & (metres < np.inf), metres, np.float32(np.nan))


def millimetres(depth: np.ndarray) -> np.ndarray:
    """Depth as `16UC1` carries it.

    Parameters
    ----------
    depth:
        float [H,W], metres; NaN none, +Inf too far.

    Returns
    -------
    numpy.ndarray
        uint16 [H,W], whole millimetres; 0 where depth is not finite, not positive or beyond
        65.535 m, which 16 bits cannot say.

    """
    rounded = np.rint(np.nan_to_num(depth, nan=0.0, posinf=0.0, neginf=0.0) * 1e3)
    fits = (rounded >= 0) & (rounded <= _MOST_MILLIMETRES)
    return np.where(fits, rounded, 0).astype(np.uint16)

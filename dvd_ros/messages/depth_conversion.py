"""Depth images of other sensors to metres; numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from dvd_ros.messages.image_conversion import Encoding, check_layout, pixels_of

# By REP-118: metres in float, or, the older form, millimetres in 16 bits with 0 for none.
DEPTH_ENCODINGS = {
    '32FC1': Encoding(np.float32, 1, None),
    '16UC1': Encoding(np.uint16, 1, None),
    'mono16': Encoding(np.uint16, 1, None),  # what some drivers call the same
}


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

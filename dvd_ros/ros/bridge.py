"""Decides once, at start, who turns image messages into arrays: cv_bridge or our converter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dvd_ros.messages.image_conversion import ENCODINGS, check_layout, fill_image, rgb_from_message

ToRgb = Callable[[Any], np.ndarray]


def _probe(encoding: str) -> Any:
    """A 4x4 image message in the given encoding."""
    from sensor_msgs.msg import Image

    layout = ENCODINGS[encoding]
    pixels = np.arange(16 * layout.channels).reshape(4, 4, layout.channels).astype(layout.dtype)
    return fill_image(Image(), pixels, encoding)


def _converts(bridge: Any, encoding: str) -> bool:
    try:
        rgb = bridge.imgmsg_to_cv2(_probe(encoding), 'rgb8')
    except Exception:  # broken copies raise KeyError, AttributeError, cv2.error, SystemError, ...
        return False
    return isinstance(rgb, np.ndarray) and rgb.shape == (4, 4, 3) and rgb.dtype == np.uint8


def choose_converter() -> tuple[ToRgb, str]:
    """The function that reads image messages, and one line that says which it is and why.

    `cv_bridge` is used where it can be imported and converts a small image; an encoding that it
    refuses (each release knows others, some copies break on numpy 2) is read by
    `rgb_from_message`, and so are the two layouts that its Python part gets wrong: padded rows
    (skewed, where `step` is no whole number of pixels or the copy is old) and big-endian samples
    (AttributeError with numpy 2). Whoever converts, the returned function raises `ImageError` as
    `rgb_from_message` does.
    """
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
    except Exception as error:  # not only ImportError: a copy built for another numpy raises others
        return rgb_from_message, f'own image converter (cv_bridge does not import: {error})'
    trusted = {encoding for encoding in ENCODINGS if _converts(bridge, encoding)}
    if 'rgb8' not in trusted:
        return rgb_from_message, 'own image converter (cv_bridge imports but does not convert rgb8)'

    def to_rgb(message: Any) -> np.ndarray:
        layout = check_layout(message)
        sample = np.dtype(layout.dtype).itemsize
        swapped = bool(message.is_bigendian) and sample > 1
        padded = message.step != message.width * layout.channels * sample
        if message.encoding not in trusted or swapped or padded:
            return rgb_from_message(message)
        return np.asarray(bridge.imgmsg_to_cv2(message, 'rgb8'))

    own = sorted(set(ENCODINGS) - trusted)
    return to_rgb, 'cv_bridge' + (f' (own converter for {", ".join(own)})' if own else '')

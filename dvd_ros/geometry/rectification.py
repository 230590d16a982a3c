"""Images without lens distortion, as image_proc makes them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics

# Names of ROS (sensor_msgs/distortion_models.hpp) and how many coefficients each may have.
_COEFFICIENTS = {'plumb_bob': (4, 5), 'rational_polynomial': (8, 12, 14), 'equidistant': (4,)}


class Rectification:
    """
    The way from a distorted image to that of a pinhole camera.

    Parameters
    ----------
    seen
        The camera's own matrix, in pixels of the image as it comes: cropped and binned as it is.
    wanted
        The pinhole camera of the rectified image, of the same size.
    model
        'plumb_bob' (radial and tangential), 'rational_polynomial' or 'equidistant' (fisheye).
    coefficients
        As OpenCV orders them: 4 or 5, 8 (12, 14), or 4.
    rotation
        float [3,3] from the camera to the rectified one; None: the same.

    Raises
    ------
    ValueError
        If the model is not known, coefficients are of another number or not finite, the sizes
        differ, or the rotation is none.

    """

    def __init__(self, seen: Intrinsics, wanted: Intrinsics, model: str,
                 coefficients: Sequence[float], rotation: np.ndarray | None = None) -> None:
        if model not in _COEFFICIENTS:
            raise ValueError(f'distortion model {model!r} is not known; needed is one of '
                             f'{", ".join(_COEFFICIENTS)}')
        d = np.asarray(coefficients, np.float64)
        if d.size not in _COEFFICIENTS[model] or not np.isfinite(d).all():
            counts = ' or '.join(map(str, _COEFFICIENTS[model]))
            raise ValueError(f'{model} needs {counts} finite coefficients, got {d.tolist()}')
        size = (seen.width, seen.height)
        if (wanted.width, wanted.height) != size:
            raise ValueError(f'both cameras must be of one size, got {size[0]}x{size[1]} and '
                             f'{wanted.width}x{wanted.height}')
        turn = np.eye(3) if rotation is None else np.asarray(rotation, np.float64)
        if turn.shape != (3, 3) or not np.isfinite(turn).all() \
                or abs(np.linalg.det(turn) - 1.0) > 1e-2:
            raise ValueError(f'a rotation [3,3] is needed, got {turn.tolist()}')
        self.wanted = wanted
        make = cv2.fisheye.initUndistortRectifyMap if model == 'equidistant' \
            else cv2.initUndistortRectifyMap
        # Fixed point: twice as fast to apply as floating, and as exact as 8 bit colours are.
        self._maps = make(seen.matrix, d, turn, wanted.matrix, size, cv2.CV_16SC2)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return the rectified image, [H,W,C] as ``image``; black where nothing was seen."""
        height, width = image.shape[:2]
        if (width, height) != (self.wanted.width, self.wanted.height):
            raise ValueError(f'the image is {width}x{height}, the rectification of '
                             f'{self.wanted.width}x{self.wanted.height}')
        return cv2.remap(image, *self._maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)

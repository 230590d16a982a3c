"""A grey image, and what is asked of it again and again."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.tukey import median

# Blur of images whose grey values are compared, pixels.
_SHARP = 0.8
# Mean square of the slopes, along x or y, of such a blurred image of white noise of variance 1.
NOISE_SLOPE = 0.0364
_LAPLACE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


class View:
    """
    A grey image.

    grey: uint8 [h,w]. smooth: float32 [h,w], blurred a little. slopes: of `smooth` along x and
    along y, float32 [h,w] each, grey values a pixel. noise: standard deviation of the grey values'
    noise (Immerkaer 1996, by the median).
    """

    def __init__(self, grey: np.ndarray) -> None:
        self.grey = grey
        self.smooth = blurred(grey.astype(np.float32), _SHARP)
        self.slopes = (cv2.Sobel(self.smooth, cv2.CV_32F, 1, 0, scale=1 / 8),
                       cv2.Sobel(self.smooth, cv2.CV_32F, 0, 1, scale=1 / 8))
        edges = np.abs(cv2.filter2D(grey, cv2.CV_16S, _LAPLACE))
        self.noise = median(edges) / (0.6745 * 6)


def blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    """Values [h,w] blurred by a Gaussian of ``sigma`` pixels."""
    return cv2.GaussianBlur(values, (0, 0), sigma)


def sampled(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values [h,w] or [h,w,C] at places [N,2] or [n,m,2], x and y in pixels; linear between."""
    if not places.size:
        return np.zeros((*places.shape[:-1], *values.shape[2:]), values.dtype)
    at = np.asarray(places if places.ndim == 3 else places[None], np.float32)
    found = cv2.remap(values, at[..., 0], at[..., 1], cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)
    return found if places.ndim == 3 else found[0]

"""Confidence of depth from what the overlap of two windows reveals, and parallax."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.parallax.evidence import Told, evidence

# Width of the smoothing, of the grid's side: the model is wrong about things, not about pixels.
_BLUR = 0.05
# What stands for the disagreement of two windows where there was only one.
_USUAL = 0.02
# Logistic regressions, fitted and checked by benchmark/confidence.py: weights of the features, and
# bias, without what parallax told, and with it.
_ALONE = np.array([-0.604, 1.127, 0.014, -0.096]), -0.183
_TOLD = np.array([-0.322, 0.899, 0.12, -3.871, 0.297, 1.088, -0.745]), 1.673


def features(disparity: np.ndarray, disagreement: np.ndarray | None,
             told: Told | None = None) -> np.ndarray:
    """
    Return what confidence is computed from, float64 [h,w,4], or [h,w,7] where parallax told.

    Logarithm of how much two windows disagree about a place, after their alignment and smoothed;
    logarithm of its disparity, and the disparity, as a given error of disparity is a larger part
    of depth where that is far; logarithm of the smoothed slope of disparity, large at edges. Where
    parallax told how far a place is, its error is a part of depth wherever it is: only the
    logarithm of disparity counts, where not much was told; and what parallax told comes with it.

    disparity: float [h,w] on the stream's scale. disagreement: float [h,w], absolute difference of
    disparity, or None where nothing is known of it. NaN counts as 0, more than 4 as 4. told: on a
    grid of any size; None where parallax told nothing.
    """
    disparity = _tame(disparity)
    sigma = _BLUR * float(np.sqrt(disparity.size))

    def smooth(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)

    if disagreement is None:
        apart = np.full(disparity.shape, _USUAL, np.float32)
    else:
        apart = smooth(_tame(disagreement))
    slope = smooth(np.hypot(cv2.Sobel(disparity, cv2.CV_32F, 1, 0),
                            cv2.Sobel(disparity, cv2.CV_32F, 0, 1)))
    agreed, near, edge = np.log(apart + 0.003), np.log(disparity + 0.05), np.log(slope + 0.01)
    if told is None:
        return np.stack([agreed, near, disparity, edge], axis=-1).astype(np.float64)
    more = cv2.resize(evidence(told), disparity.shape[::-1], interpolation=cv2.INTER_AREA)
    return np.concatenate([np.stack([agreed, near * (1 - more[..., 0]), edge], axis=-1), more],
                          axis=-1).astype(np.float64)


def _tame(values: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(np.asarray(values, np.float32)), 0.0, 4.0)


def confidence(disparity: np.ndarray, disagreement: np.ndarray | None,
               size: tuple[int, int], told: Told | None = None) -> np.ndarray:
    """
    Return the confidence of a frame, float32 [H,W] of ``size``, in 0..1.

    It estimates the probability that depth is right within 25 %, given the stream's best scale and
    shift; calibrated for the shipped model on rendered scenes. ``disparity``,
    ``disagreement`` and ``told`` as in `features`, on grids of any size.
    """
    weights, bias = _ALONE if told is None else _TOLD
    likely = 1.0 / (1.0 + np.exp(-(features(disparity, disagreement, told) @ weights + bias)))
    return cv2.resize(likely.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)

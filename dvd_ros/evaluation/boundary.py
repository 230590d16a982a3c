"""
How well the edges of depth lie: precision, recall and F1.

The detector of edges and the matching are those of `boundary_metrics` in the evaluation of
EnVision-Research/DVD, which takes the edges of the colour image for truth. With true depth that
is dense, its own edges are the better truth: the same matching, other edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_RATIO, _GRADIENT, _EPSILON = 1.05, 0.15, 1e-6
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)


@dataclass
class BoundaryCount:
    """Pixels of edges, counted over the frames of a clip: found, wanted, and those that match."""

    found: int = 0
    found_right: int = 0
    wanted: int = 0
    wanted_found: int = 0

    def add(self, found: np.ndarray, wanted: np.ndarray, valid: np.ndarray) -> None:
        """Count a frame, all bool [H,W]; an edge at most one pixel away from another matches."""
        found, wanted = found & valid, wanted & valid
        self.found += int(found.sum())
        self.wanted += int(wanted.sum())
        self.found_right += int((found & _wider(wanted)).sum())
        self.wanted_found += int((wanted & _wider(found)).sum())

    def scores(self) -> dict[str, float]:
        """Return precision, recall and f1, 0..1, 1 is perfect."""
        precision = self.found_right / (self.found + _EPSILON)
        recall = self.wanted_found / (self.wanted + _EPSILON)
        return {'precision': precision, 'recall': recall,
                'f1': 2.0 * precision * recall / (precision + recall + _EPSILON)}


def depth_edges(depth: np.ndarray) -> np.ndarray:
    """
    Find occluding edges: pixels with a neighbour that is more than 1.05 times farther.

    ``depth`` is [H,W] metres on any scale; what is not finite and positive has no edges. Along
    rows and columns only the largest ratio among three neighbours is kept. Returns bool [H,W].
    """
    depth = np.asarray(depth, np.float32)
    known = np.isfinite(depth) & (depth > 0.0)
    depth = np.where(known, np.maximum(depth, np.float32(_EPSILON)), np.float32(0.0))
    padded = np.pad(depth, 1, mode='edge')
    edges = np.zeros(depth.shape, bool)
    for neighbour, window in ((padded[1:-1, 2:], (1, 3)), (padded[1:-1, :-2], (1, 3)),
                              (padded[2:, 1:-1], (3, 1)), (padded[:-2, 1:-1], (3, 1))):
        ratio = np.divide(neighbour, depth, out=np.zeros_like(depth), where=known)
        peak = ratio == cv2.dilate(ratio, np.ones(window, np.uint8))
        edges |= (ratio > _RATIO) & peak
    return edges


def image_edges(image: np.ndarray) -> np.ndarray:
    """
    Find the edges of a colour image: Sobel gradients over 0.15 of the way from least to most.

    ``image`` is RGB [H,W,3], uint8 or float32 in 0..1. Returns bool [H,W].
    """
    scale = 255.0 if image.dtype == np.uint8 else 1.0
    grey = (image.astype(np.float32) / np.float32(scale)) @ _GREY
    x, y = (cv2.filter2D(grey, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
            for kernel in (_SOBEL, _SOBEL.T.copy()))
    gradient = np.sqrt(x * x + y * y + np.float32(_EPSILON))
    least, most = gradient.min(), gradient.max()
    return (gradient - least) / (most - least + np.float32(_EPSILON)) > _GRADIENT


def _wider(edges: np.ndarray) -> np.ndarray:
    return cv2.dilate(edges.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)

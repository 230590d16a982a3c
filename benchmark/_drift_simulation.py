"""Window streams of a simulated model, with every trouble that a chain of alignments knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

# What the simulated model adds to the truth (shared notes of the project's first measurements):
# relative scale and shift of each window, and how much of the noise all its frames share.
SCALE_SIGMA, SHIFT_SIGMA, SHARED = 0.05, 0.02, 0.5
SPREAD = 0.2  # standard deviation of true disparity
CUT_EVERY = 50


@dataclass(frozen=True)
class Case:
    """One kind of trouble; eps is the standard deviation of the noise."""

    eps: float = 0.01
    unequal: bool = False      # every other window has three times the noise
    outliers: float = 0.0      # share of pixels that move on their own
    bias: float = 0.0          # added to them
    cuts: bool = False         # another scene every CUT_EVERY windows
    follows: bool = False      # the model's scale follows the content, slowly, by 30 %
    place_gain: float = 0.0    # relative gain from a window's first frame to its last
    place_level: float = 0.0   # level from its first frame to its last


CASES = {
    'no noise': Case(eps=0.0), 'clean': Case(), 'noisy': Case(eps=0.02),
    'unequal noise': Case(unequal=True), 'outliers 10 %': Case(outliers=0.1),
    'biased outliers': Case(outliers=0.1, bias=0.2), 'scene cuts': Case(cuts=True),
    'follows content': Case(follows=True),
    'place in window': Case(place_gain=-0.05, place_level=0.01),
}


@dataclass(frozen=True)
class SimulatedWindow:
    """raw [T,h,w] float32 = (true - shift) / scale + noise; true [T,h,w]; begins: a new scene."""

    raw: np.ndarray
    true: np.ndarray
    scale: float
    shift: float
    new: int
    begins: bool


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """Noise [N,h,w] of standard deviation 1, smooth over the image."""
    images = rng.standard_normal(shape, np.float32)
    smooth = np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in images])
    return smooth / smooth.std()


class _Content:
    """True disparity that evolves smoothly: pictures that fade into one another."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int], fade: float) -> None:
        self._pictures = _smooth(rng, (24, *size), 3.0)
        self._phases = rng.uniform(0, 2 * np.pi, 24)
        self._rates = rng.uniform(0.3, 1.0, 24) / fade

    def at(self, frames: np.ndarray) -> np.ndarray:
        """True disparity [N,h,w] at frame numbers [N]."""
        weights = np.sin(frames[:, None] * self._rates + self._phases) / np.sqrt(12.0)
        return (0.5 + SPREAD * np.tensordot(weights, self._pictures, 1)).astype(np.float32)


def simulate(case: Case, seed: int, windows: int, length: int = 13, new: int = 8,
             size: tuple[int, int] = (24, 32)) -> Iterator[SimulatedWindow]:
    """Windows of ``length`` frames, the last ``new`` of them new (all of them in a new scene)."""
    rng = np.random.default_rng((seed, 77))
    content = _Content(rng, size, 60.0)
    place = np.arange(length, dtype=np.float32)[:, None, None] / max(length - 1, 1) - 0.5
    slow = 0.0
    for index in range(windows):
        begins = index == 0 or (case.cuts and index % CUT_EVERY == 0)
        if begins and index:
            content = _Content(rng, size, 60.0)
        true = content.at(np.arange(length) + float(index * new))
        slow = 0.97 * slow + np.sqrt(1 - 0.97 ** 2) * rng.standard_normal()
        scale = float(np.exp(SCALE_SIGMA * rng.standard_normal() + (0.3 * slow
                                                                    if case.follows else 0.0)))
        shift = SHIFT_SIGMA * rng.standard_normal()
        seen = true
        if case.outliers:
            mask = _smooth(rng, (1, *size), 1.5)[0] > 1.2816  # the largest tenth
            other = case.bias + SPREAD * _smooth(rng, (1, *size), 2.0)[0]
            seen = np.where(mask, true + other, true)
        eps = case.eps * (3.0 if case.unequal and index % 2 else 1.0)
        noise = (np.sqrt(SHARED) * _smooth(rng, (1, *size), 2.0)
                 + np.sqrt(1 - SHARED) * _smooth(rng, (length, *size), 2.0)) if eps else 0.0
        raw = (seen - shift) / scale + eps * noise
        raw = raw * (1 + case.place_gain * place) + case.place_level * place
        yield SimulatedWindow(raw.astype(np.float32), true, scale, shift,
                              length if begins else new, begins)

"""What parallax told about each place of an image, as far as confidence cares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.parallax.view import blurred

# Reach of what is told about a place, and of what is told about its surroundings, points.
_HERE, _ABOUT = 2.0, 12.0
# No point counts more than so many times the network.
MOST = 20.0
# Difference that is none, in squared usual errors of the network.
_LIKE = 0.05
# Information all told, of which less tells nothing of the network.
_LEAST = 1.0


def worth(information: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """How many times what the network knows, with errors of ``sigma``, information counts, [N]."""
    times = information * sigma ** 2
    return times / (1 + times / MOST)


@dataclass(frozen=True, eq=False)
class Told:
    """
    What parallax told of a frame, on the points of a grid.

    error: float32 [h,w], what was told less what the network says, in usual errors of the network.
    sure: float32 [h,w], its information, as many times that of the network; 0: nothing was told.
    """

    error: np.ndarray
    sure: np.ndarray


def evidence(told: Told) -> np.ndarray:
    """
    Return what parallax told, float32 [h,w,4], 0 where that is nothing.

    How much is known here, and about here, each in parts of all with what the network knows (0..1);
    how alike it is: minus the logarithm of the spread of what was told here, times the first; and,
    the same all over the frame, the logarithm of how wrong the network is where parallax told.
    """
    error, sure = told.error, np.minimum(told.sure, np.float32(MOST))
    here, about = blurred(sure, _HERE), blurred(sure, _ABOUT)
    usual = blurred(sure * error, _HERE) / np.maximum(here, 1e-3)
    spread = blurred(sure * (error - usual) ** 2, _HERE) / np.maximum(here, 1e-3)
    known = here / (here + 1)
    total = float(sure.sum())
    wrong = ((float((sure * error ** 2).sum()) / total + _LIKE) ** 0.5 if total > _LEAST
             else 1)
    return np.stack([known, about / (about + 1), -np.log(spread + _LIKE) * known,
                     np.full_like(known, np.log(wrong))], axis=-1).astype(np.float32)

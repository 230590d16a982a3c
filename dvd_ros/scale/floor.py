"""Floor pixels among those of an image, from disparity and the direction of gravity."""

from __future__ import annotations

import numpy as np

from dvd_ros.scale.observation import Silence

# Candidates look down by at least this (sine-like, of a ray with z = 1): near the horizon every
# error of tilt or disparity is a different floor.
_LEAST_SLOPE = 0.03
# Lines through random pairs, judged on so many pixels.
_LINES, _JUDGED, _SEED = 192, 768, 0
# Floor pixels are this near (in disparity) to the floor's line, and it is below all others.
_NEAR = 0.04
_BELOW_COSTS = 2.0
# Disparity of the horizon, -b/a: what b/a can be.
_HORIZON = (-0.35, 0.15)
# Support of a floor: part of the candidates, and how far it must reach in slope (ratio of the 90th
# to the 10th percentile) and in disparity.
_LEAST_SUPPORT, _LEAST_PIXELS = 0.2, 64
_LEAST_REACH, _LEAST_SPREAD = 1.6, 0.06


def find_floor(disparity: np.ndarray, slope: np.ndarray) -> np.ndarray | Silence:
    """
    Find the pixels that show a flat floor.

    Inverse depth of a floor is n.r / height for the ray r (z = 1) and the unit vector n down, and
    affine in disparity: floor pixels lie on one rising line of disparity over ``slope`` = n.r.
    What stands on the floor is nearer than it, above that line, and nothing is below: of random
    lines the one wins that has most pixels on it and few below (RANSAC with a one-sided cost).

    Both are float64 [N]. Returns the indices of the floor's pixels, or why there is none.
    """
    candidates = np.flatnonzero((slope > _LEAST_SLOPE) & (disparity > 0.0))
    if candidates.size < _LEAST_PIXELS:
        return Silence('no floor in view: the camera looks above the horizon')
    d, g = disparity[candidates], slope[candidates]
    line = _lower_line(d, g)
    if line is None:
        return Silence('no floor in view: disparity does not grow towards the feet')
    for _ in range(3):
        off = d - line[0] * g - line[1]
        on = np.abs(off) < _NEAR
        if on.sum() < _LEAST_PIXELS:
            break
        refined = np.polyfit(g[on], d[on], 1)
        if not (refined[0] > 0.0 and _HORIZON[0] <= refined[1] <= _HORIZON[1]):
            break
        line = (float(refined[0]), float(refined[1]))
    off = d - line[0] * g - line[1]
    on, below = np.abs(off) < _NEAR, off < -_NEAR
    support = on.sum() / d.size
    if on.sum() < _LEAST_PIXELS or support < _LEAST_SUPPORT or below.sum() > on.sum():
        return Silence(f'no floor in view: {100.0 * support:.0f} % of the pixels below the horizon '
                       'are on one plane')
    low, high = np.percentile(g[on], (10.0, 90.0))
    spread = np.subtract(*np.percentile(d[on], (90.0, 10.0)))
    if high < _LEAST_REACH * low or spread < _LEAST_SPREAD:
        return Silence('no floor in view: what is flat spans too little of the image')
    return candidates[on]


def _lower_line(d: np.ndarray, g: np.ndarray) -> tuple[float, float] | None:
    """Return gain and shift of the line d = gain * g + shift with pixels on it, not below."""
    generator = np.random.default_rng(_SEED)
    judged = generator.choice(d.size, min(_JUDGED, d.size), False)
    x, y = g[judged], d[judged]
    order = np.argsort(x, kind='stable')
    half = order.size // 2
    low = order[generator.integers(0, half, _LINES)]
    high = order[generator.integers(half, order.size, _LINES)]
    step = x[high] - x[low]
    gains = np.divide(y[high] - y[low], step, out=np.zeros(_LINES), where=step > 1e-6)
    shifts = y[low] - gains * x[low]
    possible = (gains > 0.0) & (shifts >= _HORIZON[0]) & (shifts <= _HORIZON[1])
    if not possible.any():
        return None
    gains, shifts = gains[possible], shifts[possible]
    off = y - gains[:, None] * x - shifts[:, None]
    score = (np.abs(off) < _NEAR).sum(axis=1) - _BELOW_COSTS * (off < -_NEAR).sum(axis=1)
    best = int(np.argmax(score))
    return float(gains[best]), float(shifts[best])

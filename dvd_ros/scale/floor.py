"""Floor pixels among those of an image, from disparity and the direction of gravity."""

from __future__ import annotations

import numpy as np

from dvd_ros.scale.observation import Silence

# Candidates look down by at least this (of a ray with z = 1): near the horizon every error of
# tilt or disparity is a different floor.
_LEAST_SLOPE = 0.03
# Lines through random pairs, judged on so many pixels.
_LINES, _JUDGED, _SEED = 256, 768, 0
# Floor pixels are this near in disparity to the floor's line (a constant and a part of their own
# disparity: errors of models grow with it). Lines are judged by these parts of it, too: a floor
# that a model sees well should beat what is roughly flat.
_NEAR, _NEAR_PART = 0.015, 0.05
_FINENESS = (1.0, 0.5, 0.25)
_BELOW_COSTS = 2.0
# Disparity at the horizon, -b/a: what b/a can be.
_HORIZON = (-0.5, 0.15)
# Support of a floor: part of the candidates and of their lowest quarter, pixels below it by its
# own, how far it must reach in slope (90th to 10th percentile) and in disparity.
_LEAST_PIXELS, _LEAST_SUPPORT, _LEAST_AT_FEET, _MOST_BELOW = 64, 0.25, 0.5, 0.25
_LEAST_REACH, _LEAST_SPREAD = 1.5, 0.06
# Nothing is farther than the floor's horizon; so much of the image may seem so.
_MOST_BEYOND = 0.05


def find_floor(disparity: np.ndarray, slope: np.ndarray) -> np.ndarray | Silence:
    """
    Find the pixels that show a flat floor.

    Inverse depth of a floor is n.r / height for the ray r (z = 1) and the unit vector n down, and
    affine in disparity: floor pixels lie on one rising line of disparity over ``slope`` = n.r.
    What stands on the floor is nearer than it, above that line, and nothing is below: of random
    lines the one wins that has most pixels on it and few below (RANSAC with a one-sided cost).

    Both are float64 [N]. Returns the indices of the floor's pixels, or why there is none.
    """
    real = (disparity > 0.0) & np.isfinite(disparity)
    candidates = np.flatnonzero((slope > _LEAST_SLOPE) & real)
    if candidates.size < _LEAST_PIXELS:
        return Silence('no floor in view: the camera looks above the horizon')
    d, g = disparity[candidates], slope[candidates]
    near = _NEAR + _NEAR_PART * d
    line = _lower_line(d, g, near)
    if line is None:
        return Silence('no floor in view: disparity does not grow towards the feet')
    for _ in range(3):
        on = np.abs(d - line[0] * g - line[1]) < near
        if on.sum() < _LEAST_PIXELS:
            break
        gain, shift = _least_squares(g[on], d[on])
        if not (gain > 0.0 and _HORIZON[0] <= shift <= _HORIZON[1]):
            break
        line = gain, shift
    off = d - line[0] * g - line[1]
    on, below = np.abs(off) < near, off < -near
    support, at_feet = float(on.mean()), float(on[g > np.percentile(g, 75.0)].mean())
    if on.sum() < _LEAST_PIXELS or support < _LEAST_SUPPORT or at_feet < _LEAST_AT_FEET:
        return Silence(f'no floor in view: {100.0 * support:.0f} % of the pixels below the horizon '
                       f'are on one plane, {100.0 * at_feet:.0f} % of the lowest of them')
    if below.sum() > _MOST_BELOW * on.sum():
        return Silence('no floor in view: what is flat has much below it')
    beyond = float((disparity[real] < line[1] - 2.0 * _NEAR).mean())
    if beyond > _MOST_BEYOND:
        return Silence(f'no floor in view: what is flat would put {100.0 * beyond:.0f} % of the '
                       'image beyond its horizon')
    low, high = np.percentile(g[on], (10.0, 90.0))
    first, last = np.percentile(d[on], (10.0, 90.0))
    if high < _LEAST_REACH * low or last - first < _LEAST_SPREAD:
        return Silence('no floor in view: what is flat spans too little of the image')
    return candidates[on]


def _lower_line(d: np.ndarray, g: np.ndarray, near: np.ndarray) -> tuple[float, float] | None:
    """Return gain and shift of the line d = gain * g + shift with pixels on it, not below."""
    generator = np.random.default_rng(_SEED)
    judged = generator.choice(d.size, min(_JUDGED, d.size), False)
    x, y, near = g[judged], d[judged], near[judged]
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
    off = (y - gains[:, None] * x - shifts[:, None]) / near
    score = np.zeros(len(gains))
    for fine in _FINENESS:
        score += (np.abs(off) < fine).sum(axis=1) - _BELOW_COSTS * (off < -fine).sum(axis=1)
    best = int(np.argmax(score))
    return float(gains[best]), float(shifts[best])


def _least_squares(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    off = x - x.mean()
    variance = float((off * off).sum())
    gain = float((off * y).sum()) / variance if variance > 0.0 else 0.0
    return gain, float(y.mean() - gain * x.mean())

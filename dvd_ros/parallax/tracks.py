"""Points that are followed from view to view, and how well each was found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dvd_ros.parallax.threads import pool
from dvd_ros.parallax.view import NOISE_SLOPE, View, blurred, sampled

# Points followed at once, and pixels between them.
_POINTS, _APART = 400, 8
# New ones are looked for where fewer than so many are left.
_ENOUGH = 380
# Pixels about a point that are compared, to each side; of them so many tell something of their own.
_ABOUT, _INDEPENDENT = 5, 22.0
# Blur of the slopes about a point, pixels.
_SLOPES = 3.0
# Part of the grey values' variance that is the variance of their slopes, where all is noise: of
# the difference of two views, and a little more to be safe; of one view blurred as `View.smooth`.
_NOISE, _BLURRED_NOISE = 1.4 * NOISE_SLOPE / 0.248, 0.124
# Least error of a place along each axis, pixels, and of a grey value.
_LEAST, _GREY = 0.2, 1.0
# A point found on the way back so far off, chi square, or pixels, was lost; so was one of which
# less than the third is known, and none is begun with less than the fourth, 1/pixel.
_RETURN, _FAR, _KEPT, _BEGUN = 6.0, 8.0, 0.4, 0.7
# An edge tells less than a corner: how much its larger slope counts where points are chosen.
_EDGE = 0.1
_WINDOW, _BORDER = 15, 6
_PATCH = np.stack(np.meshgrid(*[np.arange(-_ABOUT, _ABOUT + 1, dtype=np.float32)] * 2),
                  -1).reshape(1, -1, 2)


@dataclass(frozen=True, eq=False)
class Sighting:
    """
    The tracked points in one view.

    ids: int [N], rising, the same in each view. places: float64 [N,2], x and y in pixels.
    whitening: [N,3] (xx, xy, yy), square root of the inverse covariance of a place, 1/pixel: how
    well it is the place of the view before.
    """

    ids: np.ndarray
    places: np.ndarray
    whitening: np.ndarray


@dataclass(frozen=True, eq=False)
class _Look:
    """
    What is asked of a view whatever the points are.

    slopes: float32 [h,w,3], products (xx, xy, yy) of the slopes, blurred. flow: float32 [h,w,2]
    from the view before; 0 for the first.
    """

    view: View
    slopes: np.ndarray
    flow: np.ndarray


class Tracks:
    """
    Follows points by dense flow, refined by Lucas and Kanade, with new ones where some were lost.

    Also edges and faint textures are followed: each place says along which direction it is known,
    from the slopes of the image over what did not match, less what noise alone would give.
    """

    def __init__(self) -> None:
        self._last: _Look | None = None
        self._places = np.zeros((0, 2), np.float32)
        self._ids = np.zeros(0, np.int64)
        self._next = 0

    def add(self, views: Sequence[View]) -> list[Sighting]:
        """Take the next views."""
        before = [self._last.view if self._last else None, *views]
        return [self._add(look) for look in pool().map(_look, views, before)]

    def _add(self, look: _Look) -> Sighting:
        whitening = np.zeros((0, 3))
        if self._last is not None and len(self._places):
            whitening = self._follow(self._last, look)
        if len(self._places) < _ENOUGH:
            whitening = np.concatenate([whitening, self._begin(look)])
        self._last = look
        return Sighting(self._ids.copy(), self._places.astype(np.float64), whitening)

    def _follow(self, last_look: _Look, look: _Look) -> np.ndarray:
        last, view = last_look.view, look.view
        height, width = view.grey.shape
        before = self._places
        jump = sampled(look.flow, before)
        places, found = _lucas_kanade(last, view, before, before + jump)
        back, returned = _lucas_kanade(view, last, places, places - jump)
        unlike = (sampled(view.smooth, places[:, None] + _PATCH)
                  - sampled(last.smooth, before[:, None] + _PATCH)).var(1)
        whitening = _whitening((sampled(look.slopes, places)
                                + sampled(last_look.slopes, before)) / 2, unlike)
        apart = back - before
        good = (found & returned & ((whitened(whitening.T, apart.T) ** 2).sum(0) < _RETURN)
                & (np.abs(apart).max(1) < _FAR) & (whitening[:, 0] + whitening[:, 2] > _KEPT)
                & (places > 2).all(1) & (places < (width - 3, height - 3)).all(1))
        kept = np.flatnonzero(good)
        # Of points that ran together the oldest goes on.
        cells = (places[kept] / (_APART / 2)).astype(np.int64)
        kept = kept[np.sort(np.unique(cells @ (1, 1 << 20), return_index=True)[1])]
        self._places, self._ids = places[kept], self._ids[kept]
        return whitening[kept]

    def _begin(self, look: _Look) -> np.ndarray:
        slopes = look.slopes
        noise = np.float32(2 * _BLURRED_NOISE * look.view.noise ** 2)
        large, small = _eigenvalues(slopes)
        worth = (np.maximum(small - _NOISE * noise, 0)
                 + _EDGE * np.maximum(large - _NOISE * noise, 0))
        for x, y in self._places:
            cv2.circle(worth, (round(float(x)), round(float(y))), _APART, (0,), -1)
        inside = np.zeros_like(worth)
        inside[_BORDER:-_BORDER, _BORDER:-_BORDER] = 1
        worth *= inside
        best = cv2.dilate(worth, np.ones((_APART + 1, _APART + 1), np.uint8))
        y, x = np.nonzero((worth == best) & (worth > 0))
        whitening = _whitening(slopes[y, x], np.full(len(y), noise))
        order = np.argsort(-worth[y, x])[:_POINTS - len(self._places)]
        order = order[(whitening[:, 0] + whitening[:, 2])[order] > _BEGUN]
        self._places = np.concatenate([self._places, np.stack([x, y], -1)[order]], axis=0,
                                      dtype=np.float32)
        self._ids = np.concatenate([self._ids, self._next + np.arange(len(order))])
        self._next += len(order)
        return whitening[order]


def whitened(whitening: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The symmetric matrices ``whitening`` [3,N] times values [2,N]."""
    across, mixed, down = whitening
    x, y = values
    return np.stack([across * x + mixed * y, mixed * x + down * y])


def _look(view: View, last: View | None) -> _Look:
    x, y = view.slopes
    slopes = blurred(cv2.merge([x * x, x * y, y * y]), _SLOPES)
    if last is None:
        return _Look(view, slopes, np.zeros((*view.grey.shape, 2), np.float32))
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return _Look(view, slopes,
                 dis.calc(last.grey, view.grey, None))  # type: ignore[call-overload]


def _lucas_kanade(view: View, other: View, places: np.ndarray,
                  guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        view.grey, other.grey, np.array(places, np.float32).reshape(-1, 1, 2),
        np.array(guess, np.float32).reshape(-1, 1, 2), winSize=(_WINDOW, _WINDOW), maxLevel=1,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW, criteria=(3, 15, 0.02), minEigThreshold=1e-5)
    return found.reshape(-1, 2), status.ravel() > 0


def _eigenvalues(tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The larger and the smaller of symmetric matrices [...,3] (xx, xy, yy)."""
    middle = (tensor[..., 0] + tensor[..., 2]) / 2
    apart = (tensor[..., 0] - tensor[..., 2]) / 2
    half = np.sqrt(apart * apart + tensor[..., 1] * tensor[..., 1])
    return middle + half, middle - half


def _whitening(slopes: np.ndarray, unlike: np.ndarray) -> np.ndarray:
    large, small = _eigenvalues(slopes)
    middle = (slopes[:, 0] + slopes[:, 2]) / 2
    roots = []
    for value in (large, small):
        told = np.maximum(value - _NOISE * unlike, 0)
        variance = (unlike + _GREY) / np.maximum(_INDEPENDENT * told, 1e-6)
        roots.append(1 / np.sqrt(variance + _LEAST ** 2))
    mean, slope = (roots[0] + roots[1]) / 2, (roots[0] - roots[1]) / (large - small + 1e-9)
    return np.stack([mean + slope * (slopes[:, 0] - middle), slope * slopes[:, 1],
                     mean + slope * (slopes[:, 2] - middle)], -1)

"""A tree of bounding boxes over primitives, split by the surface area heuristic in 12 bins."""

from __future__ import annotations

import numba
import numpy as np

from dvd_ros.training.rich.intersect import BOX, CONE, ELLIPSOID, TRIANGLE

_BINS, LEAF = 12, 3


def bounds_of(kind: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corners float64 [P,3] of primitives (see intersect.py)."""
    low, high = np.empty((len(kind), 3)), np.empty((len(kind), 3))
    flat = kind == TRIANGLE
    corners = data[flat, 0:9].reshape(-1, 3, 3).copy()
    corners[:, 1:] += corners[:, :1]
    low[flat], high[flat] = corners.min(1), corners.max(1)
    solid = data[~flat]
    rot, half = solid[:, :9].reshape(-1, 3, 3), solid[:, 12:15].copy()
    cones = kind[~flat] > ELLIPSOID
    wide = half[cones, :2].max(1)
    half[cones] = np.stack([wide, wide, half[cones, 2]], 1)
    reach = np.abs(rot) * half[:, :, None]
    round_ = kind[~flat] == ELLIPSOID
    extent = np.where(round_[:, None], np.sqrt((reach**2).sum(1)), reach.sum(1))
    low[~flat], high[~flat] = solid[:, 9:12] - extent, solid[:, 9:12] + extent
    return low - 1e-6, high + 1e-6


@numba.njit(cache=True, error_model='numpy')
def _area(box):
    x, y, z = box[3] - box[0], box[4] - box[1], box[5] - box[2]
    return x * y + y * z + z * x


@numba.njit(cache=True, error_model='numpy')
def build(low, high):
    """
    Order of the primitives int64 [P] and nodes: boxes float64 [N,6] and links int64 [N,2].

    links: (left child, -1) with the right child next to it, or (first primitive, how many).
    """
    count = len(low)
    order = np.arange(count)
    boxes = np.empty((2 * count, 6))
    links = np.empty((2 * count, 2), np.int64)
    todo = np.empty((2 * count, 3), np.int64)
    todo[0, 0], todo[0, 1], todo[0, 2] = 0, 0, count
    waiting, used = 1, 1
    held = np.empty((_BINS, 6))
    number = np.empty(_BINS, np.int64)
    right_cost = np.empty(_BINS)
    grown = np.empty(6)
    while waiting:
        waiting -= 1
        node, begin, end = todo[waiting, 0], todo[waiting, 1], todo[waiting, 2]
        box = boxes[node]
        box[:3], box[3:] = 1e30, -1e30
        c_low, c_high = np.full(3, 1e30), np.full(3, -1e30)
        for i in range(begin, end):
            p = order[i]
            for k in range(3):
                box[k], box[3 + k] = min(box[k], low[p, k]), max(box[3 + k], high[p, k])
                c = low[p, k] + high[p, k]
                c_low[k], c_high[k] = min(c_low[k], c), max(c_high[k], c)
        links[node, 0], links[node, 1] = begin, end - begin
        if end - begin <= LEAF:
            continue
        best, best_axis, best_bin = 1e30, -1, 0
        for axis in range(3):
            width = c_high[axis] - c_low[axis]
            if width < 1e-9:
                continue
            number[:] = 0
            held[:, :3], held[:, 3:] = 1e30, -1e30
            for i in range(begin, end):
                p = order[i]
                b = min(_BINS - 1, int(_BINS * (low[p, axis] + high[p, axis] - c_low[axis])
                                       / width))
                number[b] += 1
                for k in range(3):
                    held[b, k] = min(held[b, k], low[p, k])
                    held[b, 3 + k] = max(held[b, 3 + k], high[p, k])
            grown[:3], grown[3:] = 1e30, -1e30
            total = 0
            for b in range(_BINS - 1, 0, -1):
                total += number[b]
                for k in range(3):
                    grown[k], grown[3 + k] = (min(grown[k], held[b, k]),
                                              max(grown[3 + k], held[b, 3 + k]))
                right_cost[b] = _area(grown) * total if total else 1e30
            grown[:3], grown[3:] = 1e30, -1e30
            total = 0
            for b in range(_BINS - 1):
                total += number[b]
                for k in range(3):
                    grown[k], grown[3 + k] = (min(grown[k], held[b, k]),
                                              max(grown[3 + k], held[b, 3 + k]))
                if total and _area(grown) * total + right_cost[b + 1] < best:
                    best = _area(grown) * total + right_cost[b + 1]
                    best_axis, best_bin = axis, b
        if best_axis < 0:
            middle = (begin + end) // 2
        else:
            width = c_high[best_axis] - c_low[best_axis]
            middle, last = begin, end - 1
            while middle <= last:
                p = order[middle]
                b = min(_BINS - 1, int(_BINS * (low[p, best_axis] + high[p, best_axis]
                                                - c_low[best_axis]) / width))
                if b <= best_bin:
                    middle += 1
                else:
                    order[middle], order[last] = order[last], order[middle]
                    last -= 1
        links[node, 0], links[node, 1] = used, -1
        for begun, ended in ((begin, middle), (middle, end)):
            todo[waiting, 0], todo[waiting, 1], todo[waiting, 2] = used, begun, ended
            waiting += 1
            used += 1
    return order, boxes[:used].copy(), links[:used].copy()


def contains(kind: np.ndarray, data: np.ndarray, points: np.ndarray, margin: float) -> bool:
    """Whether any box, ellipsoid or frustum, made wider by ``margin``, holds its point [P,3]."""
    rot, half = data[:, :9].reshape(-1, 3, 3), data[:, 12:15]
    local = np.abs(np.einsum('pij,pj->pi', rot, points - data[:, 9:12]))
    wide = half[:, :2].max(1)
    half = np.where((kind == CONE)[:, None], np.stack([wide, wide, half[:, 2]], 1), half)
    within = local / (half + margin)
    return bool((np.where(kind == BOX, within.max(-1), (within**2).sum(-1)) < 1).any())

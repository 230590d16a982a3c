"""Where cameras stood and how far points are, from where these were seen: bundle adjustment."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.projection import cross, levers, orthonormal, placed
from dvd_ros.parallax.tracks import whitened
from dvd_ros.tukey import LIMIT, biweight, median

# Steps of the solution at most; it is done where one gains less than this part.
_ROUNDS, _DONE = 10, 1e-2
# Damping at first, by what it falls and rises, and between which it lies.
_DAMPING, _EASED, _STIFFENED, _LEAST_DAMPING, _MOST_DAMPING = 1e-4, 5.0, 10.0, 1e-6, 1.0
# Usual chi square of a place, of two degrees of freedom or one on an edge; the square of the usual
# error, in parts of what is claimed, lies between these.
USUAL_SQUARE, _LEAST_SCALE, _MOST_SCALE = 1.2, 0.3, 25.0
# An expectation wrong by this many sigmas counts half: a network errs by much where it errs.
_DOUBT = 2.0
# No inverse depth changes by more in one step, as a factor and its inverse, about.
_LESS, _MORE = 0.3, 3.0
_FLOOR = 1e-3
# Multiplications of matrices that OpenBLAS leaves to one thread. It leaves fewer with a vector:
# these are numpy's own (einsum).
_SMALL = 250_000


@dataclass(frozen=True, eq=False)
class Seen:
    """
    Places where points were seen; none for the view where a point is anchored.

    point, view, anchor: int [M], its number, the view's, and that of the view where its ray
    begins. places: float64 [M,2] on the plane at depth 1. whitening: [M,3], see Sighting, in that
    unit.
    """

    point: np.ndarray
    view: np.ndarray
    anchor: np.ndarray
    places: np.ndarray
    whitening: np.ndarray


@dataclass(frozen=True, eq=False)
class Adjusted:
    """
    Poses, world to camera; inverse depth [L] and its information, with that of the poses in it.
    """

    poses: list[RigidTransform]
    inverse_depth: np.ndarray
    information: np.ndarray


@dataclass(frozen=True, eq=False)
class _State:
    rotation: np.ndarray  # [K,3,3]
    translation: np.ndarray  # [K,3]
    inverse_depth: np.ndarray  # [L]


@dataclass(frozen=True, eq=False)
class _Projected:
    """Where the points are after the motions from the views of the anchors, by components first."""

    turn: np.ndarray  # [3,3,M]
    shift: np.ndarray  # [3,M]
    point: np.ndarray  # [3,M]
    error: np.ndarray  # [2,M], places less where these are, in usual errors


def adjust(poses: list[RigidTransform], held: int, seen: Seen, rays: np.ndarray,
           inverse_depth: np.ndarray, expected: np.ndarray, sigma: np.ndarray) -> Adjusted:
    """
    Find poses and inverse depth of points: robust Levenberg-Marquardt, points eliminated.

    poses: of the K views, world to camera, where the search begins; the first ``held`` stay. rays:
    [L,3] of the points in the views of their anchors, z = 1. inverse_depth: [L], along the rays,
    where the search begins. expected: [L], what the network says, with errors of ``sigma``.
    """
    state = _State(np.stack([pose.rotation for pose in poses]),
                   np.stack([pose.translation for pose in poses]), inverse_depth)
    bundle = _Bundle(len(poses), held, seen, rays, expected, sigma)
    damping = _DAMPING
    projected = bundle.projected(state)
    for _ in range(_ROUNDS):
        bundle.linearise(state, projected)
        trial = bundle.step(state, damping)
        after = bundle.projected(trial)
        cost, less = bundle.cost(state, projected), bundle.cost(trial, after)
        if less < cost:
            state, projected = trial, after
            damping = max(damping / _EASED, _LEAST_DAMPING)
            if cost - less < _DONE * cost:
                break
        else:
            damping *= _STIFFENED
            if damping > _MOST_DAMPING:
                break
    return Adjusted([RigidTransform(orthonormal(turn), shift) for turn, shift in
                     zip(state.rotation, state.translation, strict=True)],
                    state.inverse_depth, bundle.information())


class _Bundle:
    """Poses have six parameters, turn and shift: six rows of K views each."""

    def __init__(self, views: int, held: int, seen: Seen, rays: np.ndarray, expected: np.ndarray,
                 sigma: np.ndarray) -> None:
        # By pairs of views, so that what belongs to a pair lies together.
        pair = seen.view * views + seen.anchor
        order = np.argsort(pair, kind='stable')
        self._pair = pair[order]
        self._pairs, self._starts = np.unique(self._pair, return_index=True)
        self._point, self._view, self._anchor = (
            part[order] for part in (seen.point, seen.view, seen.anchor))
        self._places = np.ascontiguousarray(seen.places[order].T)
        self._whitening = np.ascontiguousarray(seen.whitening[order].T)
        self._rays = np.ascontiguousarray(rays[self._point].T)
        self._views, self._held = views, held
        self._expected, self._sigma = expected, sigma
        self._scale = 1.0

    def projected(self, state: _State) -> _Projected:
        """Where the points of a state are seen."""
        turns = state.rotation[:, None] @ state.rotation[None].transpose(0, 1, 3, 2)
        shifts = state.translation[:, None] - (turns @ state.translation[:, :, None])[..., 0]
        turn = turns.reshape(-1, 9).T[:, self._pair].reshape(3, 3, -1)
        shift = shifts.reshape(-1, 3).T[:, self._pair]
        x, y, z = self._rays
        depth = state.inverse_depth[self._point]
        point = turn[:, 0] * x + turn[:, 1] * y + turn[:, 2] * z + depth * shift
        return _Projected(turn, shift, point,
                          whitened(self._whitening, self._places - placed(point)))

    def cost(self, state: _State, projected: _Projected) -> float:
        """What is made least, up to a factor."""
        square = np.minimum((projected.error ** 2).sum(0) / self._scale / LIMIT ** 2, 1)
        doubt = ((self._expected - state.inverse_depth) / self._sigma / _DOUBT) ** 2
        return float(LIMIT ** 2 / 3 * (1 - (1 - square) ** 3).sum()
                     + _DOUBT ** 2 * np.log1p(doubt).sum())

    def linearise(self, state: _State, projected: _Projected) -> None:
        """Set up the normal equations about a state."""
        error = projected.error
        square = (error ** 2).sum(0)
        self._scale = float(np.clip(median(square) / USUAL_SQUARE, _LEAST_SCALE, _MOST_SCALE))
        weight = biweight(square / self._scale) / max(self._scale, 1.0)
        slopes, far = self._slopes(state, projected)
        heavy_far = weight * far
        doubt = (self._expected - state.inverse_depth) / self._sigma
        prior = 1 / (1 + (doubt / _DOUBT) ** 2) / self._sigma ** 2
        # Of points: curvature, gradient; of points with poses; of poses.
        points, views = len(state.inverse_depth), self._views
        self._points = prior + np.bincount(self._point, (heavy_far * far).sum(0), points)
        self._point_pull = (prior * (self._expected - state.inverse_depth)
                            + np.bincount(self._point, (heavy_far * error).sum(0), points))
        both = heavy_far[0] * slopes[0] + heavy_far[1] * slopes[1]
        mixed = np.zeros((6, views * points))
        mixed[:, self._view * points + self._point] = both[:6]
        there = self._anchor * points + self._point
        for row, part in zip(mixed, both[6:], strict=True):
            row += np.bincount(there, part, views * points)
        self._mixed = mixed.reshape(6, views, points)[:, self._held:].reshape(-1, points)
        self._set_poses(np.concatenate([slopes, error[:, None]], 1), weight)

    def _slopes(self, state: _State, projected: _Projected) -> tuple[np.ndarray, np.ndarray]:
        """How places move with the pose here, and the anchor's, [2,12,M]; with depth, [2,M]."""
        depth = state.inverse_depth[self._point]
        slopes = np.empty((2, 12, len(depth)))
        far = np.empty((2, len(depth)))
        for row, lever in enumerate(levers(projected.point, self._whitening)):
            back = (lever[:, None] * projected.turn).sum(0)
            slopes[row, 0:3] = cross(projected.point, lever)
            slopes[row, 3:6] = lever * depth
            slopes[row, 6:9] = cross(back, self._rays)
            slopes[row, 9:12] = -back * depth
            far[row] = (lever * projected.shift).sum(0)
        return slopes, far

    def _set_poses(self, slopes: np.ndarray, weight: np.ndarray) -> None:
        """slopes: [2,13,M], as `_slopes`, and errors."""
        views, held = self._views, self._held
        curve, pull = np.zeros((views, views, 6, 6)), np.zeros((views, 6))
        heavy = slopes * weight
        both = np.empty((len(self._pairs), 13, 13))
        for out, start, end in zip(both, self._starts.tolist(),
                                   [*self._starts[1:].tolist(), len(weight)], strict=True):
            np.matmul(heavy[0, :, start:end], slopes[0, :, start:end].T, out=out)
            out += heavy[1, :, start:end] @ slopes[1, :, start:end].T
        view, anchor = np.divmod(self._pairs, views)
        np.add.at(curve, (view, view), both[:, :6, :6])
        np.add.at(curve, (anchor, anchor), both[:, 6:12, 6:12])
        curve[view, anchor] += both[:, :6, 6:12]
        curve[anchor, view] += both[:, 6:12, :6]
        np.add.at(pull, view, both[:, :6, 12])
        np.add.at(pull, anchor, both[:, 6:12, 12])
        size = 6 * (views - held)
        self._poses = curve[held:, held:].transpose(2, 0, 3, 1).reshape(size, size)
        self._pose_pull = pull[held:].T.reshape(size)

    def step(self, state: _State, damping: float) -> _State:
        """Where the normal equations lead."""
        points, lever, poses = self._reduced(damping)
        step = np.linalg.solve(
            poses, self._pose_pull - np.einsum('pl,l->p', lever, self._point_pull))
        change = (self._point_pull - np.einsum('p,pl->l', step, self._mixed)) / points
        rotation, translation = state.rotation.copy(), state.translation.copy()
        for view, part in enumerate(step.reshape(6, -1).T, self._held):
            turn = cv2.Rodrigues(part[:3])[0]
            rotation[view] = turn @ rotation[view]
            translation[view] = turn @ translation[view] + part[3:]
        depth = state.inverse_depth
        return _State(rotation, translation, np.clip(depth + change, _LESS * depth, _MORE * depth))

    def information(self) -> np.ndarray:
        """Inverse of the variance of inverse depth, [L], while the poses are uncertain too."""
        points, lever, poses = self._reduced(_LEAST_DAMPING)
        by_poses = (_product(np.linalg.inv(poses), lever) * lever).sum(0)
        return 1 / (1 / points + np.maximum(by_poses, 0))

    def _reduced(self, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Curvature of points [L]; how they follow poses, [P,L]; of poses without points, [P,P]."""
        points = self._points * (1 + damping)
        lever = self._mixed / points
        poses = self._poses - _product(lever, self._mixed.T)
        poses[np.diag_indices_from(poses)] += damping * np.diag(self._poses) + _FLOOR
        return points, lever, poses


def _product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """
    One [A,B] times other [B,C], in parts so small that BLAS wakes no other thread for them.

    OpenBLAS lets those that it woke spin for a long time, on cores that have better to do.
    """
    (rows, depth), columns = one.shape, other.shape[1]
    if columns > depth:
        part = max(_SMALL // (rows * depth), 1)
        return np.concatenate([one @ other[:, at:at + part]
                               for at in range(0, columns, part)], 1)
    part = max(_SMALL // (rows * columns), 1)
    total = one[:, :part] @ other[:part]
    for at in range(part, depth, part):
        total += one[:, at:at + part] @ other[at:at + part]
    return total

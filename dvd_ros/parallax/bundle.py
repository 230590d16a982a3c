"""Where cameras stood and how far points are, from where these were seen: bundle adjustment."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.projection import crosses, moves, orthonormal
from dvd_ros.parallax.tracks import whitened
from dvd_ros.tukey import LIMIT, biweight

# Steps of the solution at most; it is done where one gains less than this part.
_ROUNDS, _DONE = 10, 1e-3
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


@dataclass(frozen=True, eq=False)
class Seen:
    """
    Places where points were seen, sorted by point; none for the view where a point is anchored.

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
    bundle = _Bundle(held, seen, rays, expected, sigma)
    damping = _DAMPING
    error = bundle.error(state)
    for _ in range(_ROUNDS):
        bundle.linearise(state, error)
        trial = bundle.step(state, damping)
        after = bundle.error(trial)
        cost, less = bundle.cost(state, error), bundle.cost(trial, after)
        if less < cost:
            state, error, damping = trial, after, max(damping / _EASED, _LEAST_DAMPING)
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
    def __init__(self, held: int, seen: Seen, rays: np.ndarray, expected: np.ndarray,
                 sigma: np.ndarray) -> None:
        self._held, self._seen, self._rays = held, seen, rays[seen.point]
        self._expected, self._sigma = expected, sigma
        self._starts = np.flatnonzero(np.r_[True, seen.point[1:] != seen.point[:-1]])
        self._scale = 1.0

    def _relative(self, state: _State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Motions [M] from the views of the anchors, and where the points are then, [M,3]."""
        seen = self._seen
        turn = state.rotation[seen.view] @ state.rotation[seen.anchor].transpose(0, 2, 1)
        shift = (state.translation[seen.view]
                 - (turn @ state.translation[seen.anchor][..., None])[..., 0])
        point = ((turn @ self._rays[..., None])[..., 0]
                 + state.inverse_depth[seen.point][:, None] * shift)
        return turn, shift, point

    def error(self, state: _State) -> np.ndarray:
        """Places less where they should be, [M,2], in usual errors."""
        _, _, point = self._relative(state)
        place, _ = moves(point)
        return whitened(self._seen.whitening, self._seen.places - place)

    def cost(self, state: _State, error: np.ndarray) -> float:
        """What is made least, up to a factor."""
        square = np.minimum((error ** 2).sum(1) / self._scale / LIMIT ** 2, 1)
        doubt = ((self._expected - state.inverse_depth) / self._sigma / _DOUBT) ** 2
        return float(LIMIT ** 2 / 3 * (1 - (1 - square) ** 3).sum()
                     + _DOUBT ** 2 * np.log1p(doubt).sum())

    def linearise(self, state: _State, error: np.ndarray) -> None:
        """Set up the normal equations about a state."""
        seen, starts = self._seen, self._starts
        turn, shift, point = self._relative(state)
        square = (error ** 2).sum(1)
        self._scale = float(np.clip(np.median(square) / USUAL_SQUARE, _LEAST_SCALE, _MOST_SCALE))
        weight = biweight(square / self._scale) / max(self._scale, 1.0)
        depth = state.inverse_depth[seen.point][:, None, None]
        _, slope = moves(point)
        back = slope @ turn
        here = whitened(seen.whitening,
                        np.concatenate([slope @ crosses(point), slope * depth], -1))
        there = -whitened(seen.whitening,
                          np.concatenate([back @ crosses(self._rays), back * depth], -1))
        far = whitened(seen.whitening, (slope @ shift[..., None])[..., 0])
        heavy_here, heavy_there = here * weight[:, None, None], there * weight[:, None, None]
        doubt = (self._expected - state.inverse_depth) / self._sigma
        prior = 1 / (1 + (doubt / _DOUBT) ** 2) / self._sigma ** 2
        first = seen.point[starts]
        # Of points: curvature, gradient; of points with poses; of poses.
        self._points = prior.copy()
        self._points[first] += np.add.reduceat(weight * (far ** 2).sum(1), starts)
        self._point_pull = prior * (self._expected - state.inverse_depth)
        self._point_pull[first] += np.add.reduceat(weight * (far * error).sum(1), starts)
        views, points = len(state.rotation), len(state.inverse_depth)
        mixed = np.zeros((points, views, 6))
        mixed[seen.point, seen.view] = (heavy_here * far[:, :, None]).sum(1)
        mixed[first, seen.anchor[starts]] += np.add.reduceat(
            (heavy_there * far[:, :, None]).sum(1), starts, 0)
        pairs = np.zeros((views, views, 6, 6))
        pairs += _summed(heavy_here.transpose(0, 2, 1) @ there, seen.view * views + seen.anchor,
                         views * views).reshape(views, views, 6, 6)
        pairs += pairs.transpose(1, 0, 3, 2)
        pairs[range(views), range(views)] += (
            _summed(heavy_here.transpose(0, 2, 1) @ here, seen.view, views)
            + _summed(heavy_there.transpose(0, 2, 1) @ there, seen.anchor, views))
        pull = (_summed((heavy_here * error[:, :, None]).sum(1), seen.view, views)
                + _summed((heavy_there * error[:, :, None]).sum(1), seen.anchor, views))
        size = 6 * (views - self._held)
        self._mixed = mixed[:, self._held:].reshape(points, size)
        self._poses = pairs[self._held:, self._held:].transpose(0, 2, 1, 3).reshape(size, size)
        self._pose_pull = pull[self._held:].reshape(size)

    def step(self, state: _State, damping: float) -> _State:
        """Where the normal equations lead."""
        points, lever, poses = self._reduced(damping)
        step = np.linalg.solve(poses, self._pose_pull - lever.T @ self._point_pull)
        change = (self._point_pull - self._mixed @ step) / points
        rotation, translation = state.rotation.copy(), state.translation.copy()
        for view, part in enumerate(step.reshape(-1, 6), self._held):
            turn = cv2.Rodrigues(part[:3])[0]
            rotation[view] = turn @ rotation[view]
            translation[view] = turn @ translation[view] + part[3:]
        depth = state.inverse_depth
        return _State(rotation, translation, np.clip(depth + change, _LESS * depth, _MORE * depth))

    def information(self) -> np.ndarray:
        """Inverse of the variance of inverse depth, [L], while the poses are uncertain too."""
        points, lever, poses = self._reduced(_LEAST_DAMPING)
        by_poses = ((lever @ np.linalg.inv(poses)) * lever).sum(1)
        return 1 / (1 / points + np.maximum(by_poses, 0))

    def _reduced(self, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Curvature of points [L]; how they follow poses, [L,P]; of poses without points, [P,P]."""
        points = self._points * (1 + damping)
        lever = self._mixed / points[:, None]
        poses = self._poses - lever.T @ self._mixed
        poses[np.diag_indices_from(poses)] += damping * np.diag(self._poses) + _FLOOR
        return points, lever, poses


def _summed(values: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """Sums of values [M,...] by group, [count,...]."""
    order = np.argsort(groups, kind='stable')
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sums = np.zeros((count, *values.shape[1:]))
    sums[ordered[starts]] = np.add.reduceat(values[order], starts, 0)
    return sums

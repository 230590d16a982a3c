"""Where the camera of each view stood, and how far the points are that it saw."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.bundle import USUAL_SQUARE, Seen, adjust
from dvd_ros.parallax.landmarks import Glimpse, Known, Landmarks
from dvd_ros.parallax.line import believed_line
from dvd_ros.parallax.projection import cross, levers, orthonormal, placed
from dvd_ros.parallax.tracks import Sighting, Tracks, whitened
from dvd_ros.parallax.view import View, sampled
from dvd_ros.tukey import biweight, median

# Fewer points seen again, and the camera is lost.
_FEWEST = 12
# Views after a loss that are adjusted one by one, all together; then so many key views with the
# new ones, the oldest of which are held.
_FIRST, _KEYS, _HELD = 13, 8, 2
# A key view's usual point moved by so many pixels since the last.
_MOVED = 3.0
# Views that are kept for others to look at.
_KEPT = 32
# Usual error of what the network says of a point, in parts of it plus in parts of the usual one.
_PART, _FLOOR = 0.35, 0.05
# Steps that find a pose; it is found where one is smaller.
_STEPS, _DONE = 10, 1e-5
_LEAST = 1e-4


class Odometry:
    """
    Visual odometry of one moving camera, whose scale is the network's where the track began.

    Points are tracked from view to view (see Tracks). A new view's pose follows from the points
    that are known; then poses and points are found together (see adjust), in windows of key views
    and new ones. The network's inverse depth is only a weak prior, through a line (slope, shift)
    that is found along the way: its own scale and shift are not held to be the scene's.
    """

    def __init__(self, focal: np.ndarray, centre: np.ndarray) -> None:
        """focal, centre: x and y, in pixels of the views."""
        self._focal, self._centre = np.asarray(focal, float), np.asarray(centre, float)
        self._tracks = Tracks()
        self._map = Landmarks()
        self._keys: list[int] = []
        self._next = 0
        self.start = 0
        self.line = 1.0, 0.0

    @property
    def poses(self) -> dict[int, RigidTransform]:
        """Poses of the views since the track began and not forgotten, world to camera."""
        return self._map.poses

    def add(self, views: list[tuple[View, np.ndarray]]) -> None:
        """Take the next views, each with the network's inverse depth, float32 [h,w], above 0."""
        first = self._next
        sightings = self._tracks.add([view for view, _ in views])
        for found, (_, network) in zip(sightings, views, strict=True):
            self._observe(found, network)
            if self._next - 1 > self.start and self._next - self.start <= _FIRST:
                self._adjust(list(range(self.start, self._next)), 1)
        if self._next - self.start > _FIRST:
            new = list(range(max(first, self.start), self._next))
            keys = [key for key in self._keys if key < new[0]][-_KEYS:]
            self._adjust(keys + new, max(min(_HELD, len(keys)), 1))
        kept = {*self._keys[-_KEYS:], *range(self._next - _KEPT, self._next)}
        self._map.forget({view for view in kept if view in self._map.poses})

    def known(self, view: int) -> Known:
        """The landmarks that a view sees."""
        return self._map.seen_from(view)

    def pixels(self, view: int) -> np.ndarray:
        """Where a view sees its points, [N,2]."""
        return self._map.glimpses[view].pixels

    def _observe(self, found: Sighting, network: np.ndarray) -> None:
        number, self._next = self._next, self._next + 1
        plane = (found.places - self._centre) / self._focal
        self._map.glimpses[number] = Glimpse(
            found.ids, np.concatenate([plane, np.ones((len(plane), 1))], 1), found.places,
            found.whitening * self._focal[0], sampled(network, found.places).astype(np.float64))
        pose = self._located(number) if number > self.start else None
        if pose is None:
            self._begin(number)
        else:
            self._map.poses[number] = pose

    def _begin(self, number: int) -> None:
        """Begin a track: what was known shares nothing with this view."""
        self.start, self._keys, self.line = number, [number], (1.0, 0.0)
        glimpse = self._map.glimpses[number]
        self._map = Landmarks()
        self._map.glimpses[number] = glimpse
        self._map.poses[number] = RigidTransform.identity()

    def _predicted(self, number: int) -> RigidTransform:
        """The pose of the next camera if it moves on as it did."""
        poses = self._map.poses
        last = poses[number - 1]
        if number - self.start < 2:
            return last
        guess = last @ poses[number - 2].inverse() @ last
        return RigidTransform(orthonormal(guess.rotation), guess.translation)

    def _expected(self, network: np.ndarray) -> np.ndarray:
        """Inverse depth after the line, [N], of the network's."""
        slope, shift = self.line
        depth = slope * network + shift
        return np.maximum(depth, max(_FLOOR * float(np.median(depth)), _LEAST))

    def _located(self, number: int) -> RigidTransform | None:
        """The pose of a view from the points that it sees again; None where it is lost."""
        here, last = self._map.glimpses[number], self._map.glimpses[number - 1]
        again, rows, to = _common(last, here)
        if len(again) < _FEWEST:
            return None
        expected = self._expected(last.network[rows])
        self._map.guess(number - 1, rows, expected)
        depth = self._depth(number - 1, again, expected)
        pose = self._map.poses[number - 1].inverse()
        start = self._predicted(number) @ pose
        motion = _solved(start, last.rays[rows], depth, here.rays[to, :2], here.whitening[to])
        moved = motion @ self._map.poses[number - 1]
        return RigidTransform(orthonormal(moved.rotation), moved.translation)

    def _adjust(self, window: list[int], held: int) -> None:
        glimpses = [self._map.glimpses[view] for view in window]
        ids = np.concatenate([one.ids for one in glimpses])
        order = np.argsort(ids, kind='stable')
        points, starts, which, times = np.unique(ids[order], return_index=True,
                                                 return_inverse=True, return_counts=True)
        enough = times >= min(3, len(window))
        if enough.sum() < _FEWEST or len(window) <= held:
            return
        places = np.repeat(np.arange(len(window)), [len(one.ids) for one in glimpses])[order]
        rays = np.concatenate([one.rays for one in glimpses])[order]
        whitening = np.concatenate([one.whitening for one in glimpses])[order]
        network = np.concatenate([one.network for one in glimpses])[order][starts][enough]
        again = enough[which]
        again[starts] = False
        number = (np.cumsum(enough) - 1)[which[again]]
        points, anchors, starts = points[enough], places[starts[enough]], starts[enough]
        expected = self._expected(network)
        depth = np.zeros(len(points))
        for first in np.unique(anchors).tolist():
            some = anchors == first
            depth[some] = self._depth(window[first], points[some], expected[some])
        found = adjust([self._map.poses[view] for view in window], held,
                       Seen(number, places[again], anchors[number], rays[again, :2],
                            whitening[again]),
                       rays[starts], depth, expected,
                       _PART * expected + _FLOOR * float(np.median(expected)))
        self._map.poses.update(zip(window, found.poses, strict=True))
        self._map.put(points, np.array(window)[anchors], rays[starts], found.inverse_depth,
                      found.information)
        self.line = believed_line(network, found.inverse_depth, found.information, self.line)
        if window[-1] - self.start < _FIRST:
            self._keep_scale(float(np.median(network)))
        self._choose_keys(window)

    def _depth(self, view: int, ids: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Inverse depth [N] of points from a view, as far as it is known, else as expected."""
        found, _ = self._map.moved(view, ids)
        return np.where(found > 0, found, expected)

    def _keep_scale(self, usual: float) -> None:
        """Keep the usual point of the first views where the network has it."""
        slope, shift = self.line
        factor = usual / max(slope * usual + shift, 1e-3 * usual)
        self._map.scaled(factor)
        self.line = slope * factor, shift * factor

    def _choose_keys(self, window: list[int]) -> None:
        for view in window:
            if view <= self._keys[-1]:
                continue
            last, here = self._map.glimpses[self._keys[-1]], self._map.glimpses[view]
            both, before, now = _common(last, here)
            moved = np.linalg.norm(here.pixels[now] - last.pixels[before], axis=1)
            if len(both) < _FEWEST or np.median(moved) > _MOVED:
                self._keys.append(view)
        self._keys = self._keys[-2 * _KEYS:]


def _common(one: Glimpse, other: Glimpse) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers [N] of the points that both saw, and their rows in each."""
    return np.intersect1d(one.ids, other.ids, assume_unique=True, return_indices=True)


def _solved(start: RigidTransform, rays: np.ndarray, inverse_depth: np.ndarray,
            places: np.ndarray, whitening: np.ndarray) -> RigidTransform:
    """The motion after which points are seen at places, by robust Gauss-Newton."""
    rotation, shift = start.rotation, start.translation
    rays, places, whitening = (np.ascontiguousarray(part.T) for part in (rays, places, whitening))
    for _ in range(_STEPS):
        point = rotation @ rays + inverse_depth * shift[:, None]
        error = whitened(whitening, places - placed(point))
        square = (error ** 2).sum(0)
        weight = biweight(square / max(median(square) / USUAL_SQUARE, 1.0))
        slopes = np.concatenate([np.concatenate([cross(point, lever), lever * inverse_depth])
                                 for lever in levers(point, whitening)], 1)
        heavy = slopes * np.tile(weight, 2)
        curve = heavy @ slopes.T
        curve[range(6), range(6)] += 1e-6 * np.trace(curve) + 1e-9
        step = np.linalg.solve(curve, heavy @ error.ravel())
        turn = cv2.Rodrigues(step[:3])[0]
        rotation, shift = turn @ rotation, turn @ shift + step[3:]
        if np.abs(step).max() < _DONE:
            break
    return RigidTransform(orthonormal(rotation), shift)

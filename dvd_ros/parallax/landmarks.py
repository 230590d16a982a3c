"""Points of the scene that were seen in several views, and what is known of how far they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.projection import nearer

# A point by its number: inverse depth along its ray, z = 1, in the view ``anchor``; information 0:
# a guess.
_LANDMARK = np.dtype([('id', np.int64), ('anchor', np.int64), ('ray', np.float64, 3),
                      ('inverse_depth', np.float64), ('information', np.float64)])


@dataclass(frozen=True, eq=False)
class Glimpse:
    """
    Tracked points in one view.

    ids: int [N], rising, the same in each view. rays: [N,3] through the points, z = 1. pixels:
    [N,2]. whitening: [N,3], see Sighting, on the plane at depth 1. network: [N], the network's
    inverse depth.
    """

    ids: np.ndarray
    rays: np.ndarray
    pixels: np.ndarray
    whitening: np.ndarray
    network: np.ndarray


@dataclass(frozen=True, eq=False)
class Known:
    """
    Landmarks from one view: row there [N], inverse depth [N] and its information [N].

    What the network says of them is ``network``, [N].
    """

    rows: np.ndarray
    inverse_depth: np.ndarray
    information: np.ndarray
    network: np.ndarray

    @property
    def sigma(self) -> np.ndarray:
        """Usual error of inverse depth in parts of it, [N]."""
        return self.information ** -0.5 / np.maximum(self.inverse_depth, 1e-9)


class Landmarks:
    """Landmarks by their numbers, with the views that saw them; views are forgotten by number."""

    def __init__(self) -> None:
        self.glimpses: dict[int, Glimpse] = {}
        self.poses: dict[int, RigidTransform] = {}
        self._known = np.zeros(0, _LANDMARK)

    def put(self, ids: np.ndarray, anchors: np.ndarray | int, rays: np.ndarray,
            inverse_depth: np.ndarray, information: np.ndarray | float) -> None:
        """Take landmarks, ids rising, instead of what was known of them."""
        new = np.zeros(len(ids), _LANDMARK)
        new['id'], new['anchor'], new['ray'] = ids, anchors, rays
        new['inverse_depth'], new['information'] = inverse_depth, information
        old = self._known[~np.isin(self._known['id'], ids, assume_unique=True)]
        both = np.concatenate([old, new])
        self._known = both[np.argsort(both['id'])]

    def guess(self, view: int, rows: np.ndarray, inverse_depth: np.ndarray) -> None:
        """Take those of a view's points of which nothing is known where they are guessed."""
        here = self.glimpses[view]
        new = ~np.isin(here.ids[rows], self._known['id'], assume_unique=True)
        rows = rows[new]
        self.put(here.ids[rows], view, here.rays[rows], inverse_depth[new], 0.0)

    def scaled(self, factor: float) -> None:
        """Make all inverse depth larger, and all ways shorter, by a factor."""
        self._known['inverse_depth'] *= factor
        self._known['information'] /= factor ** 2
        self.poses = {view: RigidTransform(pose.rotation, pose.translation / factor)
                      for view, pose in self.poses.items()}

    def forget(self, kept: set[int]) -> None:
        """Keep these views, and what is anchored in them or still seen in the newest."""
        newest = max(kept)
        here = self.glimpses[newest]
        stays = np.isin(self._known['anchor'], list(kept))
        _, rows, _ = np.intersect1d(here.ids, self._known['id'][~stays], assume_unique=True,
                                    return_indices=True)
        depth, sure = self.moved(newest, here.ids[rows])
        self._known = self._known[stays]
        ahead = depth > 0
        rows = rows[ahead]
        self.put(here.ids[rows], newest, here.rays[rows], depth[ahead], sure[ahead])
        self.glimpses = {view: one for view, one in self.glimpses.items() if view in kept}
        self.poses = {view: one for view, one in self.poses.items() if view in kept}

    def moved(self, view: int, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Inverse depth [N] of points from a view, and its information.

        Both are 0 of points that are unknown, or that the view has passed.
        """
        depth, sure = np.zeros(len(ids)), np.zeros(len(ids))
        if not len(self._known):
            return depth, sure
        rows = np.minimum(np.searchsorted(self._known['id'], ids), len(self._known) - 1)
        found = self._known['id'][rows] == ids
        known = self._known[rows[found]]
        there = known['inverse_depth']
        anchors, which = np.unique(known['anchor'], return_inverse=True)
        pose, poses = self.poses[view], [self.poses[anchor] for anchor in anchors.tolist()]
        look = np.array([one.rotation @ pose.rotation[2] for one in poses]).reshape(-1, 3)
        way = pose.translation[2] - np.array([one.translation @ row for one, row in
                                              zip(poses, look, strict=True)])
        here = nearer(look[which], way[which], known['ray'], there)
        depth[found] = here
        # How wrong a depth is in metres stays the same.
        sure[found] = known['information'] * np.where(
            here > 0, there / np.maximum(here, 1e-12), 0) ** 4
        return depth, sure

    def seen_from(self, view: int) -> Known:
        """Landmarks that a view sees, more than guessed, and that lie before it."""
        here = self.glimpses[view]
        depth, sure = self.moved(view, here.ids)
        rows = np.flatnonzero((depth > 0) & (sure > 0))
        return Known(rows, depth[rows], sure[rows], here.network[rows])

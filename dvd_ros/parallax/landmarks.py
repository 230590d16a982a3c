"""Points of the scene that were seen in several views, and what is known of how far they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.projection import nearer


@dataclass(frozen=True, eq=False)
class Glimpse:
    """
    Tracked points in one view.

    rows: number of a point to its row here. rays: [N,3] through the points, z = 1. pixels: [N,2].
    whitening: [N,3], see Sighting, on the plane at depth 1. network: [N], the network's inverse
    depth.
    """

    rows: dict[int, int]
    rays: np.ndarray
    pixels: np.ndarray
    whitening: np.ndarray
    network: np.ndarray


@dataclass(frozen=True)
class Landmark:
    """Inverse depth of a point along its ray in the view ``anchor``; information 0: a guess."""

    anchor: int
    inverse_depth: float
    information: float


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
        self.known: dict[int, Landmark] = {}

    def scaled(self, factor: float) -> None:
        """Make all inverse depth larger, and all ways shorter, by a factor."""
        self.known = {number: Landmark(one.anchor, one.inverse_depth * factor,
                                       one.information / factor ** 2)
                      for number, one in self.known.items()}
        self.poses = {view: RigidTransform(pose.rotation, pose.translation / factor)
                      for view, pose in self.poses.items()}

    def forget(self, kept: set[int]) -> None:
        """Keep these views, and what is anchored in them or still seen in the newest."""
        newest = max(kept)
        lost = [number for number, one in self.known.items() if one.anchor not in kept]
        seen = [number for number in lost if number in self.glimpses[newest].rows]
        depth, sure = self.moved(newest, seen)
        for number in lost:
            del self.known[number]
        self.known.update((number, Landmark(newest, *one)) for number, *one in
                          zip(seen, depth.tolist(), sure.tolist(), strict=True) if one[0] > 0)
        self.glimpses = {view: one for view, one in self.glimpses.items() if view in kept}
        self.poses = {view: one for view, one in self.poses.items() if view in kept}

    def moved(self, view: int, numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Inverse depth [N] of landmarks from a view, 0 of what it passed, and its information."""
        depth, sure = np.zeros(len(numbers)), np.zeros(len(numbers))
        groups: dict[int, list[int]] = {}
        for place, number in enumerate(numbers):
            groups.setdefault(self.known[number].anchor, []).append(place)
        for anchor, places in groups.items():
            ones = [self.known[numbers[place]] for place in places]
            there = np.array([one.inverse_depth for one in ones])
            told = np.array([one.information for one in ones])
            if anchor != view:
                glimpse = self.glimpses[anchor]
                rays = glimpse.rays[[glimpse.rows[numbers[place]] for place in places]]
                motion = self.poses[view] @ self.poses[anchor].inverse()
                here = nearer(motion, rays, there)
                # How wrong a depth is in metres stays the same.
                told = told * np.where(here > 0, there / np.maximum(here, 1e-12), 0) ** 4
                there = here
            depth[places], sure[places] = there, told
        return depth, sure

    def seen_from(self, view: int) -> Known:
        """Landmarks that a view sees, more than guessed, and that lie before it."""
        here = self.glimpses[view]
        numbers = [n for n in here.rows if n in self.known and self.known[n].information > 0]
        depth, sure = self.moved(view, numbers)
        ahead = depth > 0
        rows = np.array([here.rows[n] for n in numbers], np.int64)[ahead]
        return Known(rows, depth[ahead], sure[ahead], here.network[rows])

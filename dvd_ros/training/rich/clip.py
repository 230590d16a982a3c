"""Clips of rich scenes: a place, a camera in it, light and depth frame by frame."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.training.rich import bvh, occlusion, places, tracer
from dvd_ros.training.rich.builder import RichScene
from dvd_ros.training.rich.intersect import BOX, TRIANGLE
from dvd_ros.training.rich.lens import photograph
from dvd_ros.training.rich.prints import POOL
from dvd_ros.training.rich.viewpoint import View, random_view

_PROBE = 40  # pixels across of a first look, without light


class Stage:
    """A scene at a moment: its primitives in the order of their tree."""

    def __init__(self, scene: RichScene) -> None:
        self.scene = scene
        self._moves = bool(np.any(scene.velocity))
        self._time: float | None = None

    def at(self, time: float) -> Stage:
        """Move everything to where it is at ``time`` seconds."""
        if self._time is not None and (not self._moves or time == self._time):
            return self
        scene, self._time = self.scene, time
        data, shift = scene.data.copy(), scene.velocity * time
        flat = scene.kind == TRIANGLE
        data[flat, 0:3] += shift[flat]
        data[~flat, 9:12] += shift[~flat]
        order, self._boxes, self._links = bvh.build(*bvh.bounds_of(scene.kind, data))
        self._kind, self._data = scene.kind[order], data[order]
        self._shift, self._material = shift[order], scene.material[order]
        return self

    def occupied(self, spot: np.ndarray, time: float, margin: float) -> bool:
        """Whether something is, or is about to be, where a camera would be."""
        s = self.scene
        flat = s.kind == TRIANGLE
        return bool(bvh.contains(s.kind[~flat], s.data[~flat], spot - s.velocity[~flat] * time,
                                 margin)
                    or bvh.contains(np.full(len(s.solids), BOX), s.solids,
                                    spot - s.solid_velocity * time, margin))

    def look(self, pose: np.ndarray, height: int, width: int, focal: float,
             ) -> tuple[np.ndarray, np.ndarray]:
        """Linear RGB float32 [H,W,3] and depth float32 [H,W] (inf: sky) of a pose [3,4]."""
        scene = self.scene
        direct, lamps, lit, dim, depth, normals = self._cast(pose, height, width, focal, 1)
        open_ = occlusion.occlusion(depth, normals, pose, focal, scene.reach)
        open_ = cv2.resize(cv2.blur(open_, (2, 2)), (width, height))
        light = (direct + dim * open_[..., None]
                 + lamps * tracer.soften(lit, depth, normals)[..., None])
        if scene.haze > 0:
            clear = np.exp(-scene.haze * np.where(np.isfinite(depth), depth, 1e9))[..., None]
            fog = np.isfinite(depth)[..., None] * (1 - clear)
            light = (1 - fog) * light + fog * scene.sky[3:6].astype(np.float32)
        return light.astype(np.float32), depth

    def probe(self, pose: np.ndarray, aspect: float, focal: float) -> np.ndarray:
        """Depth alone, coarsely; ``focal`` in widths of the image."""
        return self._cast(pose, max(8, round(_PROBE * aspect)), _PROBE, focal * _PROBE, 0)[4]

    def _cast(self, pose: np.ndarray, height: int, width: int, focal: float,
              shaded: int) -> tuple[np.ndarray, ...]:
        s = self.scene
        return tracer.cast(height, width, focal, pose, self._kind, self._data, self._shift,
                           self._material, s.mats, POOL.textures, self._boxes, self._links,
                           s.lights, s.ambient, s.sky, shaded)


def _filmable(depth: np.ndarray, nearest: float) -> bool:
    """Not nose to a wall, and not inside of something."""
    disparity = 1 / depth
    near, most = np.quantile(disparity, [0.995, 0.12])
    return bool(near * nearest < 1 and most * nearest < 0.5)


def _varied(depth: np.ndarray, edges: float) -> bool:
    """Neither one wall alone, nor with edges of things in less than the share ``edges`` of it."""
    disparity = 1 / depth
    low, high = np.quantile(disparity, [0.02, 0.98])
    steps = np.abs(np.diff(disparity, axis=1))[1:] + np.abs(np.diff(disparity, axis=0))[:, 1:]
    return bool(high > 1.35 * low + 1e-4 and (steps > 0.05 * high).mean() >= edges)


def _find_view(rng: np.random.Generator, stage: Stage, frames: int, aspect: float, nearest: float,
               outdoors: bool) -> View | None:
    scene = stage.scene
    edges = float(rng.choice([0.0, 0.02, 0.04, 0.07]))
    for _ in range(12):
        view = random_view(rng, scene, frames)
        ends = sorted({0, frames // 2, frames - 1})
        if any(stage.occupied(view.path.poses[i, :, 3], view.path.times[i], 0.5 * nearest)
               for i in ends):
            continue
        looks = [stage.at(view.path.times[i]).probe(view.path.poses[i], aspect, view.focal)
                 for i in ends]
        if all(_filmable(depth, nearest) for depth in looks) and _varied(looks[0], edges):
            return view
    return None


def try_clip(rng: np.random.Generator, frames: int, height: int, width: int, supersample: float,
             street: float, nearest: float, place: str = '',
             ) -> tuple[np.ndarray, np.ndarray, View] | None:
    """
    Images uint8 [T,H,W,3], depth float32 [T,H,W] metres (inf: sky) and the view; None: try again.

    ``street``: odds of an outdoor place; ``place``: the name of one, in place of odds.
    """
    outdoors = rng.random() < street
    scene = places.make(rng, place or places.choose(rng, outdoors))
    stage = Stage(scene)
    view = _find_view(rng, stage, frames, height / width, nearest, outdoors)
    if view is None:
        return None
    rows, columns = round(supersample * height), round(supersample * width)
    linear = np.empty((frames, height, width, 3), np.float32)
    depth = np.empty((frames, height, width), np.float32)
    for i in range(frames):
        image, z = stage.at(view.path.times[i]).look(view.path.poses[i], rows, columns,
                                                     view.focal * columns)
        if not _filmable(z, nearest):
            return None
        linear[i] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        depth[i] = cv2.resize(z, (width, height), interpolation=cv2.INTER_NEAREST)
    return photograph(linear, rng), depth, view

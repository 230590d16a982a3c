"""Collects the primitives of a rich scene, in frames that nest and may move."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dvd_ros.training.rich.intersect import BOX, CONE, ELLIPSOID, TRIANGLE
from dvd_ros.training.rich.materials import RGB, Palette

Vec = tuple[float, float, float]
Turn = tuple[float, float, float, float, float, float, float, float, float]


def _product(a: Turn, b: Turn) -> Turn:
    return (a[0] * b[0] + a[1] * b[3] + a[2] * b[6], a[0] * b[1] + a[1] * b[4] + a[2] * b[7],
            a[0] * b[2] + a[1] * b[5] + a[2] * b[8], a[3] * b[0] + a[4] * b[3] + a[5] * b[6],
            a[3] * b[1] + a[4] * b[4] + a[5] * b[7], a[3] * b[2] + a[4] * b[5] + a[5] * b[8],
            a[6] * b[0] + a[7] * b[3] + a[8] * b[6], a[6] * b[1] + a[7] * b[4] + a[8] * b[7],
            a[6] * b[2] + a[7] * b[5] + a[8] * b[8])


@dataclass(frozen=True)
class Frame:
    """Where a thing stands: origin, rotation local to world (row-major), velocity in m/s."""

    origin: Vec = (0.0, 0.0, 0.0)
    turn: Turn = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    velocity: Vec = (0.0, 0.0, 0.0)

    def point(self, x: float, y: float, z: float) -> Vec:
        """World position of a local point."""
        r, o = self.turn, self.origin
        return (o[0] + r[0] * x + r[1] * y + r[2] * z, o[1] + r[3] * x + r[4] * y + r[5] * z,
                o[2] + r[6] * x + r[7] * y + r[8] * z)

    def at(self, x: float, y: float, z: float = 0.0, heading: float = 0.0, tilt: float = 0.0,
           roll: float = 0.0, velocity: Vec | None = None) -> Frame:
        """A frame within: turned by heading (about z), then tilt (about x), then roll (about y)."""
        turn = self.turn
        if heading:
            c, s = math.cos(heading), math.sin(heading)
            turn = _product(turn, (c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0))
        if tilt:
            c, s = math.cos(tilt), math.sin(tilt)
            turn = _product(turn, (1.0, 0.0, 0.0, 0.0, c, -s, 0.0, s, c))
        if roll:
            c, s = math.cos(roll), math.sin(roll)
            turn = _product(turn, (c, 0.0, s, 0.0, 1.0, 0.0, -s, 0.0, c))
        return Frame(self.point(x, y, z), turn, self.velocity if velocity is None else velocity)


@dataclass(frozen=True)
class RichScene:
    """
    kind int8 [P], data float64 [P,19] (intersect.py), material int32 [P], velocity [P,3]; mats
    [M,16] (surface.py); lights [L,8], ambient [6,3] and sky [15] (tracer.py); haze 1/m; bounds
    [2,3]: where a camera may be; targets [N,3]: what is worth looking at; reach: of occlusion, m;
    solids [S,19] and their velocity: boxes that a camera must keep out of, besides what is seen.
    """

    kind: np.ndarray
    data: np.ndarray
    material: np.ndarray
    velocity: np.ndarray
    mats: np.ndarray
    lights: np.ndarray
    ambient: np.ndarray
    sky: np.ndarray
    haze: float
    bounds: np.ndarray
    targets: np.ndarray
    outdoors: bool
    reach: float
    place: str
    solids: np.ndarray
    solid_velocity: np.ndarray


def _unpacked(rows: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the builder [n,21], and as intersect.py reads them [n,19]."""
    table = np.array(rows, float).reshape(-1, 21)
    data = np.zeros((len(table), 19))
    data[:, :9] = table[:, 5:14].reshape(-1, 3, 3).transpose(0, 2, 1).reshape(-1, 9)
    data[:, 9:12] = table[:, 14:17]
    data[:, 12:15] = np.maximum(table[:, 17:20], 1e-4)
    data[:, 15] = table[:, 20]
    return table, data


@dataclass
class Builder:
    """Primitives and materials so far; ``rng`` decides everything that is left open."""

    rng: np.random.Generator
    palette: Palette
    rows: list[tuple] = field(default_factory=list)
    meshes: list[tuple[np.ndarray, int, Vec]] = field(default_factory=list)
    lights: list[tuple[float, ...]] = field(default_factory=list)
    targets: list[Vec] = field(default_factory=list)
    solids: list[tuple] = field(default_factory=list)
    clutter: float = 1.0  # how many small things there are, for one in a tidy place
    night: bool = False  # then street lamps, headlights and many windows are lit

    def __post_init__(self) -> None:
        self.clutter = float(np.clip(np.exp(self.rng.normal(0.25, 0.6)), 0.3, 3.0))

    def mat(self, kind: str, tint: RGB | None = None, **options: Any) -> int:
        """A new material; see Palette.make."""
        return self.palette.make(kind, tint, **options)

    def box(self, frame: Frame, centre: Vec, size: Vec, mat: int) -> None:
        self.rows.append((BOX, mat, *frame.velocity, *frame.turn, *frame.point(*centre),
                          size[0] / 2, size[1] / 2, size[2] / 2, 1.0))

    def ellipsoid(self, frame: Frame, centre: Vec, size: Vec, mat: int) -> None:
        """``size``: the three diameters."""
        self.rows.append((ELLIPSOID, mat, *frame.velocity, *frame.turn, *frame.point(*centre),
                          size[0] / 2, size[1] / 2, size[2] / 2, 1.0))

    def cone(self, frame: Frame, base: Vec, below: float, above: float, height: float, mat: int,
             lids: bool = True) -> None:
        """A frustum of two radii on ``base`` along local z; a cylinder if they are the same."""
        x, y, z = base
        self.rows.append((CONE, mat, *frame.velocity, *frame.turn,
                          *frame.point(x, y, z + height / 2), max(below, 1e-4), max(above, 1e-4),
                          height / 2, float(lids)))

    def rod(self, frame: Frame, start: Vec, end: Vec, radius: float, mat: int,
            last: float | None = None) -> None:
        """A frustum from ``start`` to ``end``; ``last``: its radius there."""
        dx, dy, dz = (b - a for a, b in zip(start, end, strict=True))
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        if length < 1e-6:
            return
        heading, tilt = math.atan2(dx, -dy), math.acos(max(-1.0, min(1.0, dz / length)))
        self.cone(frame.at(*start, heading, tilt), (0, 0, 0), radius,
                  radius if last is None else last, length, mat)

    def limb(self, frame: Frame, start: Vec, end: Vec, radius: float, mat: int,
             last: float | None = None) -> None:
        """A rod with round ends."""
        self.rod(frame, start, end, radius, mat, last)
        end_size = 2 * (radius if last is None else last)
        self.ellipsoid(frame, start, (2 * radius,) * 3, mat)
        self.ellipsoid(frame, end, (end_size,) * 3, mat)

    def tube(self, frame: Frame, points: list[Vec], radius: float, mat: int) -> None:
        """A bent rod: cables, handles, pipes."""
        for start, end in zip(points, points[1:], strict=False):
            self.rod(frame, start, end, radius, mat)

    def lathe(self, frame: Frame, profile: list[tuple[float, float]], mat: int,
              scale: float = 1.0) -> None:
        """A turned body of (radius, height) from below to above; its foot is closed."""
        for (below, low), (above, high) in zip(profile, profile[1:], strict=False):
            if high - low > 1e-5:
                self.cone(frame, (0, 0, low * scale), below * scale, above * scale,
                          (high - low) * scale, mat, False)
        self.cone(frame, (0, 0, profile[0][1] * scale), profile[0][0] * scale * 0.99,
                  profile[0][0] * scale * 0.99, 0.004 * scale, mat)

    def mesh(self, frame: Frame, triangles: np.ndarray, mat: int, scale: Vec = (1.0, 1.0, 1.0),
             centre: Vec = (0.0, 0.0, 0.0)) -> None:
        """Triangles float64 [n,6,3] (three corners, three normals) of mesh.py, stretched."""
        turn = np.array(frame.turn).reshape(3, 3)
        stretch = np.array(scale)
        corners = (triangles[:, :3] * stretch + np.array(centre)) @ turn.T + np.array(frame.origin)
        rows = np.empty((len(triangles), 19))
        rows[:, 0:3] = corners[:, 0]
        rows[:, 3:9] = (corners[:, 1:] - corners[:, :1]).reshape(-1, 6)
        rows[:, 9:18] = ((triangles[:, 3:] / stretch) @ turn.T).reshape(-1, 9)
        self.meshes.append((rows, mat, frame.velocity))

    def light(self, at: Vec, radius: float, colour: np.ndarray, sun: bool = False) -> None:
        """A lamp at a position, or a sun in a direction; colour: linear RGB strength."""
        self.lights.append((*at, radius, *(float(c) for c in colour), float(sun)))

    def solid(self, frame: Frame, centre: Vec, size: Vec) -> None:
        """A box that no camera may be in, for bodies made of triangles; nobody sees it."""
        self.box(frame, centre, size, 0)
        self.solids.append(self.rows.pop())

    def spot(self, frame: Frame, wide: float, deep: float, heading: float | None = None) -> Frame:
        """A frame somewhere within wide x deep metres; heading: at random if it is not given."""
        x, y = self.rng.uniform(-wide / 2, wide / 2), self.rng.uniform(-deep / 2, deep / 2)
        return frame.at(x, y, 0.0, self.rng.uniform(0, 2 * math.pi) if heading is None else heading)

    def target(self, frame: Frame, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        """Note something that a camera may look at."""
        self.targets.append(frame.point(x, y, z))

    def build(self, ambient: np.ndarray, sky: np.ndarray, haze: float, bounds: np.ndarray,
              outdoors: bool, reach: float, place: str) -> RichScene:
        """The scene as arrays; four lights at most."""
        table, data = _unpacked(self.rows)
        hidden, solids = _unpacked(self.solids)
        counts = [len(rows) for rows, _, _ in self.meshes]
        kind = np.concatenate([table[:, 0], np.full(sum(counts), TRIANGLE)]).astype(np.int8)
        material = np.concatenate([table[:, 1], np.repeat([m for _, m, _ in self.meshes], counts)])
        moving = np.array([v for _, _, v in self.meshes], float).reshape(-1, 3)
        velocity = np.concatenate([table[:, 2:5], np.repeat(moving, counts, 0)])
        return RichScene(
            kind, np.concatenate([data, *(rows for rows, _, _ in self.meshes)]),
            material.astype(np.int32), velocity, self.palette.table(),
            np.array(self.lights, float).reshape(-1, 8)[:4], ambient, sky, haze, bounds,
            np.array(self.targets, float).reshape(-1, 3), outdoors, reach, place,
            solids, hidden[:, 2:5])

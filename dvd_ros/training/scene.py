"""A scene as flat arrays for the ray caster, and the builder that fills them.

World frame: metres, z up. Every primitive is a unit shape stretched by its half extents,
turned about its centre and, if it moves, shifted by ``velocity`` per second.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from dvd_ros.training.raycast import BOX, CYLINDER, ELLIPSOID, GROUND, ROOM

# What a surface looks like: texture index, texels per metre, tint [3], gloss.
Look = tuple[int, float, np.ndarray, float]


def turn_about_z(angle: float) -> np.ndarray:
    """Rotation [3,3] by an angle in radians about the world's up axis."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Scene:
    """Arrays over P primitives, and what lights them.

    kind int8 [P]; rot [P,3,3] world to local; centre, half, tint, velocity [P,3]; radius [P] of
    the bounding sphere; texture int64 [P,4] by face (x, y, z, ceiling); texels_per_metre,
    gloss [P]; textures uint8 [n,texels,3]; lights [L,7]; sky [6]; haze 1/m (see raycast.cast).
    """

    kind: np.ndarray
    rot: np.ndarray
    centre: np.ndarray
    half: np.ndarray
    tint: np.ndarray
    velocity: np.ndarray
    radius: np.ndarray
    texture: np.ndarray
    texels_per_metre: np.ndarray
    gloss: np.ndarray
    textures: np.ndarray
    lights: np.ndarray
    sky: np.ndarray
    haze: float
    bounds: np.ndarray  # [2,3] lower and upper corner of where a camera may be
    outdoors: bool


@dataclass
class Place:
    """Where a piece of furniture stands: an origin on the floor and a heading."""

    origin: np.ndarray
    heading: float

    def point(self, x: float, y: float, z: float) -> np.ndarray:
        return self.origin + turn_about_z(self.heading) @ np.array([x, y, z])


@dataclass
class SceneBuilder:
    """Collects primitives; ``rng`` also chooses what a shape looks like."""

    rng: np.random.Generator
    textures: np.ndarray
    shapes: list[tuple] = field(default_factory=list)

    def look(self) -> Look:
        """A random surface."""
        rng = self.rng
        tint = np.clip(rng.normal(0.85, 0.15) + rng.normal(0, 0.05, 3), 0.15, 1.1)
        gloss = rng.uniform(0.5, 6) if rng.random() < 0.25 else 0.0
        return int(rng.integers(len(self.textures))), 256 / rng.uniform(0.25, 2.5), tint, gloss

    def add(self, kind: int, centre: ArrayLike, half: ArrayLike, rot: np.ndarray | None = None,
            look: Look | None = None, velocity: ArrayLike | None = None,
            faces: tuple[int, ...] | None = None) -> None:
        """Add one primitive; ``rot`` is local to world [3,3]."""
        rot = np.eye(3) if rot is None else rot
        texture, density, tint, gloss = look or self.look()
        faces = faces or (texture,) * 4
        extent = np.maximum(np.asarray(half, float), 1e-3)
        radius = np.linalg.norm(extent) if kind in (BOX, CYLINDER) else extent.max()
        still = np.zeros(3) if velocity is None else np.asarray(velocity, float)
        self.shapes.append((kind, rot.T, np.asarray(centre, float), extent, tint, still, radius,
                            faces, density, gloss))

    def box(self, place: Place, centre: tuple[float, float, float], size: ArrayLike,
            look: Look | None = None, velocity: ArrayLike | None = None) -> None:
        """A box standing in a place: centre and full size in the place's frame."""
        self.add(BOX, place.point(*centre), np.asarray(size) / 2, turn_about_z(place.heading),
                 look, velocity)

    def cylinder(self, place: Place, centre: tuple[float, float, float], diameter: float,
                 height: float, look: Look | None = None) -> None:
        self.add(CYLINDER, place.point(*centre), (diameter / 2, diameter / 2, height / 2),
                 turn_about_z(place.heading), look)

    def ellipsoid(self, place: Place, centre: tuple[float, float, float], size: ArrayLike,
                  look: Look | None = None, velocity: ArrayLike | None = None) -> None:
        self.add(ELLIPSOID, place.point(*centre), np.asarray(size) / 2,
                 turn_about_z(place.heading), look, velocity)

    def room(self, size: ArrayLike, look_floor: Look, look_wall: Look, look_ceiling: Look) -> None:
        """The inside of a box whose floor is z=0, centred at the origin."""
        half = np.asarray(size) / 2
        faces = (look_wall[0], look_wall[0], look_floor[0], look_ceiling[0])
        self.add(ROOM, (0, 0, half[2]), half, None, look_wall, None, faces)

    def ground(self, look: Look) -> None:
        self.add(GROUND, (0, 0, 0), (1, 1, 1), None, look)

    def build(self, lights: ArrayLike, sky: ArrayLike, haze: float, bounds: ArrayLike,
              outdoors: bool) -> Scene:
        kind, rot, centre, half, tint, velocity, radius, faces, density, gloss = (
            np.array(column) for column in zip(*self.shapes, strict=True))
        return Scene(
            kind.astype(np.int8), rot, centre, half, tint, velocity, radius.astype(float),
            faces.astype(np.int64), density.astype(float), gloss.astype(float), self.textures,
            np.asarray(lights, float), np.asarray(sky, float), haze, np.asarray(bounds, float),
            outdoors)

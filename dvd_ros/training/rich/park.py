"""Grass and uneven ground: parks, gardens, meadows, paths, rocks."""

from __future__ import annotations

import math

import cv2
import numpy as np

from dvd_ros.training.rich import houses, people, plants, roadside, vehicles
from dvd_ros.training.rich.builder import Builder, Frame, RichScene
from dvd_ros.training.rich.materials import Palette
from dvd_ros.training.rich.mesh import height_field, superellipsoid
from dvd_ros.training.rich.street import daylight, distance

_CELLS, _SPACING = 44, 2.2


class _Land:
    """Rolling ground and its height anywhere."""

    def __init__(self, rng: np.random.Generator) -> None:
        rough, relief = rng.uniform(2, 7), rng.choice([0.3, 1.5, 4.0]) * rng.uniform(0.4, 1.0)
        noise = cv2.GaussianBlur(rng.standard_normal((_CELLS, _CELLS)), (0, 0), rough)
        self.heights = noise / (noise.std() + 1e-9) * relief * 0.5
        self.heights -= self.heights[_CELLS // 2, _CELLS // 2]

    def at(self, x: float, y: float) -> float:
        """Height by bilinear interpolation, as the triangles have it but for a little."""
        u = float(np.clip(x / _SPACING + (_CELLS - 1) / 2, 0, _CELLS - 1.001))
        v = float(np.clip(y / _SPACING + (_CELLS - 1) / 2, 0, _CELLS - 1.001))
        i, k = int(u), int(v)
        a, c = u - i, v - k
        h = self.heights
        # The two triangles of a cell share the diagonal from (i, k) to (i+1, k+1).
        if a >= c:
            return float(h[i, k] + a * (h[i + 1, k] - h[i, k]) + c * (h[i + 1, k + 1]
                                                                      - h[i + 1, k]))
        return float(h[i, k] + c * (h[i, k + 1] - h[i, k]) + a * (h[i + 1, k + 1] - h[i, k + 1]))


def _rock(b: Builder, f: Frame) -> None:
    s = b.rng.uniform(0.1, 0.9, 3) * b.rng.uniform(0.4, 1.4)
    at = f.at(0, 0, 0, 0, b.rng.normal(0, 0.3), b.rng.normal(0, 0.3))
    b.mesh(at, superellipsoid(float(b.rng.choice([0.5, 0.7, 1.0])), 0.8, 5, 7), b.mat('concrete'),
           (float(s[0]), float(s[1]), float(s[2]) * 0.6))


def _log(b: Builder, f: Frame) -> None:
    r = b.rng.uniform(0.1, 0.3)
    b.rod(f, (-1.2, 0, r), (1.2, 0, r), r, b.mat('bark'))
    b.target(f, 0, 0, r)


def _path(b: Builder, land: _Land) -> None:
    """Slabs that follow the ground."""
    rng, mat = b.rng, b.mat(str(b.rng.choice(['earth', 'asphalt', 'paving', 'concrete'])))
    wide, bend, y, x = rng.uniform(1.2, 3.0), rng.normal(0, 0.03), rng.uniform(-3, 3), -30.0
    turn = rng.normal(0, 0.2)
    for _ in range(60):
        nx, ny = x + 1.2 * math.cos(turn), y + 1.2 * math.sin(turn)
        z, nz = land.at(x, y), land.at(nx, ny)
        at = Frame().at(x, y, z + 0.015, turn, 0.0, -math.atan2(nz - z, 1.2))
        b.box(at, (0.6, 0, 0), (1.35, wide, 0.05), mat)
        x, y, turn = nx, ny, turn + bend + rng.normal(0, 0.03)


def park(rng: np.random.Generator, kind: str) -> RichScene:
    """kind: park (trees, paths, benches, people) or wild (rocks, trunks, tufts)."""
    b, land = Builder(rng, Palette(rng)), _Land(rng)
    ambient, sky, haze = daylight(b)
    ground = b.mat('grass' if kind == 'park' or rng.random() < 0.5 else 'earth')
    b.mesh(Frame(), height_field(land.heights, _SPACING), ground)
    b.box(Frame(), (0, 0, float(land.heights.min()) - 0.8), (1500, 1500, 1.0), ground)
    distance(b)
    if kind == 'park' or rng.random() < 0.4:
        _path(b, land)
    near = {'park': (plants.tree, plants.bush, roadside.bench, roadside.bollard, plants.tuft,
                     people.person, roadside.street_lamp, vehicles.bicycle, _rock),
            'wild': (plants.tree, plants.tree, plants.bush, plants.tuft, plants.tuft, _rock, _rock,
                     _log)}[kind]
    for _ in range(int(rng.integers(25, 80))):
        a, far = rng.uniform(0, 2 * np.pi), 2 + 40 * rng.random() ** 1.2
        x, y = far * np.cos(a), far * np.sin(a)
        near[int(rng.integers(len(near)))](b, Frame().at(x, y, land.at(x, y), rng.uniform(0, 6)))
    for _ in range(int(rng.integers(0, 6)) if kind == 'park' else 0):
        a, far = rng.uniform(0, 2 * np.pi), rng.uniform(15, 38)
        x, y = far * np.cos(a), far * np.sin(a)
        what = rng.random()
        at = Frame().at(x, y, land.at(x, y) - 0.2, a + math.pi / 2)
        if what < 0.4:
            houses.house(b, at.at(0, 0, 0, math.pi), rng.uniform(6, 14), 8, far < 30)
        elif what < 0.7:
            roadside.fence(b, at, 14)
        else:
            plants.hedge(b, at, 10)
    low = land.at(0, 0)
    bounds = np.array([[-6.0, -6.0, low - 0.2], [6.0, 6.0, low + 6.0]])
    return b.build(ambient, sky, haze, bounds, True, 1.0, kind)

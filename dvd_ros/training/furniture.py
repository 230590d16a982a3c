"""Things that stand in rooms and streets, each made of a few primitives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dvd_ros.training.scene import Place, SceneBuilder


def table(scene: SceneBuilder, place: Place) -> float:
    """A table or desk; returns the height of its top."""
    rng = scene.rng
    width, depth = rng.uniform(0.6, 2.2), rng.uniform(0.5, 1.1)
    height, board = rng.uniform(0.4, 1.0), rng.uniform(0.02, 0.08)
    look, leg = scene.look(), scene.look()
    scene.box(place, (0, 0, height), (width, depth, board), look)
    thick = rng.uniform(0.03, 0.1)
    for sx in (-1, 1):
        for sy in (-1, 1):
            scene.box(place, (sx * (width - thick) / 2, sy * (depth - thick) / 2, height / 2),
                      (thick, thick, height), leg)
    small_things(scene, place, height + board / 2, width * 0.42, depth * 0.42,
                 int(rng.integers(0, 8)))
    return height


def small_things(scene: SceneBuilder, place: Place, top: float, reach_x: float, reach_y: float,
                 count: int) -> None:
    """Cups, books, screens and boxes on a surface at height ``top``."""
    rng = scene.rng
    for _ in range(count):
        x, y = rng.uniform(-reach_x, reach_x), rng.uniform(-reach_y, reach_y)
        spot = Place(place.point(x, y, top), rng.uniform(0, np.pi))
        kind = rng.integers(0, 4)
        height = rng.uniform(0.04, 0.45)
        if kind == 0:
            scene.cylinder(spot, (0, 0, height / 2), rng.uniform(0.05, 0.2), height)
        elif kind == 1:
            size = rng.uniform(0.06, 0.3, 3)
            scene.ellipsoid(spot, (0, 0, size[2] / 2), size)
        elif kind == 2:
            tall = rng.uniform(0.15, 0.5)
            scene.box(spot, (0, 0, tall / 2 + 0.05),
                      (rng.uniform(0.2, 0.7), rng.uniform(0.02, 0.08), tall))
        else:
            size = rng.uniform(0.05, 0.4, 3)
            scene.box(spot, (0, 0, size[2] / 2), size)


def shelf(scene: SceneBuilder, place: Place) -> None:
    rng = scene.rng
    width, depth, height = rng.uniform(0.5, 1.8), rng.uniform(0.25, 0.6), rng.uniform(0.8, 2.2)
    look = scene.look()
    for side in (-1, 1):
        scene.box(place, (side * width / 2, 0, height / 2), (0.04, depth, height), look)
    scene.box(place, (0, -depth / 2, height / 2), (width, 0.02, height), look)
    for level in np.linspace(0.1, height, int(rng.integers(2, 6))):
        scene.box(place, (0, 0, level), (width, depth, 0.03), look)
        small_things(scene, place, level + 0.015, width * 0.4, depth * 0.25,
                     int(rng.integers(0, 3)))


def chair(scene: SceneBuilder, place: Place) -> None:
    rng = scene.rng
    seat, width = rng.uniform(0.38, 0.52), rng.uniform(0.38, 0.55)
    look, leg = scene.look(), scene.look()
    scene.box(place, (0, 0, seat), (width, width, 0.06), look)
    scene.box(place, (0, -width / 2, seat + 0.3), (width, 0.04, rng.uniform(0.3, 0.7)), look)
    if rng.random() < 0.5:
        scene.cylinder(place, (0, 0, seat / 2), 0.07, seat, leg)
        scene.cylinder(place, (0, 0, 0.03), width, 0.05, leg)
    else:
        for sx in (-1, 1):
            for sy in (-1, 1):
                scene.box(place, (sx * width * 0.45, sy * width * 0.45, seat / 2),
                          (0.04, 0.04, seat), leg)


def sofa(scene: SceneBuilder, place: Place) -> None:
    rng = scene.rng
    width, depth, look = rng.uniform(1.0, 2.6), rng.uniform(0.7, 1.0), scene.look()
    scene.box(place, (0, 0, 0.22), (width, depth, 0.44), look)
    scene.box(place, (0, -depth / 2, 0.45), (width, 0.22, 0.9), look)
    for side in (-1, 1):
        scene.box(place, (side * width / 2, 0, 0.32), (0.2, depth, 0.64), look)
    small_things(scene, place, 0.44, width * 0.35, depth * 0.2, int(rng.integers(0, 3)))


def cabinet(scene: SceneBuilder, place: Place) -> None:
    rng = scene.rng
    size = (rng.uniform(0.4, 2.0), rng.uniform(0.35, 0.7), rng.uniform(0.5, 2.2))
    scene.box(place, (0, 0, size[2] / 2), size)
    for x in np.arange(-size[0] / 2, size[0] / 2, rng.uniform(0.3, 0.7))[1:]:
        scene.box(place, (x, size[1] / 2, size[2] / 2), (0.02, 0.03, size[2] * 0.9))
    if size[2] < 1.3:
        small_things(scene, place, size[2], size[0] * 0.4, size[1] * 0.3, int(rng.integers(0, 6)))


def person(scene: SceneBuilder, place: Place, velocity: ArrayLike | None = None) -> None:
    rng = scene.rng
    height = rng.uniform(1.5, 1.95)
    top, legs, skin = scene.look(), scene.look(), scene.look()
    for side in (-0.1, 0.1):
        scene.ellipsoid(place, (side, 0, height * 0.25), (0.18, 0.2, height * 0.54), legs, velocity)
    scene.ellipsoid(place, (0, 0, height * 0.65), (0.48, 0.28, height * 0.42), top, velocity)
    scene.ellipsoid(place, (0, 0, height * 0.93), (0.2, 0.22, 0.26), skin, velocity)


def lamp(scene: SceneBuilder, place: Place) -> None:
    height = scene.rng.uniform(1.0, 1.9)
    scene.cylinder(place, (0, 0, height / 2), 0.04, height)
    scene.cylinder(place, (0, 0, height), scene.rng.uniform(0.2, 0.5), 0.3)


def heap(scene: SceneBuilder, place: Place) -> None:
    """Cartons, balls and barrels in no order, some tilted."""
    rng = scene.rng
    for _ in range(int(rng.integers(1, 6))):
        size = rng.uniform(0.15, 0.8, 3)
        spot = (rng.normal(0, 0.4), rng.normal(0, 0.4), size[2] / 2)
        kind = rng.integers(0, 3)
        if kind == 0:
            scene.box(Place(place.origin, rng.uniform(0, np.pi)), spot, size)
        elif kind == 1:
            scene.ellipsoid(place, spot, size)
        else:
            scene.cylinder(place, spot, size[0], size[2])


def car(scene: SceneBuilder, place: Place, velocity: ArrayLike | None = None) -> None:
    rng = scene.rng
    length, width, look = rng.uniform(3.4, 5.2), rng.uniform(1.6, 2.0), scene.look()
    belt, dark = rng.uniform(0.75, 1.0), scene.look()
    scene.box(place, (0, 0, belt / 2 + 0.15), (length, width, belt - 0.3), look, velocity)
    roof = rng.uniform(0.4, 0.8)
    scene.box(place, (-0.05 * length, 0, belt + roof / 2), (length * rng.uniform(0.4, 0.75),
              width * 0.88, roof), dark, velocity)
    for x in (-0.32, 0.32):
        scene.ellipsoid(place, (x * length, 0, 0.3), (0.64, width * 1.04, 0.64), dark, velocity)


def tree(scene: SceneBuilder, place: Place) -> None:
    rng = scene.rng
    height = rng.uniform(2.5, 9)
    crown = scene.look()
    green = np.array([0.5, 0.75, 0.3]) * rng.uniform(0.6, 1.3)
    scene.cylinder(place, (0, 0, height * 0.3), rng.uniform(0.15, 0.6), height * 0.6)
    for _ in range(int(rng.integers(1, 5))):
        size = height * rng.uniform(0.25, 0.6, 3)
        scene.ellipsoid(place, (rng.normal(0, 0.12) * height, rng.normal(0, 0.12) * height,
                        height * rng.uniform(0.6, 0.9)), size, (crown[0], crown[1], green, 0.0))


def pole(scene: SceneBuilder, place: Place) -> None:
    rng = scene.rng
    height = rng.uniform(2.0, 7.0)
    scene.cylinder(place, (0, 0, height / 2), rng.uniform(0.06, 0.25), height)
    if rng.random() < 0.6:
        scene.box(place, (0, 0, height), (rng.uniform(0.3, 1.0), 0.05, rng.uniform(0.3, 1.0)))


INDOOR = (table, table, shelf, chair, chair, sofa, cabinet, cabinet, lamp, heap, heap, person)

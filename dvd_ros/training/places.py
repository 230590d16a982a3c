"""Random places to film: furnished rooms, corridors, streets."""

from __future__ import annotations

import numpy as np

from dvd_ros.training import furniture
from dvd_ros.training.scene import Look, Place, Scene, SceneBuilder
from dvd_ros.training.textures import choose_textures


def _surface(scene: SceneBuilder, lightness: float, metres: tuple[float, float]) -> Look:
    texture, _, _, gloss = scene.look()
    tint = np.clip(scene.rng.normal(lightness, 0.12) + scene.rng.normal(0, 0.04, 3), 0.2, 1.15)
    return texture, 256 / scene.rng.uniform(*metres), tint, gloss * 0.3


def _wall_things(scene: SceneBuilder, size: np.ndarray) -> None:
    """Doors, windows, pictures, radiators, beams: thin boxes on the walls and the ceiling."""
    rng = scene.rng
    for _ in range(int(rng.integers(2, 14))):
        wall = int(rng.integers(0, 4))
        along = size[1] if wall < 2 else size[0]
        offset = rng.uniform(-0.45, 0.45) * along
        out = size[0] / 2 if wall < 2 else size[1] / 2
        side = 1 if wall % 2 else -1
        width, depth = rng.uniform(0.2, 1.6), rng.uniform(0.02, 0.25)
        if rng.random() < 0.25:
            z0, tall = 0.0, rng.uniform(1.9, 2.2)
        else:
            z0, tall = rng.uniform(0.2, max(0.3, size[2] - 1.0)), rng.uniform(0.2, 1.3)
        where = (side * out, offset) if wall < 2 else (offset, side * out)
        extent = (depth, width, tall) if wall < 2 else (width, depth, tall)
        scene.box(Place(np.zeros(3), 0.0), (*where, z0 + tall / 2), extent)
    if rng.random() < 0.35:
        for x in np.arange(-size[0] / 2, size[0] / 2, rng.uniform(0.8, 2.5))[1:]:
            scene.box(Place(np.zeros(3), 0.0), (x, 0, size[2] - 0.05),
                      (rng.uniform(0.08, 0.4), size[1], rng.uniform(0.05, 0.3)))


def room(rng: np.random.Generator) -> Scene:
    """A furnished room; one in five is a corridor or a hall."""
    scene = SceneBuilder(rng, choose_textures(rng, 14))
    shape = rng.random()
    if shape < 0.12:
        size = np.array([rng.uniform(6, 16), rng.uniform(1.6, 3.0), rng.uniform(2.2, 3.2)])
    elif shape < 0.25:
        size = np.array([rng.uniform(8, 18), rng.uniform(7, 14), rng.uniform(3, 6)])
    else:
        size = np.array([rng.uniform(2.8, 7.5), rng.uniform(2.8, 7.5), rng.uniform(2.2, 3.4)])
    scene.room(size, _surface(scene, 0.75, (0.5, 3)), _surface(scene, 0.9, (0.8, 5)),
               _surface(scene, 0.95, (0.8, 5)))
    _wall_things(scene, size)
    crowd = int(np.clip(size[0] * size[1] * rng.uniform(0.1, 0.7), 2, 16))
    for _ in range(crowd):
        maker = furniture.INDOOR[int(rng.integers(len(furniture.INDOOR)))]
        if rng.random() < 0.55:  # against a wall, its back to it
            wall = int(rng.integers(0, 4))
            heading = (0, np.pi, -np.pi / 2, np.pi / 2)[wall]
            along = rng.uniform(-0.45, 0.45)
            inset = 0.4
            spot = {0: (along * size[0], -size[1] / 2 + inset), 1: (along * size[0],
                    size[1] / 2 - inset), 2: (-size[0] / 2 + inset, along * size[1]),
                    3: (size[0] / 2 - inset, along * size[1])}[wall]
        else:
            heading = rng.uniform(0, 2 * np.pi)
            spot = (rng.uniform(-0.42, 0.42) * size[0], rng.uniform(-0.42, 0.42) * size[1])
        maker(scene, Place(np.array([*spot, 0.0]), heading))
    if rng.random() < 0.4:
        way = rng.uniform(0, 2 * np.pi)
        speed = rng.uniform(0.2, 1.2)
        furniture.person(scene, Place(np.array([*(rng.uniform(-0.3, 0.3, 2) * size[:2]), 0.0]), 0),
                         (speed * np.cos(way), speed * np.sin(way), 0))
    if rng.random() < 0.3:
        inner = rng.uniform(-0.2, 0.2) * size[0]
        scene.box(Place(np.zeros(3), 0.0), (inner, size[1] * rng.choice([-0.3, 0.3]), size[2] / 2),
                  (0.12, size[1] * 0.4, size[2]))
    warm = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 1.05)])
    lights = []
    for _ in range(int(rng.integers(1, 4))):
        at = (*(rng.uniform(-0.4, 0.4, 2) * size[:2]), size[2] - rng.uniform(0.05, 0.8))
        lights.append([*at, *(warm * rng.uniform(0.2, 0.9)), 0.0])
    fill = rng.uniform(0.12, 0.45)
    sky = np.concatenate([warm * fill, warm * fill * rng.uniform(0.4, 1.0)])
    margin = np.array([0.3, 0.3, 0.25])
    bounds = np.array([[-size[0] / 2, -size[1] / 2, 0.0], [size[0] / 2, size[1] / 2, size[2]]])
    return scene.build(lights, sky, 0.0, bounds + np.array([margin, -margin]), False)


def street(rng: np.random.Generator) -> Scene:
    """A road between houses, trees, poles, parked and moving cars, people, an open sky."""
    scene = SceneBuilder(rng, choose_textures(rng, 14))
    texture, _, _, _ = scene.look()
    grey = np.clip(rng.normal(0.5, 0.15) + rng.normal(0, 0.04, 3), 0.15, 1.0)
    scene.ground((texture, 256 / rng.uniform(2, 12), grey, 0.0))
    half_road, length = rng.uniform(3.0, 9.0), 90.0
    for side in (-1, 1):
        if rng.random() < 0.7:
            scene.box(Place(np.zeros(3), 0.0), (30, side * (half_road + 2), 0.07),
                      (140, 4, 0.14), _surface(scene, 0.7, (0.5, 2)))
        x = -15.0
        while x < length:
            width, tall = rng.uniform(4, 18), rng.uniform(2.5, 16)
            if rng.random() < 0.75:
                depth = rng.uniform(5, 12)
                spot = (x + width / 2, side * (half_road + rng.uniform(3, 9) + depth / 2), tall / 2)
                scene.box(Place(np.zeros(3), 0.0), spot, (width, depth, tall),
                          _surface(scene, 0.85, (2, 8)))
            x += width + rng.uniform(0, 10)
        for _ in range(int(rng.integers(2, 10))):
            place = Place(np.array([rng.uniform(-8, 60), side * (half_road + rng.uniform(0.6, 5)),
                                    0.0]), rng.uniform(0, 2 * np.pi))
            maker = (furniture.tree, furniture.tree, furniture.pole, furniture.heap,
                     furniture.person)[int(rng.integers(0, 5))]
            maker(scene, place)
        for _ in range(int(rng.integers(0, 7))):
            place = Place(np.array([rng.uniform(-5, 55), side * (half_road - 1.1), 0.0]),
                          rng.normal(0, 0.05))
            furniture.car(scene, place)
    for _ in range(int(rng.integers(0, 4))):
        lane = rng.choice([-0.5, 0.5]) * half_road
        place = Place(np.array([rng.uniform(6, 50), lane, 0.0]), rng.normal(0, 0.03))
        furniture.car(scene, place, (rng.uniform(-8, 8), 0, 0))
    elevation, azimuth = rng.uniform(0.3, 1.3), rng.uniform(0, 2 * np.pi)
    sun = rng.uniform(0.1, 1.0) * np.array([1.0, rng.uniform(0.85, 1), rng.uniform(0.7, 1)])
    lights = [[np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
               np.sin(elevation), *sun, 1.0]]
    blue = np.array([rng.uniform(0.6, 1), rng.uniform(0.75, 1), 1.0]) * rng.uniform(0.3, 0.6)
    sky = np.concatenate([blue, blue * rng.uniform(0.3, 0.7)])
    bounds = np.array([[-4.0, -half_road * 0.8, 0.4], [40.0, half_road * 0.8, 3.0]])
    return scene.build(lights, sky, rng.choice([0.0, rng.uniform(0, 0.02)]), bounds, True)

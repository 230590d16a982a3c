"""Corridors, warehouses with racks, stairwells, garages: what is not furnished as a room."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.training.rich import furniture, interiors, objects, outlook, people, roadside, vehicles
from dvd_ros.training.rich.builder import Builder, Frame, RichScene
from dvd_ros.training.rich.materials import Palette
from dvd_ros.training.rich.shell import (
    Wall,
    add_door,
    add_windows,
    walls_of,
)

Size = tuple[float, float, float]


def _finish(b: Builder, walls: list[Wall], size: Size, place: str) -> RichScene:
    ambient, sky = interiors.light_room(b, walls, size)
    outlook.outside(b, size[0], size[1])
    wide, deep, high = size
    bounds = np.array([[-wide / 2, -deep / 2, 0.0], [wide / 2, deep / 2, high]])
    bounds += np.array([[0.2, 0.2, 0.15], [-0.2, -0.2, -0.15]])
    return b.build(ambient, sky, 0.0, bounds, False, 0.5, place)


def corridor(rng: np.random.Generator) -> RichScene:
    """Long and narrow, with doors on both sides, some open; pipes, lockers, notices."""
    b = Builder(rng, Palette(rng))
    size = (rng.uniform(7, 24), rng.uniform(1.4, 3.2), rng.uniform(2.3, 3.3))
    wide, deep, high = size
    walls = walls_of(Frame(), *size)
    for wall in walls[:2]:
        for _ in range(int(rng.integers(1, 2 + int(wide / 3)))):
            add_door(b, wall)
    add_door(b, walls[2])
    (add_windows if rng.random() < 0.5 else add_door)(b, walls[3])
    interiors.enclose(b, Frame(), walls, size)
    for wall in walls[:2]:
        interiors.annex(b, wall)
    makers: list = [(furniture.bin_, 0.5), (furniture.tall_plant, 0.6), (furniture.carton, 0.7),
                    (furniture.stool, 0.5), (lambda b, f: furniture.cabinet(b, f, 1.2, 0.4, 1.9),
                                             1.25)]
    if deep > 1.9:
        interiors.against_walls(b, walls[:2], [makers[int(k)] for k in rng.integers(0, 5, 6)])
    for wall in walls[:2]:
        if rng.random() < 0.4:
            r, z = rng.uniform(0.02, 0.06), high - rng.uniform(0.15, 0.4)
            b.rod(wall.frame, (-wide / 2, 0.1, z), (wide / 2, 0.1, z), r, b.mat('metal'))
    if rng.random() < 0.2:
        b.box(Frame(), (0, 0, 0.006), (wide, deep * 0.6, 0.012), b.mat('carpet'))
    for _ in range(int(rng.integers(0, 3))):
        people.person(b, b.spot(Frame(), 0.9 * wide, 0.6 * deep), rng.random() < 0.8)
    for x in np.arange(-wide / 2 + 1, wide / 2, 2.5):
        b.target(Frame(), float(x), rng.uniform(-0.5, 0.5) * deep, 1.2)
    return _finish(b, walls, size, 'corridor')


def _rack(b: Builder, f: Frame, long: float, high: float) -> None:
    """Pallets and cartons on beams, along x."""
    rng, post, beam = b.rng, b.mat('paint'), b.mat('paint')
    deep, board = 1.0, b.mat('wood')
    bays, level = max(1, round(long / 2.6)), rng.uniform(1.1, 1.7)
    for k in range(bays + 1):
        x = (k / bays - 0.5) * long
        for y in (-deep / 2, deep / 2):
            b.box(f, (x, y, high / 2), (0.09, 0.09, high), post)
        for z in np.arange(0.5, high, 1.0):
            b.rod(f, (x, -deep / 2, float(z) - 0.4), (x, deep / 2, float(z) + 0.4), 0.015, post)
    for k in range(int(high / level) + 1):
        z = k * level + (0.05 if k == 0 else 0.0)
        if k:
            for y in (-deep / 2, deep / 2):
                b.box(f, (0, y, z), (long, 0.06, 0.12), beam)
        for i in range(2 * bays):
            if rng.random() < 0.2:
                continue
            at = f.at(((i + 0.5) / (2 * bays) - 0.5) * long, 0, z + 0.08)
            b.box(at, (0, 0, 0.06), (1.1, 0.95, 0.12), board)
            what, wide = rng.random(), long / (2 * bays) * 0.85
            if what < 0.5:
                tall = level * rng.uniform(0.3, 0.65)
                b.box(at, (0, 0, 0.12 + tall / 2), (wide, 0.9, tall),
                      b.mat('cardboard', fit=True, repeat=(2.0, 1.0)))
            elif what < 0.85:
                n, tall = 3, rng.uniform(0.2, 0.4)
                for j in range(n * int(rng.integers(1, 3))):
                    b.box(at.at((j % n - 1) * wide / 3, rng.normal(0, 0.05),
                                0.12 + tall * (j // n), rng.normal(0, 0.06)),
                          (0, 0, tall / 2), (wide / 3.2, 0.6, tall),
                          b.mat(str(rng.choice(['cardboard', 'plastic', 'label'])), fit=True))
            else:
                r = 0.29
                b.cone(at, (0, 0, 0.12), r, r, 0.85, b.mat('lacquer'))


def warehouse(rng: np.random.Generator) -> RichScene:
    """A hall of racks with aisles, pallets, a forklift's worth of clutter."""
    b = Builder(rng, Palette(rng))
    size = (rng.uniform(14, 30), rng.uniform(9, 20), rng.uniform(4.5, 8))
    wide, deep, high = size
    walls = walls_of(Frame(), *size)
    for k in (0, 2):
        add_windows(b, walls[k])
    add_door(b, walls[1])
    interiors.enclose(b, Frame(), walls, size)
    steel = b.mat('metal', (0.3,) * 3)
    for x in np.arange(-wide / 2, wide / 2 + 0.1, 5.0):
        b.box(Frame(), (float(x), 0, high - 0.25), (0.2, deep, 0.4), steel)
        for s in (-1, 1):
            b.box(Frame(), (float(x), s * (deep / 2 - 0.12), high / 2), (0.2, 0.2, high), steel)
    if rng.random() < 0.75:
        step = rng.uniform(3.2, 5.0)
        for y in np.arange(-deep / 2 + 1.0, deep / 2 - 0.8, step):
            _rack(b, Frame().at(rng.normal(0, 0.4), float(y)), wide * rng.uniform(0.5, 0.85),
                  min(high - 0.8, rng.uniform(2.2, 5.5)))
            for x in np.arange(-wide / 3, wide / 3, 3.0):
                b.target(Frame(), float(x), float(y), rng.uniform(0.5, 2.0))
        yellow = b.mat('paint', (0.8, 0.6, 0.05))
        for y in np.arange(-deep / 2 + 1.0, deep / 2 - 0.8, step):
            b.box(Frame(), (0, float(y) + 0.75, 0.003), (wide, 0.1, 0.006), yellow)
    else:  # a garage or a hall of machines
        for _ in range(int(rng.integers(2, 7))):
            at = b.spot(Frame(), 0.8 * wide, 0.75 * deep, float(rng.choice([0, math.pi / 2])))
            if rng.random() < 0.6:
                vehicles.car(b, at)
            else:
                furniture.cabinet(b, at, rng.uniform(1, 2.5), 1.0, rng.uniform(1.0, 2.2))
        for x in np.arange(-wide / 3, wide / 3 + 0.1, 5.0):
            b.cone(Frame(), (float(x), deep * 0.15, 0), 0.22, 0.22, high, b.mat('concrete'))
    for _ in range(int(rng.integers(3, 15))):
        at = b.spot(Frame(), 0.9 * wide, 0.9 * deep)
        maker = (furniture.carton, furniture.carton, roadside.bollard, furniture.bin_,
                 roadside.bins)[int(rng.integers(5))]
        maker(b, at)
    for _ in range(int(rng.integers(0, 4))):
        people.person(b, b.spot(Frame(), 0.8 * wide, 0.8 * deep), rng.random() < 0.7)
    return _finish(b, walls, size, 'warehouse')


def _flight(b: Builder, f: Frame, steps: int, wide: float, mat: int, railed: bool) -> None:
    """Steps that rise along +y from the origin."""
    tread, rise = 0.28, 0.17
    metal = b.mat(str(b.rng.choice(['metal', 'wood', 'paint'])))
    closed = b.rng.random() < 0.7
    for k in range(steps):
        z = (k + 1) * rise
        thick = z if closed else 0.04
        b.box(f, (0, (k + 0.5) * tread, z - thick / 2), (wide, tread + 0.02, thick), mat)
        if k % 2 == 0 and railed:
            for s in (-1, 1):
                b.rod(f, (s * wide / 2, (k + 0.5) * tread, z),
                      (s * wide / 2, (k + 0.5) * tread, z + 0.9), 0.01, metal)
    for s in (-1, 1) if railed else ():
        b.rod(f, (s * wide / 2, 0, 0.95), (s * wide / 2, steps * tread, 0.95 + steps * rise),
              0.025, metal)
    b.target(f, 0, steps * tread / 2, steps * rise / 2 + 0.3)


def stairs(rng: np.random.Generator) -> RichScene:
    """A hall with flights of stairs and a gallery with a railing."""
    b = Builder(rng, Palette(rng))
    size = (rng.uniform(4, 9), rng.uniform(6, 11), rng.uniform(4.8, 6.5))
    wide, deep, high = size
    walls = walls_of(Frame(), *size)
    for wall in walls[:3]:
        add_door(b, wall)
    add_windows(b, walls[3])
    interiors.enclose(b, Frame(), walls, size)
    steps = int(rng.integers(12, 16))
    up, run_ = steps * 0.17, steps * 0.28
    mat = b.mat(str(rng.choice(['wood', 'concrete', 'marble', 'specks', 'planks'])))
    stair_x, gallery = rng.uniform(-0.25, 0.25) * wide, min(2.2, deep / 2 + 0.3)
    start = deep / 2 - gallery - run_
    _flight(b, Frame().at(stair_x, start), steps, rng.uniform(1.0, 1.8), mat, rng.random() < 0.85)
    b.box(Frame(), (0, deep / 2 - gallery / 2, up - 0.1), (wide, gallery, 0.2), mat)
    rail, y = b.mat(str(rng.choice(['metal', 'paint', 'wood']))), deep / 2 - gallery
    for x in np.arange(-wide / 2, wide / 2, 0.13):
        if abs(x - stair_x) > 0.95:
            b.rod(Frame(), (float(x), y, up), (float(x), y, up + 1.0), 0.008, rail)
    for low, far in ((-wide / 2, stair_x - 0.95), (stair_x + 0.95, wide / 2)):
        if far > low:
            b.rod(Frame(), (low, y, up + 1.0), (far, y, up + 1.0), 0.025, rail)
    for x in (-wide / 4, wide / 4):
        b.cone(Frame(), (x, y + 0.2, 0), 0.12, 0.12, up, b.mat('concrete'))
    for _ in range(int(rng.integers(1, 6))):
        maker = (furniture.tall_plant, furniture.bin_, furniture.chair, people.person,
                 furniture.carton)[int(rng.integers(5))]
        maker(b, b.spot(Frame().at(0, -deep / 4), 0.85 * wide, deep * 0.4))
    return _finish(b, walls, size, 'stairs')


def shop(rng: np.random.Generator) -> RichScene:
    """Gondolas of goods, or desks in rows before a board, as in a school."""
    b = Builder(rng, Palette(rng))
    size = (rng.uniform(7, 14), rng.uniform(6, 11), rng.uniform(2.7, 3.6))
    wide, deep, high = size
    walls = walls_of(Frame(), *size)
    add_door(b, walls[0])
    add_windows(b, walls[1])
    interiors.enclose(b, Frame(), walls, size)
    goods = rng.random() < 0.5
    for x in np.arange(-wide / 2 + 1.6, wide / 2 - 1, rng.uniform(1.9, 2.8)):
        for y in np.arange(-deep / 2 + 1.6, deep / 2 - 1.0, 1.4 if goods else 1.7):
            if rng.random() < 0.12:
                continue
            at = Frame().at(float(x), float(y), 0, math.pi / 2 if goods else 0.0)
            if goods:
                furniture.shelf(b, at, 1.3)
            else:
                furniture.table(b, b.spot(at, 0.1, 0.1, 0.0), 1.2, 0.55, 0.74,
                                int(rng.integers(0, 5)), objects.DESK)
                for k in (-0.3, 0.3):
                    furniture.chair(b, at.at(k, -0.5 + rng.normal(0, 0.08), 0,
                                             rng.normal(0, 0.2)))
    interiors.against_walls(b, walls, [interiors.open_shelf(1.4), interiors.open_shelf(1.4),
                                       (furniture.tall_plant, 0.6)])
    for _ in range(int(rng.integers(0, 4))):
        people.person(b, b.spot(Frame(), 0.8 * wide, 0.8 * deep), rng.random() < 0.6)
    return _finish(b, walls, size, 'shop')

"""Furnished rooms: living rooms, kitchens, bedrooms, offices, and store rooms full of things."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.training.rich import furniture, kitchen, objects, outlook, people
from dvd_ros.training.rich.builder import Builder, Frame, RichScene
from dvd_ros.training.rich.materials import Palette
from dvd_ros.training.rich.shell import (
    THICK,
    Wall,
    add_door,
    add_windows,
    build_wall,
    ceiling_lamps,
    decorate,
    partition,
    walls_of,
)

FLOORS = ('planks', 'planks', 'carpet', 'carpet', 'tiles', 'wood', 'concrete', 'marble', 'specks')


def enclose(b: Builder, origin: Frame, walls: list[Wall], size: tuple[float, float, float],
            bare: tuple[int, ...] = ()) -> None:
    """Floor, ceiling and walls (but those numbered in ``bare``) of a room."""
    wide, deep, high = size
    mat = b.mat('wall', b.palette.pale()) if b.rng.random() < 0.8 else b.mat(
        str(b.rng.choice(['bricks', 'wood', 'tiles', 'concrete'])))
    accent = b.mat('wall') if b.rng.random() < 0.25 else mat
    trim = b.mat('paint', b.palette.pale()) if b.rng.random() < 0.7 else b.mat('wood')
    kind = str(b.rng.choice(FLOORS))
    dull = kind in ('carpet', 'specks') and b.rng.random() < 0.8
    floor = b.mat(kind, b.palette.dull() if dull else None)
    full = (wide + 2 * THICK, deep + 2 * THICK)
    b.box(origin, (0, 0, -0.1), (*full, 0.2), floor)
    b.box(origin, (0, 0, high + 0.1), (*full, 0.2), b.mat('wall', (0.85, 0.84, 0.82)
                                                               if b.rng.random() < 0.8 else None))
    for k, wall in enumerate(walls):
        if k not in bare:
            build_wall(b, wall, accent if k == 0 else mat, trim)
            decorate(b, wall)
    if b.rng.random() < 0.1:
        beam = b.mat('wood')
        for x in np.arange(-wide / 2 + 0.4, wide / 2, b.rng.uniform(0.8, 1.6)):
            b.box(origin, (x, 0, high - 0.08), (0.12, deep, 0.16), beam)


def annex(b: Builder, wall: Wall) -> None:
    """A further room behind the doors of a wall."""
    doors = [o for o in wall.openings if o[4] == 'door']
    if not doors:
        return
    rng = b.rng
    deep, wide = rng.uniform(1.8, 5.0), wall.length
    origin = wall.frame.at(0, -THICK - deep / 2, 0, math.pi)
    walls = walls_of(origin, wide, deep, wall.height)
    if rng.random() < 0.5:
        add_windows(b, walls[1])
    # Its own south wall is the one with the door, which is there already.
    enclose(b, origin, walls, (wide, deep, wall.height), (0,))
    for k in (1, 2, 3):
        x = walls[k].room_for(rng, 1.2)
        if x is not None and rng.random() < 0.7:
            at = walls[k].frame.at(x, 0.02)
            if rng.random() < 0.5:
                furniture.shelf(b, at, 1.1)
            else:
                furniture.cabinet(b, at, 1.1, 0.45, rng.uniform(0.7, 2.0))
    if rng.random() < 0.5:
        b.light(origin.point(0, 0, wall.height - 0.3), 0.1, np.ones(3) * rng.uniform(0.3, 0.9))


def against_walls(b: Builder, walls: list[Wall], makers: list) -> None:
    """Each maker gets a free stretch of some wall, if there is one; (maker, width) each."""
    for maker, wide in makers:
        order = b.rng.permutation(len(walls))
        for k in order:
            x = walls[k].room_for(b.rng, wide)
            if x is not None:
                maker(b, walls[k].frame.at(x, 0.02))
                break


def _cupboard(low: float, high: float, wide: float) -> tuple:
    def make(b: Builder, f: Frame) -> None:
        furniture.cabinet(b, f, wide, b.rng.uniform(0.35, 0.6), b.rng.uniform(low, high))
    return make, wide


def open_shelf(wide: float) -> tuple:
    """A maker for against_walls, and the width that it needs."""
    return (lambda b, f: furniture.shelf(b, f, wide)), wide + 0.05


def dining(b: Builder, f: Frame, makers: tuple) -> None:
    """A table with chairs about it, as people left them."""
    rng = b.rng
    wide, deep, high = rng.uniform(0.9, 2.2), rng.uniform(0.75, 1.1), rng.uniform(0.7, 0.78)
    furniture.table(b, f, wide, deep, high, int(rng.integers(3, 12)), makers)
    for k in range(int(rng.integers(1, 7))):
        side, x = (1 if k % 2 else -1), (k // 2 - 0.7) * wide * 0.35 + rng.normal(0, 0.06)
        out = deep / 2 + rng.uniform(-0.05, 0.4)
        furniture.chair(b, f.at(x, side * out, 0, (0 if side < 0 else math.pi)
                                + rng.normal(0, 0.35)))


def free_spot(b: Builder, floor: np.ndarray, wide: float, deep: float) -> Frame:
    """A place to put a thing on the floor, clear of what stands there if that is to be had."""
    for _ in range(8):
        at = b.spot(Frame(), 0.92 * wide, 0.92 * deep)
        if (np.hypot(*(floor[:, :2] - at.origin[:2]).T) > floor[:, 2] + 0.22).all():
            break
    return at


def footprints(b: Builder) -> np.ndarray:
    """Of all that is low and no bigger than furniture: x, y and how far it reaches, [n,3]."""
    table = np.array(b.rows, float)
    half, z = table[:, 17:20], table[:, 16]
    low = (z - half[:, 2] < 0.8) & (z + half[:, 2] > 0.04) & (half[:, :2].max(1) < 1.2)
    meshes = [rows[:, 0:3] for rows, _, _ in b.meshes]
    seats = np.concatenate(meshes)[::8] if meshes else np.empty((0, 3))
    seats = seats[seats[:, 2] < 1.0]
    return np.concatenate([
        np.column_stack([table[low, 14:16], half[low, :2].min(1)]),
        np.column_stack([seats[:, :2], np.full(len(seats), 0.05)])])


def _living(b: Builder, walls: list[Wall], wide: float, deep: float) -> None:
    against_walls(b, walls, [(furniture.sofa, 2.2), open_shelf(1.2), _cupboard(0.4, 0.8, 1.4),
                             (furniture.tall_plant, 0.6), (furniture.floor_lamp, 0.5),
                             open_shelf(0.8), (furniture.sofa, 1.4)])
    at = b.spot(Frame(), 0.3 * wide, 0.3 * deep)
    b.box(at, (0, 0, 0.006), (b.rng.uniform(1.4, 2.6), b.rng.uniform(1.2, 2.0), 0.012),
          b.mat('carpet'))
    if b.rng.random() < 0.6:
        furniture.table(b, at, b.rng.uniform(0.7, 1.2), 0.6, b.rng.uniform(0.35, 0.5), 5)
    else:
        dining(b, at, objects.EVERY)


def _kitchen(b: Builder, walls: list[Wall], wide: float, deep: float) -> None:
    long = sorted(range(4), key=lambda k: -walls[k].length * b.rng.uniform(0.7, 1.3))
    for k in long[:int(b.rng.integers(1, 3))]:
        kitchen.run(b, walls[k])
    against_walls(b, walls, [_cupboard(0.8, 2.1, 0.9), open_shelf(0.8)])
    if min(wide, deep) > 2.6:
        turned = float(b.rng.choice([0, math.pi / 2])) + b.rng.normal(0, 0.1)
        dining(b, b.spot(Frame(), 0.24 * wide, 0.24 * deep, turned),
               objects.KITCHEN + (objects.papers, objects.book_pile))


def _bedroom(b: Builder, walls: list[Wall], wide: float, deep: float) -> None:
    against_walls(b, walls, [(furniture.bed, 1.9), _cupboard(1.9, 2.2, 1.6), _cupboard(.4, .6, .5),
                             _cupboard(0.7, 1.1, 1.0), (furniture.desk, 1.7),
                             (furniture.tall_plant, 0.5)])


def _office(b: Builder, walls: list[Wall], wide: float, deep: float) -> None:
    against_walls(b, walls, [*[(furniture.desk, 1.9)] * 3, open_shelf(1.2),
                             _cupboard(0.7, 1.9, 0.9), (furniture.tall_plant, 0.6)])
    if b.rng.random() < 0.5 and min(wide, deep) > 3.5:
        dining(b, Frame().at(0, 0, 0, b.rng.normal(0, 0.2)), objects.DESK)


def _store(b: Builder, walls: list[Wall], wide: float, deep: float) -> None:
    against_walls(b, walls, [open_shelf(1.4), open_shelf(1.4), open_shelf(1.0),
                             _cupboard(0.8, 2.0, 1.0), (furniture.table_bench, 1.6)])
    for _ in range(int(b.rng.integers(4, 14))):
        furniture.carton(b, b.spot(Frame(), 0.9 * wide, 0.9 * deep))


ROOMS = {'living room': _living, 'kitchen': _kitchen, 'bedroom': _bedroom, 'office': _office,
         'store room': _store}


def light_room(b: Builder, walls: list[Wall], size: tuple[float, float, float],
               ) -> tuple[np.ndarray, np.ndarray]:
    """Daylight and lamps; returns ambient light [6,3] and the sky [15]."""
    rng = b.rng
    windows = [(w, o) for w in walls for o in w.openings if o[4] == 'window']
    day = len(windows) > 0 and rng.random() < 0.7
    tint = np.array([rng.uniform(0.75, 1.0), rng.uniform(0.85, 1.0), 1.0])
    level = rng.uniform(0.15, 0.5) if day else rng.uniform(0.06, 0.4)
    ambient = np.ones((6, 3)) * level * np.array([1.0, rng.uniform(0.9, 1), rng.uniform(0.75, 1)])
    ambient *= rng.uniform(0.6, 1.3, (6, 1))
    ambient[5] *= rng.uniform(0.6, 1.0)
    sun = None
    if day:
        strength = rng.uniform(0.8, 3.0)
        for k in rng.permutation(len(windows))[:2]:
            wall, (x0, x1, z0, z1, _) = windows[k]
            b.light(wall.frame.point((x0 + x1) / 2, -0.35, (z0 + z1) / 2 + 0.1),
                    min(x1 - x0, z1 - z0) * 0.35, strength * tint)
        if rng.random() < 0.4:
            wall = windows[0][0]
            out = np.array(wall.frame.point(rng.uniform(-0.8, 0.8), -1.0, rng.uniform(0.3, 1.2)))
            sun = out - np.array(wall.frame.point(0, 0, 0))
            sun /= np.linalg.norm(sun)
            b.light(tuple(sun), 0.012, np.array([1, 0.92, 0.8]) * rng.uniform(2, 5), True)
    on = rng.uniform(0.3, 1.0) if not day or rng.random() < 0.3 else 0.0
    ceiling_lamps(b, Frame(), *size, on)
    return ambient, outlook.sky(rng, sun, rng.uniform(1.5, 6.0) if day else rng.uniform(0.0, 0.1))


def room(rng: np.random.Generator, kind: str) -> RichScene:
    """A room of one of ROOMS, with windows, doors and what is beyond them."""
    b = Builder(rng, Palette(rng))
    size = (rng.uniform(2.6, 6.5), rng.uniform(2.6, 6.0), rng.uniform(2.3, 3.1))
    wide, deep, high = size
    walls = walls_of(Frame(), *size)
    order = [int(k) for k in rng.permutation(4)]
    doored, windowed = order[:int(rng.integers(1, 3))], order[2:2 + int(rng.integers(0, 3))]
    for k in doored:
        add_door(b, walls[k])
    for k in windowed:
        add_windows(b, walls[k])
    enclose(b, Frame(), walls, size)
    for k in doored:
        annex(b, walls[k])
    ROOMS[kind](b, walls, wide, deep)
    if rng.random() < (0.35 if kind == 'office' else 0.08):
        along = rng.random() < 0.5
        at = b.spot(Frame(), 0.5 * wide, 0.5 * deep, 0.0 if along else math.pi / 2)
        partition(b, at, (wide if along else deep) * rng.uniform(0.3, 0.6), high * 0.97)
    floor = footprints(b)
    for _ in range(int(rng.integers(0, 2 + int(b.clutter * wide * deep / 3)))):
        maker = furniture.FLOOR[int(rng.integers(len(furniture.FLOOR)))]
        maker(b, free_spot(b, floor, wide, deep))
    if rng.random() < 0.25:
        people.person(b, free_spot(b, floor, 0.8 * wide, 0.8 * deep), walking=rng.random() < 0.6)
    ambient, sky = light_room(b, walls, size)
    if windowed:
        outlook.outside(b, wide, deep)
    bounds = np.array([[-wide / 2, -deep / 2, 0.0], [wide / 2, deep / 2, high]])
    bounds += np.array([[0.2, 0.2, 0.15], [-0.2, -0.2, -0.15]])
    return b.build(ambient, sky, 0.0, bounds, False, 0.4, kind)

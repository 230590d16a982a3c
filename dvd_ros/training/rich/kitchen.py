"""Kitchen fittings: counters with sink and hob, wall cupboards, a fridge, an extractor."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.training.rich import objects
from dvd_ros.training.rich.builder import Builder, Frame
from dvd_ros.training.rich.mesh import flat
from dvd_ros.training.rich.shell import Wall


def _front(b: Builder, f: Frame, x: float, z: float, wide: float, tall: float, deep: float,
           mat: int, metal: int, drawer: bool) -> None:
    b.box(f, (x, deep + 0.01, z), (wide - 0.008, 0.02, tall - 0.008), mat)
    if drawer:
        b.rod(f, (x - wide * 0.25, deep + 0.045, z + tall * 0.3),
              (x + wide * 0.25, deep + 0.045, z + tall * 0.3), 0.006, metal)
    else:
        b.rod(f, (x + wide * 0.38, deep + 0.045, z + tall * 0.1),
              (x + wide * 0.38, deep + 0.045, z + tall * 0.4), 0.006, metal)


def _sink(b: Builder, f: Frame, x: float, top: float) -> None:
    metal = b.mat('metal', (0.6, 0.6, 0.62))
    b.box(f, (x, 0.3, top + 0.002), (0.55, 0.42, 0.008), metal)
    b.box(f, (x, 0.3, top + 0.006), (0.45, 0.34, 0.003), b.mat('metal', (0.15, 0.15, 0.16)))
    points = [(x, 0.08, top), (x, 0.08, top + 0.22), (x, 0.12, top + 0.29), (x, 0.2, top + 0.29),
              (x, 0.23, top + 0.23)]
    b.tube(f, points, 0.013, metal)


def _hob(b: Builder, f: Frame, x: float, top: float) -> None:
    b.box(f, (x, 0.3, top + 0.004), (0.56, 0.5, 0.008), b.mat('lacquer', (0.02, 0.02, 0.02)))
    for dx, dy in ((-0.14, -0.12), (0.14, -0.12), (-0.14, 0.12), (0.14, 0.12)):
        if b.rng.random() < 0.3:
            r, h, mat = b.rng.uniform(0.08, 0.12), b.rng.uniform(0.06, 0.16), b.mat('metal')
            pot = f.at(x + dx, 0.3 + dy, top + 0.01)
            b.lathe(pot, [(r, 0), (r, h)], mat)
            b.rod(pot, (r, 0, h * 0.8), (r + 0.15, 0, h * 0.9), 0.01, b.mat('plastic', (.03,) * 3))
        else:
            b.cone(f, (x + dx, 0.3 + dy, top + 0.008), 0.08, 0.08, 0.002,
                   b.mat('plastic', (.08,) * 3))


def fridge(b: Builder, f: Frame) -> None:
    high, white = b.rng.uniform(1.3, 2.0), b.mat('lacquer', b.palette.pale())
    b.box(f, (0, 0.3, high / 2), (0.6, 0.6, high), white)
    split = high * b.rng.uniform(0.35, 0.7)
    for low, top in ((0.05, split), (split + 0.01, high)):
        b.box(f, (0, 0.62, (low + top) / 2), (0.59, 0.04, top - low), white)
        b.rod(f, (0.24, 0.67, low + 0.1), (0.24, 0.67, min(low + 0.5, top - 0.1)), 0.01,
              b.mat('metal'))
    for _ in range(int(b.rng.integers(0, 6))):
        at = f.at(b.rng.uniform(-0.2, 0.2), 0.643, b.rng.uniform(0.8, high - 0.15))
        b.box(at, (0, 0, 0), (b.rng.uniform(0.05, 0.2), 0.003, b.rng.uniform(0.05, 0.25)),
              b.mat(str(b.rng.choice(['page', 'poster', 'picture'])), fit=True))
    if b.rng.random() < 0.5:
        objects.scatter(b, f.at(0, 0.3, high), 0.55, 0.5, 3, objects.KITCHEN)


def run(b: Builder, wall: Wall) -> None:
    """Counters along all of the wall that is free, and cupboards above."""
    rng, f = b.rng, wall.frame
    top, deep, unit = rng.uniform(0.86, 0.94), 0.58, rng.uniform(0.45, 0.62)
    front = b.mat(str(rng.choice(['lacquer', 'lacquer', 'wood', 'paint'])))
    upper = front if rng.random() < 0.6 else b.mat('wood')
    worktop = b.mat(str(rng.choice(['wood', 'marble', 'specks', 'metal'])))
    metal, splash = b.mat('metal'), b.mat(str(rng.choice(['tiles', 'tiles', 'lacquer'])))
    slots = int((wall.length - 0.1) / unit)
    start = -slots * unit / 2
    free = [x for x in (start + (k + 0.5) * unit for k in range(slots))
            if all(x + unit / 2 < a or x - unit / 2 > c for a, c in wall.taken)]
    if not free:
        return
    special = [float(x) for x in rng.permutation(free)]
    icebox = special.pop() if len(special) > 3 and rng.random() < 0.6 else None
    for x in free:
        wall.taken.append((x - unit / 2, x + unit / 2))
        if x == icebox:
            fridge(b, f.at(x, 0))
            continue
        b.box(f, (x, deep / 2 - 0.02, 0.05), (unit, deep - 0.08, 0.1), b.mat('plastic', (.04,) * 3))
        b.box(f, (x, deep / 2, (top + 0.1) / 2), (unit, deep, top - 0.1), front)
        if rng.random() < 0.4:
            for z, tall in ((0.25, 0.28), (0.53, 0.27), (0.76, 0.17)):
                _front(b, f, x, z * top / 0.9, unit, tall * top / 0.9, deep, front, metal, True)
        else:
            _front(b, f, x, (top + 0.08) / 2, unit, top - 0.14, deep, front, metal, False)
        b.box(f, (x, deep / 2 + 0.015, top + 0.018), (unit, deep + 0.05, 0.036), worktop)
        if wall.clear_above(x, unit, top, top + 0.5):
            b.box(f, (x, 0.006, top + 0.25), (unit, 0.012, 0.44), splash)
        objects.scatter(b, f.at(x, deep / 2, top + 0.037), unit, deep, int(rng.integers(0, 4)),
                        objects.KITCHEN)
        b.target(f, x, deep, top)
    if special:
        _sink(b, f, special[0], top + 0.036)
    if len(special) > 1:
        _hob(b, f, special[1], top + 0.036)
        if rng.random() < 0.6:
            hood = f.at(special[1], 0.2, 1.6)
            if wall.clear_above(special[1], 0.6, 1.5, 2.2):
                b.mesh(hood, _pyramid(), metal, (0.3, 0.2, 0.2))
                b.box(hood, (0, -0.05, 0.4), (0.2, 0.2, 0.5), metal)
    if rng.random() < 0.75:
        for x in free:
            if x != icebox and wall.clear_above(x, unit, 1.4, 2.1) and \
                    (len(special) < 2 or x != special[1]):
                b.box(f, (x, 0.16, 1.78), (unit, 0.32, 0.66), upper)
                _front(b, f, x, 1.78, unit, 0.66, 0.32, upper, metal, False)
    elif rng.random() < 0.6:
        b.box(f, (0, 0.11, 1.5), (wall.length * 0.7, 0.22, 0.025), b.mat('wood'))
        objects.scatter(b, f.at(0, 0.11, 1.513), wall.length * 0.7, 0.2, 9, objects.KITCHEN)


def _pyramid() -> np.ndarray:
    low = [(math.cos(a) * 1.41, math.sin(a) * 1.41, -1.0) for a in
           (math.pi / 4, 3 * math.pi / 4, 5 * math.pi / 4, 7 * math.pi / 4)]
    high = [(x * 0.35, y * 0.35, 1.0) for x, y, _ in low]
    faces = [[low[0], low[2], low[1]], [low[0], low[3], low[2]]]
    for i in range(4):
        k = (i + 1) % 4
        faces += [[low[i], low[k], high[k]], [low[i], high[k], high[i]]]
    return flat(np.array(faces))

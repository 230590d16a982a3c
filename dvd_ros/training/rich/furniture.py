"""Tables, seats, beds, shelves, cupboards. Those for a wall have it at y = 0 and face +y."""

from __future__ import annotations

import math

from dvd_ros.training.rich import objects
from dvd_ros.training.rich.builder import Builder, Frame
from dvd_ros.training.rich.mesh import superellipsoid


def _legs(b: Builder, f: Frame, wide: float, deep: float, high: float, mat: int) -> None:
    r, style = b.rng.uniform(0.012, 0.04), b.rng.integers(0, 3)
    splay = b.rng.uniform(0, 0.08) if style == 1 else 0.0
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (wide / 2 - r - 0.02), sy * (deep / 2 - r - 0.02)
            if style == 0:
                b.box(f, (x, y, high / 2), (2 * r, 2 * r, high), mat)
            else:
                b.rod(f, (x + sx * splay, y + sy * splay, 0), (x, y, high), r * 0.7, mat, r)


def table(b: Builder, f: Frame, wide: float, deep: float, high: float, things: int,
          makers: tuple = objects.EVERY) -> None:
    """A table whose middle is the origin."""
    board = b.rng.uniform(0.018, 0.05)
    top = b.mat(str(b.rng.choice(['wood', 'wood', 'planks', 'lacquer', 'marble'])))
    leg = b.mat(str(b.rng.choice(['wood', 'metal', 'lacquer'])))
    if b.rng.random() < 0.15:
        r = min(wide, deep) / 2
        b.cone(f, (0, 0, high - board), r, r, board, top)
        b.lathe(f, [(r * 0.6, 0), (0.05, 0.06), (0.04, high - board)], leg)
        wide = deep = r * 1.4
    else:
        b.box(f, (0, 0, high - board / 2), (wide, deep, board), top)
        if b.rng.random() < 0.6:
            for s in (-1, 1):
                b.box(f, (0, s * (deep / 2 - 0.06), high - board - 0.04), (wide - 0.1, .02, .08),
                      leg)
        _legs(b, f, wide, deep, high - board, leg)
    if b.rng.random() < 0.15:
        b.box(f, (0, 0, high + 0.002), (wide * 0.6, deep * 0.5, 0.004), b.mat('fabric'))
    objects.scatter(b, f.at(0, 0, high), wide, deep, things, makers)
    b.target(f, 0, 0, high + 0.05)


def chair(b: Builder, f: Frame) -> None:
    """It faces +y."""
    rng = b.rng
    wide, seat, back = rng.uniform(0.38, 0.48), rng.uniform(0.42, 0.48), rng.uniform(0.35, 0.5)
    mat, leg = b.mat(str(rng.choice(['wood', 'plastic', 'fabric']))), b.mat('wood')
    kind = rng.random()
    if kind < 0.25:  # a swivel chair
        b.mesh(f, superellipsoid(0.4, 0.6), mat, (wide / 2, wide / 2, 0.045), (0, 0, seat))
        b.mesh(f, superellipsoid(0.4, 0.4), mat, (wide / 2, 0.035, back / 2),
               (0, -wide / 2, seat + back * 0.65))
        metal = b.mat('metal', (0.1, 0.1, 0.1))
        b.rod(f, (0, 0, 0.08), (0, 0, seat), 0.025, metal)
        b.rod(f, (0, -wide / 2 - 0.02, seat), (0, -wide / 2 - 0.04, seat + back * 0.6), .015, metal)
        for k in range(5):
            a = k * 2 * math.pi / 5
            x, y = 0.28 * math.cos(a), 0.28 * math.sin(a)
            b.rod(f, (0, 0, 0.1), (x, y, 0.06), 0.02, metal, 0.012)
            b.ellipsoid(f, (x, y, 0.03), (0.05, 0.05, 0.06), metal)
        return
    b.box(f, (0, 0, seat - 0.015), (wide, wide, 0.03), mat)
    if kind < 0.5:
        b.mesh(f, superellipsoid(0.3, 0.6), b.mat('fabric'), (wide * 0.48, wide * 0.48, 0.03),
               (0, 0, seat + 0.02))
    lean = f.at(0, -wide / 2 + 0.015, seat, 0, rng.uniform(0.03, 0.18))
    for s in (-1, 1):
        b.rod(lean, (s * (wide / 2 - 0.02), 0, 0), (s * (wide / 2 - 0.02), 0, back), 0.016, leg)
    if kind < 0.75:
        for k in range(int(rng.integers(2, 5))):
            b.box(lean, (0, 0, back * (0.97 - 0.2 * k)), (wide - 0.04, 0.015, 0.05), mat)
    elif kind < 0.9:
        b.box(lean, (0, 0, back * 0.7), (wide, 0.02, back * 0.6), mat)
    else:
        b.box(lean, (0, 0, back), (wide, 0.02, 0.05), mat)
        for k in range(1, 6):
            x = (k / 6 - 0.5) * (wide - 0.05)
            b.rod(lean, (x, 0, 0), (x, 0, back), 0.007, leg)
    _legs(b, f, wide, wide, seat - 0.03, leg)


def stool(b: Builder, f: Frame) -> None:
    h, r = b.rng.uniform(0.45, 0.75), b.rng.uniform(0.15, 0.2)
    b.cone(f, (0, 0, h - 0.04), r, r, 0.04, b.mat('wood'))
    leg = b.mat('metal')
    for k in range(3):
        a = k * 2 * math.pi / 3
        b.rod(f, (r * math.cos(a), r * math.sin(a), 0), (0.7 * r * math.cos(a),
              0.7 * r * math.sin(a), h - 0.04), 0.012, leg)


def sofa(b: Builder, f: Frame) -> None:
    rng = b.rng
    seats, mat = int(rng.integers(1, 4)), b.mat('fabric')
    wide, deep, seat = 0.65 * seats + 0.4, rng.uniform(0.8, 0.95), rng.uniform(0.36, 0.44)
    edge = superellipsoid(0.15, 0.25)
    b.box(f, (0, deep / 2, seat * 0.4 + 0.05), (wide - 0.1, deep - 0.1, seat * 0.6), mat)
    b.mesh(f, edge, mat, (wide / 2, 0.13, 0.3), (0, 0.13, seat + 0.15))
    for s in (-1, 1):
        b.mesh(f, edge, mat, (0.11, deep / 2, 0.18), (s * (wide / 2 - 0.1), deep / 2, seat + 0.06))
        for y in (0.1, deep - 0.1):
            b.cone(f, (s * (wide / 2 - 0.12), y, 0), 0.02, 0.03, 0.08, b.mat('wood'))
    cushion = superellipsoid(0.3, 0.4)
    for k in range(seats):
        x = (k - (seats - 1) / 2) * 0.65
        b.mesh(f, cushion, mat, (0.32, deep * 0.36, 0.08), (x, deep * 0.58, seat + 0.04))
        if rng.random() < 0.6:
            at = f.at(x + rng.normal(0, 0.08), deep * 0.38, seat + 0.28, rng.normal(0, 0.3), 0.35)
            b.mesh(at, superellipsoid(0.5, 1.0), b.mat('fabric'), (0.21, 0.08, 0.2))
    b.target(f, 0, deep / 2, seat)


def bed(b: Builder, f: Frame) -> None:
    rng = b.rng
    wide, long, wood = rng.uniform(0.9, 1.9), rng.uniform(1.95, 2.1), b.mat('wood')
    b.box(f, (0, long / 2, 0.2), (wide, long, 0.14), wood)
    b.box(f, (0, 0.02, 0.5), (wide, 0.04, 1.0), wood)
    for sx in (-1, 1):
        for y in (0.05, long - 0.05):
            b.box(f, (sx * (wide / 2 - 0.04), y, 0.1), (0.07, 0.07, 0.2), wood)
    b.mesh(f, superellipsoid(0.12, 0.3), b.mat('fabric', b.palette.pale()),
           (wide / 2, long / 2, 0.12), (0, long / 2, 0.36))
    b.mesh(f, superellipsoid(0.2, 0.5), b.mat('fabric'), (wide / 2 + 0.04, long * 0.34, 0.09),
           (0, long * 0.66, 0.45))
    pillow, count = b.mat('fabric', b.palette.pale()), 1 if wide < 1.3 else 2
    for k in range(count):
        at = f.at((k - (count - 1) / 2) * 0.7, 0.3, 0.53, rng.normal(0, 0.1), 0.3)
        b.mesh(at, superellipsoid(0.5, 0.9), pillow, (0.32, 0.22, 0.08))
    b.target(f, 0, long * 0.6, 0.5)


def shelf(b: Builder, f: Frame, wide: float | None = None) -> None:
    """Open, with books and things; the back is at y = 0."""
    rng = b.rng
    wide = wide or rng.uniform(0.6, 1.6)
    deep, high, mat = rng.uniform(0.24, 0.4), rng.uniform(0.9, 2.2), b.mat('wood')
    for s in (-1, 1):
        b.box(f, (s * wide / 2, deep / 2, high / 2), (0.022, deep, high), mat)
    if rng.random() < 0.7:
        b.box(f, (0, 0.005, high / 2), (wide, 0.01, high), mat)
    levels = max(2, int(high / rng.uniform(0.28, 0.42)))
    gap = (high - 0.1) / levels
    for k in range(levels + 1):
        z = 0.05 + k * gap
        b.box(f, (0, deep / 2, z), (wide, deep, 0.02), mat)
        if k == levels and rng.random() < 0.5:
            continue
        x = -wide / 2 + 0.03
        while x < wide / 2 - 0.15:
            run = min(rng.uniform(0.15, 0.6), wide / 2 - 0.03 - x)
            at = f.at(x + run / 2, deep / 2, z + 0.011)
            what = rng.random()
            if what < 0.5:
                tall = gap * rng.uniform(0.6, 0.85) if k < levels else 0.22
                b.box(at, (0, -0.02, tall / 2), (run, deep * 0.7, tall),
                      b.mat('books', fit=True, repeat=(max(run / 0.45, 0.3), 1)))
            elif what < 0.85:
                objects.scatter(b, at, run, deep * 0.5, 1 + int(run > 0.35), objects.SHELF)
            x += run + rng.uniform(0.01, 0.12)
    b.target(f, 0, deep, high * 0.5)


def cabinet(b: Builder, f: Frame, wide: float, deep: float, high: float) -> None:
    """A cupboard or chest with fronts and handles."""
    rng = b.rng
    body = b.mat(str(rng.choice(['wood', 'wood', 'lacquer', 'paint'])))
    front = body if rng.random() < 0.5 else b.mat(str(rng.choice(['wood', 'lacquer'])))
    metal = b.mat('metal')
    b.box(f, (0, deep / 2, high / 2 + 0.03), (wide, deep, high - 0.06), body)
    columns = max(1, round(wide / rng.uniform(0.4, 0.6)))
    rows = 1 if high > 1.4 or rng.random() < 0.4 else int(rng.integers(2, 5))
    w, h = wide / columns, (high - 0.1) / rows
    for i in range(columns):
        for k in range(rows):
            x, z = (i + 0.5) * w - wide / 2, 0.07 + (k + 0.5) * h
            b.box(f, (x, deep + 0.01, z), (w - 0.008, 0.02, h - 0.008), front)
            if rows > 1:
                b.rod(f, (x - 0.06, deep + 0.04, z + h * 0.25), (x + 0.06, deep + 0.04,
                      z + h * 0.25), 0.006, metal)
            else:
                hx = x + (w / 2 - 0.05) * (1 if i % 2 == 0 else -1)
                b.rod(f, (hx, deep + 0.04, z - 0.08), (hx, deep + 0.04, z + 0.08), 0.006, metal)
    if high < 1.6:
        objects.scatter(b, f.at(0, deep / 2, high), wide, deep, int(rng.integers(1, 7)))
    b.target(f, 0, deep, min(high, 1.0))


def desk(b: Builder, f: Frame) -> None:
    """Against a wall, with screen, keyboard, chair and a tangle of cables."""
    rng = b.rng
    wide, deep, high = rng.uniform(1.1, 1.9), rng.uniform(0.6, 0.8), rng.uniform(0.7, 0.78)
    at = f.at(0, deep / 2 + 0.02)
    table(b, at, wide, deep, high, int(rng.integers(3, 9)), objects.DESK)
    for k in range(int(rng.integers(1, 3))):
        objects.monitor(b, at.at(-0.25 + 0.6 * k, -deep * 0.18, high, rng.normal(0, 0.2)))
    objects.keyboard(b, at.at(-0.1, deep * 0.2, high, math.pi + rng.normal(0, 0.1)))
    chair(b, f.at(rng.normal(0, 0.2), deep + rng.uniform(0.15, 0.5), 0,
                  math.pi + rng.normal(0, 0.5)))
    cable = b.mat('plastic', (0.02, 0.02, 0.02))
    for _ in range(int(rng.integers(1, 4))):
        x = rng.uniform(-0.4, 0.4) * wide
        points = [(x + 0.06 * math.sin(5 * t), -deep / 2 + 0.02, high * (1 - t))
                  for t in (0, 0.25, 0.5, 0.75, 1.0)]
        b.tube(at, points, 0.005, cable)
    if rng.random() < 0.5:
        b.box(f, (wide * 0.35, deep * 0.4, 0.22), (0.2, 0.45, 0.44), b.mat('paint', (.05,) * 3))


def table_bench(b: Builder, f: Frame) -> None:
    """A work bench against a wall."""
    table(b, f.at(0, 0.35), b.rng.uniform(1.2, 1.6), 0.65, b.rng.uniform(0.8, 0.95), 9)


def floor_lamp(b: Builder, f: Frame) -> None:
    h, r, metal = b.rng.uniform(1.3, 1.8), b.rng.uniform(0.15, 0.28), b.mat('metal')
    b.cone(f, (0, 0, 0), 0.15, 0.14, 0.02, metal)
    b.rod(f, (0, 0, 0), (0, 0, h), 0.012, metal)
    objects.lamp_shade(b, f, h - 0.1, r, 0.28)


def carton(b: Builder, f: Frame) -> None:
    x, y, z = b.rng.uniform(0.2, 0.6, 3)
    b.box(f, (0, 0, z / 2), (x, y, z), b.mat('cardboard', fit=True))
    if b.rng.random() < 0.3:
        flap = b.mat('cardboard')
        for s in (-1, 1):
            b.box(f.at(s * x / 2, 0, z, 0, 0, s * b.rng.uniform(0.6, 1.4)), (0, 0, x / 4),
                  (0.006, y, x / 2), flap)
    elif b.rng.random() < 0.4:
        b.box(f.at(0, 0, z, 0.3), (0, 0, z * 0.3), (x * 0.7, y * 0.7, z * 0.6),
              b.mat('cardboard', fit=True))


def bag(b: Builder, f: Frame) -> None:
    s, mat = b.rng.uniform(0.15, 0.25), b.mat('fabric')
    b.mesh(f, superellipsoid(0.6, 0.5), mat, (s, s * 0.5, s * 1.1), (0, 0, s * 1.1))
    b.tube(f, [(-s * 0.5, 0, s * 2.1), (-s * 0.3, 0, s * 2.7), (s * 0.3, 0, s * 2.7),
               (s * 0.5, 0, s * 2.1)], 0.012, mat)


def bin_(b: Builder, f: Frame) -> None:
    r, h = b.rng.uniform(0.12, 0.22), b.rng.uniform(0.28, 0.6)
    b.lathe(f, [(r * 0.8, 0), (r, h)], b.mat(str(b.rng.choice(['plastic', 'metal', 'mesh']))))


def tall_plant(b: Builder, f: Frame) -> None:
    objects.pot_plant(b, f, b.rng.uniform(0.6, 1.5))


def shoes(b: Builder, f: Frame) -> None:
    mat = b.mat('fabric')
    for s in (-1, 1):
        at = f.at(s * 0.07, b.rng.normal(0, 0.05), 0, b.rng.normal(0, 0.3))
        b.mesh(at, superellipsoid(0.7, 0.7, 6, 8), mat, (0.045, 0.13, 0.045), (0, 0, 0.045))


FLOOR = (carton, carton, bag, bin_, tall_plant, stool, floor_lamp, shoes, objects.toy,
         objects.book_pile, objects.basket)

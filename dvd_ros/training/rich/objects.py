"""Small things that lie on tables, shelves and counters."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.training.rich.builder import Builder, Frame
from dvd_ros.training.rich.mesh import superellipsoid, torus


def cup(b: Builder, f: Frame) -> None:
    mat, r, h = b.mat('lacquer'), b.rng.uniform(0.03, 0.05), b.rng.uniform(0.07, 0.12)
    b.lathe(f, [(r * 0.75, 0), (r * 0.95, h * 0.2), (r, h)], mat)
    b.cone(f, (0, 0, h * 0.6), r * 0.9, r * 0.95, h * 0.2, b.mat('lacquer', (0.08, 0.05, 0.03)))
    points = [(r + 0.6 * r * math.sin(t), 0.0, h * (0.5 - 0.3 * math.cos(t)))
              for t in np.linspace(0, math.pi, 6)]
    b.tube(f, points, 0.005, mat)


def bottle(b: Builder, f: Frame) -> None:
    r, h = b.rng.uniform(0.03, 0.05), b.rng.uniform(0.2, 0.34)
    glass = b.mat('glass', b.palette.colour())
    b.lathe(f, [(r, 0), (r, h * 0.55), (r * 0.85, h * 0.65), (r * 0.35, h * 0.78),
                (r * 0.32, h * 0.95)], glass)
    b.cone(f, (0, 0, h * 0.95), r * 0.36, r * 0.36, h * 0.05, b.mat('plastic'))
    b.cone(f, (0, 0, h * 0.15), r * 1.02, r * 1.02, h * 0.3, b.mat('label', fit=True,
                                                                    repeat=(2, 1)), False)


def vase(b: Builder, f: Frame) -> None:
    h, mat = b.rng.uniform(0.15, 0.4), b.mat('lacquer')
    radii = b.rng.uniform(0.15, 0.5, 4) * h
    b.lathe(f, [(radii[0], 0), (radii[1], h * 0.35), (radii[2], h * 0.7), (radii[3], h)], mat)
    if b.rng.random() < 0.6:
        stalk = b.mat('leaves', (0.4, 0.7, 0.3))
        bloom = b.mat('plain')
        for _ in range(int(b.rng.integers(3, 8))):
            x, y = b.rng.normal(0, 0.08, 2)
            top = h + b.rng.uniform(0.08, 0.3)
            b.rod(f, (0, 0, h * 0.6), (x, y, top), 0.003, stalk)
            b.ellipsoid(f, (x, y, top), (0.05, 0.05, 0.04), bloom)


def tin(b: Builder, f: Frame) -> None:
    r, h = b.rng.uniform(0.03, 0.06), b.rng.uniform(0.06, 0.2)
    b.cone(f, (0, 0, 0), r, r, h, b.mat('label', fit=True, repeat=(2, 1)))


def packet(b: Builder, f: Frame) -> None:
    sx, sy, sz = b.rng.uniform(0.05, 0.2), b.rng.uniform(0.03, 0.12), b.rng.uniform(0.05, 0.3)
    kind = 'label' if b.rng.random() < 0.7 else 'cardboard'
    b.box(f, (0, 0, sz / 2), (sx, sy, sz), b.mat(kind, fit=True))


def book_pile(b: Builder, f: Frame) -> None:
    z = 0.0
    for _ in range(int(b.rng.integers(1, 6))):
        thick, wide, deep = b.rng.uniform(0.01, 0.05), b.rng.uniform(0.12, 0.24), \
            b.rng.uniform(0.17, 0.31)
        at = b.spot(f.at(0, 0, z), 0.03, 0.03, b.rng.normal(0, 0.25))
        cover = b.mat('poster', fit=True)
        b.box(at, (0, 0, thick / 2), (wide - 0.006, deep - 0.006, thick * 0.8),
              b.mat('plain', (0.85, 0.82, 0.72)))
        b.box(at, (0, 0, thick * 0.95), (wide, deep, 0.004), cover)
        b.box(at, (0, 0, 0.002), (wide, deep, 0.004), cover)
        z += thick


def papers(b: Builder, f: Frame) -> None:
    for k in range(int(b.rng.integers(1, 5))):
        at = b.spot(f.at(0, 0, 0.001 + 0.0015 * k), 0.25, 0.25)
        b.box(at, (0, 0, 0), (0.21, 0.297, 0.001),
              b.mat('page' if b.rng.random() < 0.7 else 'poster', fit=True))


def bowl(b: Builder, f: Frame) -> None:
    r = b.rng.uniform(0.07, 0.16)
    b.lathe(f, [(r * 0.4, 0), (r * 0.8, r * 0.25), (r, r * 0.6)], b.mat('lacquer'))
    if b.rng.random() < 0.6:
        fruit = b.mat('lacquer')
        for _ in range(int(b.rng.integers(2, 7))):
            x, y = b.rng.uniform(-0.5, 0.5, 2) * r
            d = b.rng.uniform(0.05, 0.09)
            b.ellipsoid(f, (x, y, r * 0.4 + d * 0.3), (d, d, d), fruit)


def monitor(b: Builder, f: Frame) -> None:
    """A screen on a foot; it faces +y."""
    wide, dark = b.rng.uniform(0.4, 0.75), b.mat('plastic', (0.03, 0.03, 0.035))
    tall, lift = wide * 0.58, b.rng.uniform(0.08, 0.16)
    b.box(f, (0, 0, 0.008), (0.22, 0.18, 0.016), dark)
    b.rod(f, (0, -0.02, 0), (0, -0.02, lift + tall * 0.4), 0.018, dark)
    at = f.at(0, 0, lift, 0, b.rng.uniform(-0.15, 0.02))
    b.box(at, (0, 0, tall / 2), (wide, 0.035, tall), dark)
    emit = b.rng.uniform(0.3, 1.2) if b.rng.random() < 0.7 else 0.0
    b.box(at, (0, 0.018, tall / 2), (wide * 0.95, 0.004, tall * 0.92),
          b.mat('screen', (1., 1., 1.) if emit else (0.04, 0.04, 0.04), emit=emit, fit=True))


def keyboard(b: Builder, f: Frame) -> None:
    body = b.mat('plastic', (0.05, 0.05, 0.05) if b.rng.random() < 0.6 else (0.8, 0.8, 0.78))
    b.box(f, (0, 0, 0.008), (0.43, 0.14, 0.016), body)
    key = b.mat('plastic')
    for row in range(4):
        b.box(f, (0, -0.045 + 0.03 * row, 0.019), (0.41, 0.022, 0.006), key)
    b.mesh(f, superellipsoid(1.0, 0.9, 5, 8), body, (0.03, 0.05, 0.018), (0.3, 0, 0.012))


def laptop(b: Builder, f: Frame) -> None:
    grey = b.rng.uniform(0.05, 0.6)
    body, wide = b.mat('metal', (grey, grey, grey)), b.rng.uniform(0.3, 0.38)
    b.box(f, (0, 0, 0.009), (wide, wide * 0.68, 0.018), body)
    b.box(f, (0, 0.02, 0.019), (wide * 0.85, wide * 0.3, 0.002), b.mat('plastic', (.03, .03, .03)))
    lid = f.at(0, -wide * 0.34, 0.015, 0, b.rng.uniform(0.05, 0.5))
    b.box(lid, (0, 0, wide * 0.33), (wide, 0.008, wide * 0.66), body)
    b.box(lid, (0, 0.005, wide * 0.33), (wide * 0.94, 0.002, wide * 0.58),
          b.mat('screen', (1., 1., 1.), emit=b.rng.uniform(0.2, 1.0), fit=True))


def desk_lamp(b: Builder, f: Frame) -> None:
    mat, h = b.mat('lacquer'), b.rng.uniform(0.3, 0.55)
    b.cone(f, (0, 0, 0), 0.09, 0.08, 0.02, mat)
    elbow, head = (-0.12, 0.0, h * 0.6), (0.08, 0.0, h)
    b.tube(f, [(0, 0, 0.02), elbow, head], 0.008, mat)
    b.cone(f.at(*head, 0, 0.4, 0.5), (0, 0, -0.1), 0.08, 0.03, 0.12, mat, False)
    b.ellipsoid(f.at(*head, 0, 0.4, 0.5), (0, 0, -0.04), (0.06,) * 3,
                b.mat('plain', (1.0, 0.85, 0.6), emit=4.0))


def shade_lamp(b: Builder, f: Frame) -> None:
    h, r = b.rng.uniform(0.25, 0.5), b.rng.uniform(0.1, 0.2)
    b.lathe(f, [(0.06, 0), (0.07, h * 0.15), (0.03, h * 0.4), (0.015, h * 0.7)], b.mat('lacquer'))
    lamp_shade(b, f, h * 0.55, r, h * 0.45)


def lamp_shade(b: Builder, f: Frame, z: float, r: float, high: float) -> None:
    """A shade open above and below; where it is lit, it may be one of the room's lights."""
    bright = b.rng.choice([0.0, 1.5, 3.0])
    b.cone(f, (0, 0, z), r, r * 0.7, high, b.mat('fabric', (1.0, 0.8, 0.55), emit=bright), False)
    if bright and not b.lights:
        b.light(f.point(0, 0, z + high / 2), 0.08, np.array([1.0, 0.75, 0.5]) * 0.25 * bright)


def toy(b: Builder, f: Frame) -> None:
    """A ball, a ring, blocks."""
    kind = b.rng.integers(0, 3)
    d = b.rng.uniform(0.06, 0.2)
    if kind == 0:
        b.ellipsoid(f, (0, 0, d / 2), (d, d, d), b.mat('label', metres=d * 2))
    elif kind == 1:
        b.mesh(f, torus(0.3), b.mat('lacquer'), (d / 2, d / 2, d / 2), (0, 0, d * 0.15))
    else:
        for k in range(int(b.rng.integers(2, 6))):
            b.box(b.spot(f, 0.25, 0.25),
                  (0, 0, 0.02 + 0.04 * (k % 2)), (0.07, 0.04, 0.04), b.mat('lacquer'))


def pot_plant(b: Builder, f: Frame, size: float | None = None) -> None:
    h = size or b.rng.uniform(0.15, 0.45)
    b.lathe(f, [(h * 0.2, 0), (h * 0.28, h * 0.35)], b.mat('lacquer'))
    b.cone(f, (0, 0, h * 0.25), h * 0.26, h * 0.26, h * 0.05, b.mat('earth'))
    leaf = b.mat('leaves')
    if b.rng.random() < 0.5:
        cut = b.mat('leaves', cutout=0.4, metres=max(0.4, h))
        for _ in range(4):
            x, y = b.rng.normal(0, h * 0.15, 2)
            s = h * b.rng.uniform(0.4, 0.8)
            b.ellipsoid(f, (x, y, h * b.rng.uniform(0.6, 1.0)), (s, s, s), cut)
        return
    for k in range(int(b.rng.integers(7, 15))):  # long leaves from the middle
        at = f.at(0, 0, h * 0.3, k * 2.4, b.rng.uniform(-0.9, -0.15))
        long, wide = h * b.rng.uniform(0.5, 1.0), h * b.rng.uniform(0.05, 0.14)
        b.ellipsoid(at, (0, 0, long / 2), (wide, 0.006, long), leaf)


def basket(b: Builder, f: Frame) -> None:
    r = b.rng.uniform(0.1, 0.2)
    b.lathe(f, [(r * 0.8, 0), (r, r * 1.2)], b.mat('fabric', (0.5, 0.35, 0.18), metres=0.1))


def tray(b: Builder, f: Frame) -> None:
    """A box with low walls, of plastic or metal, at times with a lid that is ajar."""
    x, y, h = b.rng.uniform(0.15, 0.45), b.rng.uniform(0.12, 0.3), b.rng.uniform(0.04, 0.15)
    mat = b.mat('plastic')
    b.box(f, (0, 0, 0.004), (x, y, 0.008), mat)
    for s in (-1, 1):
        b.box(f, (s * x / 2, 0, h / 2), (0.006, y, h), mat)
        b.box(f, (0, s * y / 2, h / 2), (x, 0.006, h), mat)
    if b.rng.random() < 0.4:
        b.box(f.at(0, 0, h + 0.01, 0.1, 0.05), (0, 0, 0), (x * 1.03, y * 1.03, 0.01), mat)


EVERY = (cup, cup, bottle, vase, tin, packet, packet, book_pile, papers, bowl, toy, pot_plant,
         tray, basket, shade_lamp)
KITCHEN = (cup, cup, cup, bottle, bottle, tin, packet, packet, bowl, bowl, tray, papers, basket)
DESK = (cup, book_pile, book_pile, papers, papers, papers, tray, packet, desk_lamp, laptop, bottle,
        pot_plant)
SHELF = (book_pile, vase, packet, packet, tin, bowl, basket, toy, pot_plant, tray, bottle)


def scatter(b: Builder, f: Frame, wide: float, deep: float, count: int, makers: tuple = EVERY,
            ) -> None:
    """Things at random on a surface of wide x deep metres about the frame's origin."""
    placed: list[tuple[float, float]] = []
    for _ in range(round(count * b.clutter)):
        x, y = b.rng.uniform(-0.45, 0.45) * wide, b.rng.uniform(-0.4, 0.4) * deep
        if any(abs(x - a) < 0.14 and abs(y - c) < 0.14 for a, c in placed):
            continue
        placed.append((x, y))
        makers[int(b.rng.integers(len(makers)))](b, f.at(x, y, 0.0, b.rng.uniform(0, 2 * math.pi)))

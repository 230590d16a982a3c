"""Cars, vans, lorries, buses and bicycles: bodies, glass, wheels, lights, plates."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.training.rich.builder import Builder, Frame
from dvd_ros.training.rich.materials import hsv
from dvd_ros.training.rich.mesh import extrude, flat, superellipsoid, torus


def _wheel(b: Builder, f: Frame, x: float, y: float, r: float, wide: float, tyre: int,
           rim: int) -> None:
    at = f.at(x, y, r, 0, math.pi / 2)
    b.cone(at, (0, 0, -wide / 2), r, r, wide, tyre)
    b.cone(at, (0, 0, -wide / 2 - 0.006), r * 0.62, r * 0.62, wide + 0.012, rim)


def _cabin(x: tuple[float, float, float, float], low: float, high: float, wide: float,
           roof: float) -> np.ndarray:
    """Glass all round; x: (back below, back above, front above, front below)."""
    back_low, back_high, front_high, front_low = x
    a = ((back_low, -wide, low), (front_low, -wide, low), (front_low, wide, low),
         (back_low, wide, low))
    c = ((back_high, -roof, high), (front_high, -roof, high), (front_high, roof, high),
         (back_high, roof, high))
    sides = []
    for i in range(4):
        k = (i + 1) % 4
        sides += [[a[i], a[k], c[k]], [a[i], c[k], c[i]]]
    return flat(np.array(sides))


def _paint(b: Builder) -> int:
    rng = b.rng
    if rng.random() < 0.65:
        tint = hsv(rng.uniform(0, 360), rng.uniform(0, 0.1), rng.choice([0.1, 0.3, 0.55, 0.8, .95]))
    else:
        tint = hsv(rng.choice([0.0, 10, 210, 225, 120, 45]) + rng.normal(0, 8),
                   rng.uniform(0.5, 0.95), rng.uniform(0.3, 0.85))
    return b.mat('lacquer', tint, mirror=0.05)


def _lights(b: Builder, f: Frame, front: float, back: float, wide: float, z: float) -> None:
    lamp = b.mat('glass', (0.9, 0.9, 0.85), emit=2.0 * (b.night or b.rng.random() < 0.4))
    braking = b.rng.random() < 0.4
    tail = b.mat('lacquer', (0.7, 0.02, 0.02), emit=2.5 * braking + 1.0 * b.night)
    for s in (-1, 1):
        b.ellipsoid(f, (front, s * wide * 0.74, z), (0.16, 0.36, 0.16), lamp)
        b.ellipsoid(f, (back, s * wide * 0.8, z + 0.08), (0.12, 0.24, 0.24), tail)
    plate = b.mat('page', (0.9, 0.9, 0.85), fit=True)
    b.box(f, (front + 0.02, 0, z - 0.2), (0.04, 0.5, 0.11), plate)
    b.box(f, (back - 0.02, 0, z - 0.1), (0.04, 0.5, 0.11), plate)


def car(b: Builder, f: Frame) -> None:
    """A passenger car; it faces +x."""
    rng = b.rng
    long, wide = rng.uniform(3.5, 4.9), rng.uniform(0.82, 0.95)
    style, half = rng.random(), long / 2
    belt, top = rng.uniform(0.85, 1.0), rng.uniform(1.4, 1.55) if style < 0.7 else \
        rng.uniform(1.6, 1.85)
    hood, trunk = belt - rng.uniform(0.02, 0.14), belt + (0.0 if style < 0.35 else 0.03)
    body, glass = _paint(b), b.mat('glass', (0.02, 0.022, 0.025), mirror=0.15)
    dark = b.mat('plastic', (0.02, 0.02, 0.02))
    outline = np.array([
        [-half, 0.35], [-half + 0.1, 0.2], [half - 0.12, 0.2], [half, 0.38], [half - 0.02, 0.6],
        [half - 0.18, hood - 0.08], [half * 0.45, hood + 0.02], [0.0, belt], [-half + 0.3, trunk],
        [-half + 0.03, trunk - 0.1]])
    b.mesh(f, extrude(outline, 0.965), body, (1.0, wide, 1.0))
    tail = -half + (0.75 if style < 0.35 else 0.1)
    cabin = (tail, tail + rng.uniform(0.25, 0.6), half * rng.uniform(0.12, 0.3),
             half * rng.uniform(0.48, 0.6))
    sides = _cabin(cabin, belt - 0.04, top - 0.05, wide * 0.95, wide * 0.76)
    b.mesh(f, sides, glass)
    b.mesh(f, superellipsoid(0.3, 0.6, 6, 12), body,
           ((cabin[2] - cabin[1]) / 2 + 0.08, wide * 0.78, 0.05),
           ((cabin[1] + cabin[2]) / 2, 0, top - 0.05))
    middle = (cabin[0] + cabin[3]) / 2
    for s in (-1, 1):  # pillars
        for low, high in ((cabin[0], cabin[1]), (middle, middle - 0.05), (cabin[3], cabin[2])):
            b.rod(f, (low, s * wide * 0.945, belt - 0.04), (high, s * wide * 0.77, top - 0.05),
                  0.035, body)
        b.ellipsoid(f, (cabin[3] - 0.12, s * (wide + 0.08), belt + 0.06), (0.12, 0.2, 0.14), body)
        b.box(f, (0, s * wide * 0.985, 0.3), (long * 0.5, 0.03, 0.14), dark)
        for x in (-0.1 * long, 0.12 * long):
            b.box(f, (x, s * wide * 0.99, belt - 0.15), (0.16, 0.03, 0.03), dark)
    b.box(f, (half - 0.02, 0, 0.42), (0.06, wide * 1.1, 0.14), dark)
    tyre, rim, r = b.mat('plastic', (0.015,) * 3), b.mat('metal', (0.4,) * 3), rng.uniform(.3, .36)
    for x in (half * 0.62, -half * 0.6):
        for s in (-1, 1):
            _wheel(b, f, x, s * (wide - 0.08), r, 0.2, tyre, rim)
    _lights(b, f, half - 0.07, -half + 0.04, wide, 0.66)
    b.solid(f, (0, 0, 0.8), (long, 2 * wide, 1.6))
    b.target(f, 0, 0, 0.8)


def lorry(b: Builder, f: Frame) -> None:
    """A van, a lorry or a bus; it faces +x."""
    rng = b.rng
    kind = rng.integers(0, 3)
    wheels: tuple[float, ...]
    paint, dark = _paint(b), b.mat('plastic', (0.02, 0.02, 0.02))
    glass, wide = b.mat('glass', (0.02, 0.022, 0.025), mirror=0.15), rng.uniform(0.95, 1.25)
    tyre, rim = b.mat('plastic', (0.015,) * 3), b.mat('metal', (0.4,) * 3)
    if kind == 0:
        long, high, base = rng.uniform(4.8, 6.2), rng.uniform(1.9, 2.6), 0.3
        half = long / 2
        outline = np.array([[-half, base], [half, base], [half, 0.9], [half - 0.5, 1.15],
                            [half - 1.2, high], [-half, high]])
        b.mesh(f, extrude(outline, 0.97), paint, (1, wide, 1))
        b.mesh(f, flat(np.array([[[half - 0.53, -wide * .9, 1.2], [half - 0.53, wide * .9, 1.2],
                                  [half - 1.1, wide * .85, high - 0.15]],
                                 [[half - 0.53, -wide * .9, 1.2],
                                  [half - 1.1, wide * .85, high - 0.15],
                                  [half - 1.1, -wide * .85, high - 0.15]]]) + [0.03, 0, 0.02]),
               glass)
        for s in (-1, 1):
            b.box(f, (half - 1.6, s * wide, 1.45), (0.7, 0.03, 0.5), glass)
        wheels, r = (half * 0.62, -half * 0.6), 0.35
    elif kind == 1:
        long, high, base = rng.uniform(6, 11), rng.uniform(2.8, 3.8), rng.uniform(0.9, 1.2)
        half, cab = long / 2, rng.uniform(1.7, 2.2)
        b.box(f, (half - cab / 2, 0, 0.5 + 1.1), (cab, 2 * wide, 2.2), paint)
        b.box(f, (half + 0.01, 0, 1.95), (0.04, 1.8 * wide, 0.8), glass)
        for s in (-1, 1):
            b.box(f, (half - 0.6, s * wide, 1.95), (0.8, 0.04, 0.65), glass)
            b.box(f, (-cab / 2, s * 0.4, 0.7), (long - cab, 0.12, 0.2), dark)
        load = str(rng.choice(['corrugated', 'plain', 'label', 'tank']))
        if load == 'tank':
            b.rod(f, (-half, 0, base + wide), (half - cab - 0.2, 0, base + wide), wide,
                  b.mat('metal'))
        else:
            b.box(f, (-cab / 2 - 0.1, 0, (base + high) / 2), (long - cab - 0.2, 2 * wide, high -
                  base), b.mat(load, fit=load == 'label', metres=1.5))
        stripe = b.mat('sign', fit=True)
        b.box(f, (-half - 0.02, 0, base + 0.1), (0.04, 2 * wide, 0.15), stripe)
        wheels, r = (half - 1.0, -half * 0.45, -half * 0.75), 0.48
    else:
        long, high, base = rng.uniform(9, 13), rng.uniform(2.8, 3.3), 0.35
        half = long / 2
        b.mesh(f, superellipsoid(0.1, 0.12, 8, 16), paint, (half, wide, (high - base) / 2),
               (0, 0, (high + base) / 2))
        for s in (-1, 1):
            for k in range(int(long / 1.5)):
                b.box(f, (-half + 0.9 + 1.5 * k, s * (wide - 0.005), high * 0.66),
                      (1.35, 0.04, 0.95), glass)
        b.box(f, (half - 0.01, 0, high * 0.6), (0.06, 1.7 * wide, 1.3), glass)
        b.box(f, (-half + 0.01, 0, high * 0.68), (0.06, 1.6 * wide, 0.8), glass)
        wheels, r = (half * 0.6, -half * 0.5), 0.48
    for x in wheels:
        for s in (-1, 1):
            _wheel(b, f, x, s * (wide - 0.14), r, 0.28, tyre, rim)
    _lights(b, f, half, -half, wide, 0.75)
    b.solid(f, (0, 0, high / 2), (long, 2 * wide, high))
    b.target(f, -half, 0, 1.2)


def bicycle(b: Builder, f: Frame) -> None:
    """Leaning on nothing; it faces +x."""
    tyre, paint = b.mat('plastic', (0.02,) * 3), b.mat('lacquer')
    spoke = b.mat('metal', (0.5,) * 3)
    hubs = ((-0.5, 0.0, 0.34), (0.5, 0.0, 0.34))
    for x, _, z in hubs:
        at = f.at(x, 0, z, 0, math.pi / 2)
        b.mesh(at, torus(0.06, 16, 5), tyre, (0.33, 0.33, 0.33))
        for k in range(5):
            a = k * math.pi / 5
            c, s = 0.32 * math.cos(a), 0.32 * math.sin(a)
            b.rod(at, (-c, -s, 0), (c, s, 0), 0.004, spoke)
    seat, head, pedal = (-0.2, 0.0, 0.85), (0.36, 0.0, 0.85), (-0.05, 0.0, 0.3)
    for start, end in ((pedal, seat), (pedal, head), (seat, head), (hubs[0], pedal),
                       (hubs[0], seat), (hubs[1], head), (head, (0.33, 0.0, 1.02))):
        b.rod(f, start, end, 0.016, paint)
    b.tube(f, [(0.3, -0.28, 1.04), (0.36, 0, 1.03), (0.3, 0.28, 1.04)], 0.014, tyre)
    b.ellipsoid(f, (-0.22, 0, 0.9), (0.26, 0.15, 0.07), tyre)
    b.target(f, 0, 0, 0.6)

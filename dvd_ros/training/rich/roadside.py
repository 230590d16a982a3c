"""What stands by roads: lamps, signs, traffic lights, fences, bollards, benches, bins, masts."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.training.rich.builder import Builder, Frame


def street_lamp(b: Builder, f: Frame) -> None:
    """Its arm reaches towards +y."""
    h, mat = b.rng.uniform(4, 9), b.mat('metal', (0.25,) * 3)
    tint = (1.0, b.rng.uniform(0.6, 0.95), b.rng.uniform(0.3, 0.9))
    if b.night and len(b.lights) < 4:
        b.light(f.point(0, 1.9, h + 0.4), 0.1, 5.0 * np.array(tint))
    b.rod(f, (0, 0, 0), (0, 0, h), 0.09, mat, 0.05)
    if b.rng.random() < 0.7:
        points = [(0.0, 1.6 * (1 - math.cos(t)), h + 0.7 * math.sin(t))
                  for t in np.linspace(0, math.pi / 2, 5)]
        b.tube(f, points, 0.04, mat)
        b.ellipsoid(f, (0, 1.9, h + 0.66), (0.25, 0.7, 0.14),
                    b.mat('plain', tint, emit=6.0) if b.night else mat)
    else:
        b.ellipsoid(f, (0, 0, h + 0.2), (0.45, 0.45, 0.45), b.mat(
            'glass', tint if b.night else (0.8,) * 3, emit=4.0 * b.night))


def sign(b: Builder, f: Frame) -> None:
    """It faces -x."""
    h, r, kind = b.rng.uniform(2.0, 3.2), b.rng.uniform(0.3, 0.45), b.rng.random()
    b.rod(f, (0, 0, 0), (0, 0, h + r), 0.03, b.mat('metal', (0.4,) * 3))
    face = b.mat('sign', fit=True)
    if kind < 0.45:
        b.cone(f.at(-0.04, 0, h, -math.pi / 2, math.pi / 2), (0, 0, 0), r, r, 0.02, face)
    elif kind < 0.8:
        b.box(f, (-0.04, 0, h), (0.02, 2 * r, 2 * r), face)
    else:
        wide = b.rng.uniform(1.0, 2.5)
        b.box(f, (-0.06, 0, h), (0.04, wide, wide * 0.5), face)
    b.target(f, 0, 0, h)


def traffic_light(b: Builder, f: Frame) -> None:
    """It faces -x; some hang over the road (+y)."""
    h, dark = b.rng.uniform(2.8, 3.5), b.mat('plastic', (0.02, 0.025, 0.02))
    pole = b.mat('metal', (0.3,) * 3)
    spots = [(0.0, h)]
    if b.rng.random() < 0.5:
        h = 5.5
        b.rod(f, (0, 0, h), (0, 4.0, h + 0.2), 0.06, pole)
        spots.append((3.8, h + 0.1))
    b.rod(f, (0, 0, 0), (0, 0, h + 0.4), 0.08, pole)
    on = int(b.rng.integers(0, 3))
    for y, z in spots:
        b.box(f, (-0.15, y, z), (0.22, 0.32, 0.95), dark)
        for k, tint in enumerate(((1.0, 0.05, 0.03), (1.0, 0.5, 0.02), (0.05, 0.9, 0.4))):
            bright = 3.0 if k == on else 0.0
            b.ellipsoid(f, (-0.26, y, z + 0.29 * (1 - k)), (0.08, 0.2, 0.2), b.mat(
                'plain', tint if bright else (0.05, 0.05, 0.05), emit=bright))
    b.target(f, 0, 0, 2.5)


def fence(b: Builder, f: Frame, long: float) -> None:
    """Along x, its middle at the origin."""
    rng, h, kind = b.rng, b.rng.uniform(0.8, 2.0), b.rng.random()
    n = max(2, int(long / 2.2))
    if kind < 0.3:
        b.box(f, (0, 0, h / 2), (long, 0.012, h), b.mat('mesh', (0.4,) * 3, cutout=0.5))
        post = b.mat('metal', (0.3,) * 3)
        for k in range(n + 1):
            x = (k / n - 0.5) * long
            b.rod(f, (x, 0, 0), (x, 0, h), 0.03, post)
    elif kind < 0.6:
        wood = b.mat('wood') if rng.random() < 0.6 else b.mat('paint')
        for z in (0.25 * h, 0.8 * h):
            b.box(f, (0, 0, z), (long, 0.04, 0.08), wood)
        for x in np.arange(-long / 2, long / 2, 0.2)[:60]:
            b.box(f, (float(x), 0.03, h / 2), (0.1, 0.02, h), wood)
    elif kind < 0.8:
        metal = b.mat('metal', (0.1,) * 3)
        for z in (0.1, h):
            b.rod(f, (-long / 2, 0, z), (long / 2, 0, z), 0.025, metal)
        for x in np.arange(-long / 2, long / 2, 0.22)[:60]:
            b.rod(f, (float(x), 0, 0.1), (float(x), 0, h), 0.012, metal)
    else:
        b.box(f, (0, 0, h / 2), (long, 0.25, h), b.mat(str(rng.choice(['bricks', 'wall',
                                                                      'concrete']))))


def rail(b: Builder, f: Frame, long: float) -> None:
    """A crash barrier along x."""
    metal = b.mat('metal', (0.5,) * 3)
    b.box(f, (0, 0, 0.6), (long, 0.06, 0.3), b.mat('corrugated', (0.6,) * 3))
    for k in range(int(long / 4) + 1):
        b.box(f, (-long / 2 + 4 * k, 0.08, 0.35), (0.1, 0.1, 0.7), metal)


def bench(b: Builder, f: Frame) -> None:
    wood, iron = b.mat('wood'), b.mat('metal', (0.1,) * 3)
    for k in range(4):
        b.box(f, (0, 0.1 * k, 0.45), (1.6, 0.08, 0.035), wood)
    for k in range(3):
        b.box(f, (0, -0.08 - 0.02 * k, 0.58 + 0.12 * k), (1.6, 0.03, 0.08), wood)
    for x in (-0.65, 0.65):
        b.tube(f, [(x, -0.1, 0.85), (x, -0.05, 0.4), (x, 0.35, 0.4), (x, 0.35, 0.0)], 0.025, iron)
        b.rod(f, (x, -0.05, 0.4), (x, -0.1, 0), 0.025, iron)
    b.target(f, 0, 0, 0.5)


def bollard(b: Builder, f: Frame) -> None:
    h, r = b.rng.uniform(0.6, 1.1), b.rng.uniform(0.05, 0.12)
    if b.rng.random() < 0.25:
        b.cone(f, (0, 0, 0.02), 0.16, 0.03, 0.6, b.mat('lacquer', (0.9, 0.2, 0.03)))
        b.cone(f, (0, 0, 0.25), 0.11, 0.08, 0.14, b.mat('paint', (0.9,) * 3), False)
        b.box(f, (0, 0, 0.02), (0.38, 0.38, 0.04), b.mat('plastic', (0.05,) * 3))
        return
    b.cone(f, (0, 0, 0), r, r, h, b.mat(str(b.rng.choice(['metal', 'paint', 'concrete']))))
    b.ellipsoid(f, (0, 0, h), (2 * r, 2 * r, 2 * r), b.mat('paint'))


def bins(b: Builder, f: Frame) -> None:
    for k in range(int(b.rng.integers(1, 4))):
        at, mat = f.at(0.65 * k, b.rng.normal(0, 0.05), 0, b.rng.normal(0, 0.1)), b.mat('plastic')
        b.box(at, (0, 0, 0.55), (0.56, 0.62, 0.95), mat)
        b.box(at.at(0, 0, 1.06, 0, 0.06), (0, 0, 0), (0.6, 0.68, 0.06), mat)
        b.rod(at, (-0.25, 0.3, 0.1), (0.25, 0.3, 0.1), 0.1, b.mat('plastic', (0.02,) * 3))


def mast(b: Builder, f: Frame, to: Frame | None = None) -> None:
    """A pole for wires, which run to the next one."""
    h, wood = 7.5, b.mat('bark')
    b.rod(f, (0, 0, 0), (0, 0, h), 0.14, wood, 0.1)
    b.box(f, (0, 0, h - 0.5), (0.1, 1.8, 0.1), wood)
    if to is None:
        return
    wire = b.mat('plastic', (0.02,) * 3)
    for y in (-0.8, 0.0, 0.8):
        start, end = f.point(0, y, h - 0.4), to.point(0, y, h - 0.4)
        points = [(*(a + (c - a) * t for a, c in zip(start[:2], end[:2], strict=True)),
                   start[2] + (end[2] - start[2]) * t - 3.2 * t * (1 - t))
                  for t in np.linspace(0, 1, 9)]
        b.tube(Frame(), points, 0.015, wire)

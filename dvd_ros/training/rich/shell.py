"""What encloses a room: walls with openings, doors, windows, curtains, lamps, things on walls."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from dvd_ros.training.rich import objects
from dvd_ros.training.rich.builder import Builder, Frame

THICK = 0.16


@dataclass
class Wall:
    """The inside of a wall: x from -length/2 to length/2, y = 0, the room towards +y."""

    frame: Frame
    length: float
    height: float
    openings: list[tuple[float, float, float, float, str]] = field(default_factory=list)
    taken: list[tuple[float, float]] = field(default_factory=list)

    def room_for(self, rng: np.random.Generator, wide: float, margin: float = 0.05,
                 ) -> float | None:
        """A free stretch of floor along the wall: its middle, which is then taken; or None."""
        if wide > self.length - 0.3:
            return None
        for _ in range(10):
            x = rng.uniform(-self.length / 2 + wide / 2 + 0.1, self.length / 2 - wide / 2 - 0.1)
            low, high = x - wide / 2 - margin, x + wide / 2 + margin
            if all(high < a or low > c for a, c in self.taken):
                self.taken.append((low, high))
                return float(x)
        return None

    def clear_above(self, x: float, wide: float, low: float, high: float) -> bool:
        """Whether there is wall and no opening there."""
        return all(x + wide / 2 < a or x - wide / 2 > c or high < z0 or low > z1
                   for a, c, z0, z1, _ in self.openings)


def walls_of(origin: Frame, wide: float, deep: float, high: float) -> list[Wall]:
    """Of a room that is centred at ``origin``: south, north, west, east."""
    return [Wall(origin.at(0, -deep / 2), wide, high),
            Wall(origin.at(0, deep / 2, 0, math.pi), wide, high),
            Wall(origin.at(-wide / 2, 0, 0, -math.pi / 2), deep, high),
            Wall(origin.at(wide / 2, 0, 0, math.pi / 2), deep, high)]


def add_door(b: Builder, wall: Wall) -> bool:
    """Cut a doorway; the floor before it stays free."""
    x = wall.room_for(b.rng, 0.95)
    if x is None:
        return False
    wall.openings.append((x - 0.45, x + 0.45, 0.0, 2.05, 'door'))
    return True


def add_windows(b: Builder, wall: Wall) -> None:
    """One to three windows side by side."""
    rng = b.rng
    count = int(rng.integers(1, 4)) if wall.length > 3.5 else 1
    wide = min(rng.uniform(0.8, 2.2), (wall.length - 0.6) / count - 0.2)
    sill, top = rng.uniform(0.3, 1.1), wall.height - rng.uniform(0.2, 0.5)
    if wide < 0.5 or top - sill < 0.5:
        return
    for k in range(count):
        x = (k - (count - 1) / 2) * (wall.length / count)
        if wall.clear_above(x, wide + 0.2, sill, top):
            wall.openings.append((x - wide / 2, x + wide / 2, sill, top, 'window'))


def build_wall(b: Builder, wall: Wall, mat: int, trim: int) -> None:
    """The wall about its openings, and what is in them."""
    f, h, edge = wall.frame, wall.height, -wall.length / 2 - THICK
    for x0, x1, z0, z1, kind in sorted(wall.openings):
        b.box(f, ((edge + x0) / 2, -THICK / 2, h / 2), (x0 - edge, THICK, h), mat)
        middle, wide = (x0 + x1) / 2, x1 - x0
        if z0 > 0.01:
            b.box(f, (middle, -THICK / 2, z0 / 2), (wide, THICK, z0), mat)
        if z1 < h - 0.01:
            b.box(f, (middle, -THICK / 2, (z1 + h) / 2), (wide, THICK, h - z1), mat)
        (_window if kind == 'window' else _door)(b, f, x0, x1, z0, z1, trim)
        edge = x1
    end = wall.length / 2 + THICK
    b.box(f, ((edge + end) / 2, -THICK / 2, h / 2), (end - edge, THICK, h), mat)
    edge = -wall.length / 2
    for x0, x1, z0, _, _ in [*sorted(wall.openings), (-edge, -edge, 0.0, 0.0, '')]:  # skirting
        if z0 < 0.1 and x0 > edge:
            b.box(f, ((edge + x0) / 2, 0.008, 0.04), (x0 - edge, 0.016, 0.08), trim)
            edge = x1


def _window(b: Builder, f: Frame, x0: float, x1: float, z0: float, z1: float, trim: int) -> None:
    rng, wide, tall = b.rng, x1 - x0, z1 - z0
    x, z, bar = (x0 + x1) / 2, (z0 + z1) / 2, rng.uniform(0.04, 0.07)
    for s in (-1, 1):
        b.box(f, (x + s * (wide - bar) / 2, -0.1, z), (bar, 0.05, tall), trim)
        b.box(f, (x, -0.1, z + s * (tall - bar) / 2), (wide, 0.05, bar), trim)
    for k in range(1, int(rng.integers(1, 4))):
        b.box(f, (x0 + wide * k / 3, -0.1, z), (bar * 0.8, 0.04, tall), trim)
    if rng.random() < 0.4:
        b.box(f, (x, -0.1, z0 + tall * rng.uniform(0.5, 0.8)), (wide, 0.04, bar * 0.8), trim)
    b.box(f, (x, 0.06, z0 - 0.015), (wide + 0.15, 0.16, 0.03), trim)
    if rng.random() < 0.5 and z0 < 1.2:
        objects.scatter(b, f.at(x, 0.06, z0), wide, 0.12, int(rng.integers(1, 4)), objects.SHELF)
    kind = rng.random()
    if kind < 0.35:  # curtains, in folds
        mat, low = b.mat('fabric'), 0.05 if rng.random() < 0.7 else z0 - 0.1
        b.rod(f, (x0 - 0.3, 0.12, z1 + 0.1), (x1 + 0.3, 0.12, z1 + 0.1), 0.012, b.mat('metal'))
        for s in (-1, 1):
            folds = int(rng.integers(4, 9))
            for k in range(folds):
                px = x + s * (wide / 2 + 0.22 - k * 0.055)
                b.ellipsoid(f, (px, 0.12, (low + z1 + 0.1) / 2),
                            (0.08, rng.uniform(0.05, 0.09), (z1 + 0.1 - low) * 1.06), mat)
    elif kind < 0.5:  # a blind
        mat, drop = b.mat('paint', b.palette.pale()), rng.uniform(0.15, 0.9) * tall
        for k in range(int(drop / 0.05)):
            b.box(f.at(x, -0.03, z1 - 0.03 - 0.05 * k, 0, 0.6), (0, 0, 0), (wide, 0.045, .003), mat)
    elif kind < 0.6:
        b.box(f, (x, -0.05, z), (wide, 0.004, tall),
              b.mat('mesh', (0.9, 0.9, 0.9), cutout=0.5, metres=0.12))
    if z0 > 0.6 and rng.random() < 0.6:  # a radiator
        white = b.mat('paint', (0.85, 0.85, 0.82))
        for k in range(int(wide / 0.08)):
            b.box(f, (x0 + 0.05 + 0.08 * k, 0.07, z0 / 2 + 0.02), (0.06, 0.08, z0 * 0.7), white)


def _door(b: Builder, f: Frame, x0: float, x1: float, z0: float, z1: float, trim: int) -> None:
    x, wide = (x0 + x1) / 2, x1 - x0
    for s in (-1, 1):
        b.box(f, (x + s * (wide / 2 + 0.03), -THICK / 2, z1 / 2), (0.07, THICK + 0.04, z1), trim)
    b.box(f, (x, -THICK / 2, z1 + 0.03), (wide + 0.13, THICK + 0.04, 0.07), trim)
    ajar = b.rng.choice([0.0, 0.0, 0.3, 1.0, 1.5, 1.8]) * b.rng.choice([-1.0, 1.0])
    leaf = f.at(x0 + 0.01, -0.04 if ajar >= 0 else -THICK + 0.04, 0, ajar)
    mat = b.mat(str(b.rng.choice(['wood', 'paint', 'lacquer'])))
    b.box(leaf, (wide / 2 - 0.01, 0, z1 / 2), (wide - 0.02, 0.04, z1 - 0.01), mat)
    panel = b.mat('wood') if b.rng.random() < 0.2 else mat
    for z in (z1 * 0.28, z1 * 0.74) if b.rng.random() < 0.6 else ():
        b.box(leaf, (wide / 2, 0, z), (wide * 0.65, 0.052, z1 * 0.3), panel)
    metal = b.mat('metal')
    for s in (-1, 1):
        b.tube(leaf, [(wide - 0.08, 0, 1.03), (wide - 0.08, s * 0.06, 1.03),
                      (wide - 0.2, s * 0.06, 1.03)], 0.009, metal)


def decorate(b: Builder, wall: Wall) -> None:
    """Pictures, posters, notice boards, clocks, sockets, small shelves, hooks with coats."""
    rng, f = b.rng, wall.frame
    for _ in range(int(rng.integers(1, 3 + int(1.2 * wall.length)))):
        x, kind = rng.uniform(-0.46, 0.46) * wall.length, rng.random()
        wide, tall = rng.uniform(0.25, 1.1), rng.uniform(0.25, 0.9)
        z = rng.uniform(1.2, max(1.3, min(2.0, wall.height - 0.5)))
        if abs(x) + wide / 2 > wall.length / 2 or not wall.clear_above(
                x, wide + 0.1, z - tall / 2 - 0.05, z + tall / 2 + 0.05):
            continue
        if kind < 0.35:
            b.box(f, (x, 0.012, z), (wide + 0.06, 0.024, tall + 0.06), b.mat('wood'))
            b.box(f, (x, 0.018, z), (wide, 0.02, tall), b.mat('picture', fit=True))
        elif kind < 0.6:
            for k in range(int(rng.integers(1, 6))):
                at = f.at(x + rng.normal(0, 0.25) * (k > 0), 0.003 + 0.002 * k,
                          z + rng.normal(0, 0.15) * (k > 0), 0, 0, rng.normal(0, 0.04))
                size = rng.uniform(0.2, 0.45)
                b.box(at, (0, 0, 0), (size * 0.71, 0.002, size),
                      b.mat('poster' if rng.random() < 0.6 else 'page', fit=True))
        elif kind < 0.7:
            b.box(f, (x, 0.1, z), (wide, 0.2, 0.02), b.mat('wood'))
            objects.scatter(b, f.at(x, 0.1, z + 0.01), wide, 0.18, 4, objects.SHELF)
        elif kind < 0.78:
            b.cone(f.at(x, 0.0, z + 0.2, 0, -math.pi / 2), (0, 0, 0), 0.15, 0.15, 0.03,
                   b.mat('page'))
        elif kind < 0.86:
            b.box(f, (x, 0.04, z), (wide * 1.2, 0.06, wide * 0.7), b.mat('plastic', (.02,) * 3))
            b.box(f, (x, 0.072, z), (wide * 1.15, 0.004, wide * 0.64), b.mat(
                'screen', (1.,) * 3, emit=rng.uniform(0.2, 1.0), fit=True))
        elif kind < 0.92:
            b.box(f, (x, 0.012, z), (wide, 0.015, tall * 1.5), b.mat('mirror', (0.95,) * 3))
        else:
            hooks = wall.room_for(rng, 0.6)
            if hooks is None or not wall.clear_above(hooks, 0.6, 0.8, 1.8):
                continue
            x = hooks - 0.15
            for k in range(3):
                b.rod(f, (x + 0.15 * k, 0, 1.7), (x + 0.15 * k, 0.07, 1.72), 0.008, b.mat('metal'))
                if rng.random() < 0.6:
                    b.ellipsoid(f, (x + 0.15 * k, 0.12, 1.3), (0.28, 0.16, 0.85), b.mat('fabric'))
    for _ in range(int(rng.integers(0, 4))):
        x = rng.uniform(-0.48, 0.48) * wall.length
        z = float(rng.choice([0.3, 1.1]))
        if wall.clear_above(x, 0.12, z - 0.1, z + 0.1):
            b.box(f, (x, 0.005, z), (0.08, 0.01, 0.08), b.mat('plastic', (0.85,) * 3))
            if rng.random() < 0.4:
                cable = [(x, 0.02, z), (x + 0.03, 0.04, z * 0.6), (x + 0.1, 0.05, 0.05),
                         (x + 0.5, 0.15, 0.01)]
                b.tube(f, cable, 0.005, b.mat('plastic', (0.03,) * 3))


def partition(b: Builder, f: Frame, long: float, high: float) -> None:
    """A glazed screen along x, its middle at the origin: frames, sheets of paper, no door."""
    rng, frame = b.rng, b.mat(str(b.rng.choice(['metal', 'wood', 'paint'])))
    sill, n = rng.uniform(0.0, 1.1), max(2, int(long / rng.uniform(0.7, 1.3)))
    if sill > 0.3:
        b.box(f, (0, 0, sill / 2), (long, 0.06, sill), b.mat(str(rng.choice(['paint', 'wood']))))
    for k in range(n + 1):
        b.box(f, ((k / n - 0.5) * long, 0, high / 2), (0.05, 0.07, high), frame)
    for z in (max(sill, 0.03), high - 0.03, rng.uniform(1.6, 2.1)):
        b.box(f, (0, 0, z), (long, 0.06, 0.05), frame)
    for _ in range(int(rng.integers(0, 8))):  # on the panes
        at = f.at(rng.uniform(-0.45, 0.45) * long, 0.0, rng.uniform(1.1, 1.7), 0, 0,
                  rng.normal(0, 0.03))
        size = rng.uniform(0.2, 0.5)
        b.box(at, (0, 0, 0), (size * 0.71, 0.004, size),
              b.mat('poster' if rng.random() < 0.5 else 'page', fit=True))
    b.target(f, 0, 0, 1.3)


def ceiling_lamps(b: Builder, origin: Frame, wide: float, deep: float, high: float,
                  on: float) -> None:
    """Lamps that hang or lie flat, with their light if they are on (``on``: its strength)."""
    rng, style = b.rng, b.rng.integers(0, 4)
    warm = np.array([1.0, rng.uniform(0.72, 1.0), rng.uniform(0.45, 1.05)])
    tint = (float(warm[0]), float(warm[1]), float(warm[2]))
    glow = b.mat('plain', tint, emit=5.0 if on > 0 else 0.0)
    nx, ny = max(1, round(wide / 3.5)), max(1, round(deep / 3.5))
    drop, r = rng.uniform(0.3, 0.8), rng.uniform(0.1, 0.25)
    lit = high - 0.2 if style < 2 else high - drop - r - 0.02
    for i in range(nx):
        for k in range(ny):
            x, y = ((i + 0.5) / nx - 0.5) * wide, ((k + 0.5) / ny - 0.5) * deep
            if style == 0:
                b.box(origin, (x, y, high - 0.02), (0.6, 0.6, 0.03), glow)
            elif style == 1:
                b.box(origin, (x, y, high - 0.06), (1.3, 0.16, 0.1), b.mat('metal'))
                b.box(origin, (x, y, high - 0.115), (1.2, 0.12, 0.02), glow)
            else:
                b.rod(origin, (x, y, high - drop), (x, y, high), 0.004,
                      b.mat('plastic', (0.03,) * 3))
                shade_mat = glow if style == 2 else b.mat('lacquer')
                b.cone(origin, (x, y, high - drop - r), r, r * 0.4, r, shade_mat, False)
                b.ellipsoid(origin, (x, y, high - drop - r * 0.6), (r * 0.6,) * 3, glow)
            if on > 0 and len(b.lights) < 3:
                b.light(origin.point(x, y, lit), 0.12, warm * on * rng.uniform(0.8, 1.2))

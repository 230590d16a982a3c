"""Fronts of houses: windows, doors, balconies, shops, roofs."""

from __future__ import annotations

import numpy as np

from dvd_ros.training.rich.builder import Builder, Frame
from dvd_ros.training.rich.mesh import flat


def house(b: Builder, f: Frame, wide: float, deep: float, near: bool) -> None:
    """A house whose front is y = 0, facing -y; ``near``: windows are built, not painted."""
    rng = b.rng
    floors = int(rng.integers(1, 4)) if rng.random() < 0.6 else int(rng.integers(3, 9))
    storey = rng.uniform(2.7, 3.4)
    high = floors * storey + 0.4
    columns = max(1, round(wide / rng.uniform(2.2, 3.4)))
    if not near:
        b.box(f, (0, deep / 2, high / 2), (wide, deep, high),
              b.mat('facade', fit=True, repeat=(columns, floors)))
        _roof(b, f, wide, deep, high)
        return
    wall = b.mat(str(rng.choice(['wall', 'bricks', 'concrete', 'wall'])), None if
                 rng.random() < 0.5 else b.palette.pale(), metres=rng.uniform(1.5, 4))
    trim = b.mat('paint', b.palette.pale())
    glass = b.mat('glass', (0.03, 0.035, 0.04), mirror=0.2)
    lit = b.mat('plain', (1.0, 0.8, 0.5), emit=0.5)
    cloth = b.mat('fabric', b.palette.pale())
    b.box(f, (0, deep / 2, high / 2), (wide, deep, high), wall)
    b.box(f, (0, -0.03, 0.3), (wide, 0.06, 0.6), b.mat('concrete'))
    w, tall = wide / columns * rng.uniform(0.4, 0.62), storey * rng.uniform(0.42, 0.6)
    shop = rng.random() < 0.3
    rail, balconies = b.mat('metal', (0.1,) * 3), rng.random() < 0.25
    bars = int(rng.integers(1, 3))
    for k in range(floors):
        z = k * storey + 0.4 + storey * 0.55
        if k == 0 and shop:
            b.box(f, (0, -0.01, 1.45), (wide * 0.92, 0.06, 2.3), glass)
            b.box(f, (0, -0.12, 2.9), (wide * 0.92, 0.25, 0.5), b.mat('sign', fit=True,
                                                                     repeat=(3, 1)))
            for i in range(columns + 1):
                b.box(f, ((i / columns - 0.5) * wide * 0.92, -0.03, 1.4), (0.1, 0.1, 2.6), trim)
            if rng.random() < 0.5:
                b.box(f.at(0, -0.6, 2.75, 0, 0.35), (0, 0, 0), (wide * 0.9, 1.4, 0.04),
                      b.mat('fabric', metres=1.5))
            continue
        for i in range(columns):
            x = ((i + 0.5) / columns - 0.5) * wide
            if k == 0 and i == columns // 2:
                b.box(f, (x, -0.02, 1.15), (1.1, 0.08, 2.3), trim)
                b.box(f, (x, -0.05, 1.1), (0.95, 0.06, 2.15), b.mat('wood'))
                b.box(f, (x, -0.5, 0.08), (1.6, 1.0, 0.16), b.mat('concrete'))
                continue
            b.box(f, (x, -0.01, z), (w + 0.16, 0.06, tall + 0.16), trim)
            pane = cloth if rng.random() < 0.2 else glass
            if rng.random() < (0.35 if b.night else 0.06):
                pane = lit
            b.box(f, (x, -0.025, z), (w, 0.05, tall), pane)
            for j in range(bars):
                b.box(f, (x + w * ((j + 1) / (bars + 1) - 0.5), -0.05, z), (0.05, 0.04, tall), trim)
            b.box(f, (x, -0.1, z - tall / 2 - 0.08), (w + 0.3, 0.24, 0.06), trim)
            if balconies and k > 0 and i % 2 == 0:
                low = z - tall / 2 - 0.3
                b.box(f, (x, -0.6, low), (w + 1.0, 1.2, 0.14), trim)
                for y in (-1.15,):
                    b.rod(f, (x - w / 2 - .5, y, low + 1), (x + w / 2 + .5, y, low + 1), .02, rail)
                    for j in range(9):
                        px = x + (j / 8 - 0.5) * (w + 0.9)
                        b.rod(f, (px, y, low), (px, y, low + 1), 0.01, rail)
    for x in (-wide / 2 + 0.2,):
        b.rod(f, (x, -0.08, 0), (x, -0.08, high), 0.05, b.mat('metal', (0.3,) * 3))
    _roof(b, f, wide, deep, high)


def _roof(b: Builder, f: Frame, wide: float, deep: float, high: float) -> None:
    rng = b.rng
    if rng.random() < 0.35:
        b.box(f, (0, deep / 2, high + 0.15), (wide + 0.3, deep + 0.3, 0.3), b.mat('concrete'))
        return
    rise, over = rng.uniform(1.5, 4.0), 0.4
    x0, x1, y0, y1 = -wide / 2 - over, wide / 2 + over, -over, deep + over
    ridge = (y0 + y1) / 2
    a, c, d, e = (x0, y0, high), (x1, y0, high), (x1, y1, high), (x0, y1, high)
    p, q = (x0, ridge, high + rise), (x1, ridge, high + rise)
    b.mesh(f, flat(np.array([[a, c, q], [a, q, p], [d, e, p], [d, p, q], [c, d, q], [e, a, p]])),
           b.mat('roof'))
    if rng.random() < 0.6:
        b.box(f, (wide * rng.uniform(-0.35, 0.35), deep * 0.5, high + rise), (0.6, 0.6, 1.6),
              b.mat('bricks'))

"""Trees, bushes, hedges, tufts of grass."""

from __future__ import annotations

import math

from dvd_ros.training.rich.builder import Builder, Frame


def tree(b: Builder, f: Frame, high: float | None = None) -> None:
    """A trunk that forks, and a crown of clusters of leaves that one can see through."""
    rng = b.rng
    high = high or rng.uniform(3.5, 14)
    bark, kind = b.mat('bark'), rng.random()
    r = high * rng.uniform(0.012, 0.03)
    if kind < 0.2:  # a conifer
        leaf = b.mat('leaves', (0.55, 0.8, 0.6), cutout=rng.uniform(0.2, 0.45), metres=1.5)
        b.rod(f, (0, 0, 0), (0, 0, high * 0.9), r, bark, r * 0.3)
        layers = int(rng.integers(4, 8))
        for k in range(layers):
            z = high * (0.12 + 0.8 * k / layers)
            wide = high * 0.24 * (1.1 - k / layers) * rng.uniform(0.85, 1.15)
            b.cone(f, (0, 0, z), wide, wide * 0.15, high * 1.25 / layers, leaf, False)
        return
    if kind < 0.3:  # bare
        _fork(b, f, (0.0, 0.0, 0.0), (rng.normal(0, 0.05), rng.normal(0, 0.05), high * 0.35), r,
              bark, 4)
        return
    clear = high * rng.uniform(0.2, 0.45)
    top = (rng.normal(0, 0.03) * high, rng.normal(0, 0.03) * high, clear)
    b.rod(f, (0, 0, -0.1), top, r * 1.15, bark, r * 0.8)
    leaves = [b.mat('leaves', cutout=rng.uniform(0.05, 0.28), metres=rng.uniform(0.9, 1.7))
              for _ in range(2)]
    wide = high * rng.uniform(0.2, 0.36)
    b.target(f, 0, 0, 1.2)
    for k in range(int(rng.integers(14, 40))):
        level = rng.uniform(-0.95, 0.95)
        a, out = k * 2.4, wide * math.sqrt(rng.random() * (1 - level * level))
        z = clear + (high - clear) * (0.55 + 0.42 * level)
        x, y, s = out * math.cos(a), out * math.sin(a), wide * rng.uniform(0.35, 0.85)
        if k < 7:
            b.rod(f, top, (x, y, z), r * 0.5, bark, r * 0.15)
        b.ellipsoid(f, (x, y, z), (s, s, s * rng.uniform(0.6, 1.0)), leaves[k % 2])


def _fork(b: Builder, f: Frame, start: tuple[float, float, float],
          line: tuple[float, float, float], r: float, mat: int, left: int) -> None:
    end = (start[0] + line[0], start[1] + line[1], start[2] + line[2])
    b.rod(f, start, end, r, mat, r * 0.7)
    if not left:
        return
    length = math.sqrt(sum(v * v for v in line)) * 0.68
    for _ in range(3 if left > 2 else 2):
        way = [v / (length / 0.68) + b.rng.normal(0, 0.45) for v in line]
        n = length / math.sqrt(sum(v * v for v in way))
        _fork(b, f, end, (way[0] * n, way[1] * n, abs(way[2]) * n * 0.9), r * 0.62, mat, left - 1)


def bush(b: Builder, f: Frame) -> None:
    leaf = b.mat('leaves', cutout=b.rng.uniform(0.0, 0.35))
    b.target(f, 0, 0, 0.5)
    for _ in range(int(b.rng.integers(2, 6))):
        s = b.rng.uniform(0.5, 1.5)
        b.ellipsoid(f, (b.rng.normal(0, 0.4), b.rng.normal(0, 0.4), s * 0.35), (s, s, s), leaf)


def hedge(b: Builder, f: Frame, long: float) -> None:
    """Along x, its middle at the origin."""
    high, deep, leaf = b.rng.uniform(0.7, 2.0), b.rng.uniform(0.5, 0.9), b.mat('leaves')
    b.box(f, (0, 0, high / 2), (long, deep, high), leaf)
    shell = b.mat('leaves', cutout=0.45)
    b.box(f, (0, 0, high / 2), (long + 0.12, deep + 0.15, high + 0.12), shell)


def tuft(b: Builder, f: Frame) -> None:
    """Blades of grass or reeds."""
    rng, mat = b.rng, b.mat('leaves')
    high = rng.uniform(0.15, 0.9)
    for k in range(int(rng.integers(6, 16))):
        x, y = rng.normal(0, 0.12, 2)
        at = f.at(x, y, 0, k * 2.4, rng.normal(0, 0.3))
        b.cone(at, (0, 0, 0), high * 0.02, 0.001, high * rng.uniform(0.6, 1.0), mat, False)

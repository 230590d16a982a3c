"""The sky, and what is seen out of a window."""

from __future__ import annotations

import numpy as np

from dvd_ros.training.rich.builder import Builder, Frame
from dvd_ros.training.rich.prints import POOL, VARIANTS


def sky(rng: np.random.Generator, sun: np.ndarray | None, level: float) -> np.ndarray:
    """A sky [15] (see tracer.py) of a brightness; clear, clouded or overcast."""
    kind = rng.random()
    if kind < 0.45:
        above = np.array([rng.uniform(0.12, 0.35), rng.uniform(0.3, 0.55), 1.0]) * level
        horizon = np.array([rng.uniform(0.7, 1.1), rng.uniform(0.8, 1.0), 1.0]) * level * 1.1
        clouds = rng.uniform(0.0, 0.7)
    else:
        grey = np.array([rng.uniform(0.85, 1.05), 0.95, rng.uniform(0.95, 1.1)]) * level
        above, horizon, clouds = grey * rng.uniform(0.6, 1.0), grey, rng.uniform(0.3, 1.2)
    if rng.random() < 0.12:  # a low sun
        horizon = horizon * np.array([1.2, 0.8, 0.5])
    below = horizon * rng.uniform(0.25, 0.5)
    toward = np.array([0.0, 0.0, -1.0]) if sun is None else sun
    return np.array([*above, *horizon, *below, *toward, clouds,
                     POOL.index('clouds', int(rng.integers(VARIANTS))), float(sun is not None)])


def outside(b: Builder, wide: float, deep: float) -> None:
    """Ground, houses and trees about a house, as far as its windows show them."""
    rng, down = b.rng, -float(b.rng.choice([0.3, 0.5, 3.2, 6.5, 12.0]))
    ground = Frame((0.0, 0.0, down))
    b.box(ground, (0, 0, -0.5), (400, 400, 1), b.mat(str(rng.choice(['grass', 'asphalt',
                                                                     'paving', 'earth']))))
    for _ in range(int(rng.integers(4, 12))):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(10, 60) + max(wide, deep)
        at = ground.at(far * np.cos(angle), far * np.sin(angle), 0, rng.uniform(0, 3))
        if rng.random() < 0.5:
            size = (rng.uniform(6, 20), rng.uniform(6, 14), rng.uniform(4, 18))
            b.box(at, (0, 0, size[2] / 2), size, b.mat(
                'facade', fit=True, repeat=(max(1, size[0] // 3), max(1, size[2] // 3))))
        else:
            high = rng.uniform(4, 14)
            b.rod(at, (0, 0, 0), (0, 0, high * 0.5), 0.2, b.mat('bark'))
            leaf = b.mat('leaves', cutout=0.3, metres=2.5)
            for _ in range(3):
                s = high * rng.uniform(0.35, 0.6)
                b.ellipsoid(at, (*(rng.normal(0, 0.12, 2) * high), high * rng.uniform(0.5, 0.85)),
                            (s, s, s * 0.9), leaf)

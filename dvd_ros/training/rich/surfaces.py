"""Procedural surfaces with relief: wood, stone, cloth, earth, foliage."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from dvd_ros.training.textures import (
    LEVEL_START,
    LEVELS,
    TEXTURE_SIZE,
    fractal_noise,
    mix,
    random_colour,
)

# Display-space RGB [S,S,3] and height [S,S], both 0..1.
Surface = tuple[np.ndarray, np.ndarray]
Maker = Callable[[np.random.Generator], Surface]
_S = TEXTURE_SIZE


def grid() -> tuple[np.ndarray, np.ndarray]:
    """y and x of the texels, 0..1."""
    y, x = np.mgrid[:_S, :_S] / _S
    return y, x


def shade(rng: np.random.Generator, base: tuple[float, float, float], spread: float) -> np.ndarray:
    """A colour about ``base`` (RGB 0..1)."""
    colour = np.array(base) * (1 + rng.normal(0, spread)) + rng.normal(0, spread * 0.3, 3)
    return np.clip(colour, 0.03, 1.0)


def _plaster(rng: np.random.Generator) -> Surface:
    noise, coarse = fractal_noise(rng, 0.8), fractal_noise(rng, 1.8)
    stain = 0.12 * rng.random() ** 3
    rgb = np.ones((_S, _S, 3)) * (1 - 0.04 * noise - stain * coarse)[..., None]
    return rgb, noise


def _plain(rng: np.random.Generator) -> Surface:
    noise = fractal_noise(rng, 1.2)
    return np.ones((_S, _S, 3)) * (1 - 0.03 * noise)[..., None], noise


WOODS = ((0.62, 0.45, 0.28), (0.78, 0.62, 0.42), (0.45, 0.29, 0.17), (0.30, 0.19, 0.12),
         (0.85, 0.74, 0.56), (0.55, 0.33, 0.2))


def _grain(rng: np.random.Generator, base: np.ndarray) -> Surface:
    """Wood whose fibres run along y."""
    _, x = grid()
    warp = fractal_noise(rng, 2.0, 6.0)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (rng.integers(3, 9) * x + rng.uniform(0.3, 1.5) * warp))
    fibre = fractal_noise(rng, 0.9, 24.0)
    tone = 1 - rng.uniform(0.08, 0.25) * rings**2 - rng.uniform(0.05, 0.2) * fibre
    return base * tone[..., None], 0.4 + 0.3 * fibre


def _wood(rng: np.random.Generator) -> Surface:
    rgb, height = _grain(rng, shade(rng, WOODS[int(rng.integers(len(WOODS)))], 0.1))
    return (rgb, height) if rng.random() < 0.6 else (rgb.swapaxes(0, 1), height.T)


def _planks(rng: np.random.Generator) -> Surface:
    rgb, height = _grain(rng, shade(rng, WOODS[int(rng.integers(len(WOODS)))], 0.1))
    rgb, height = rgb.swapaxes(0, 1), height.T
    rows, y, x = int(rng.choice([4, 6, 8])), *grid()
    row = np.floor(y * rows).astype(int)
    shift = rng.uniform(0, 1, rows)
    along = (x + shift[row]) % 1.0
    tone = rng.uniform(0.75, 1.1, (rows, 2))[row, (along * 2).astype(int)]
    rolled = np.take_along_axis(rgb, ((np.arange(_S)[None] + (shift[row[:, :1]] * _S).astype(int))
                                      % _S)[..., None], 1)
    joint = ((y * rows) % 1 < 0.05) | ((along * 2) % 1 < 0.008)
    return (rolled * tone[..., None] * np.where(joint, 0.45, 1.0)[..., None],
            np.where(joint, 0.0, height))


def _cells(rng: np.random.Generator, rows: int, columns: int, offset: float, joint: float,
           ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row and column of the cell, a tone of each cell, and whether it is a joint."""
    y, x = grid()
    row = np.floor(y * rows).astype(int)
    shifted = (x * columns + offset * row) % columns
    column = np.floor(shifted).astype(int)
    edge = np.minimum(np.minimum((y * rows) % 1, 1 - (y * rows) % 1) / rows,
                      np.minimum(shifted % 1, 1 - shifted % 1) / columns)
    return row, column, rng.uniform(0, 1, (rows, columns))[row, column], edge < joint


def _tiles(rng: np.random.Generator) -> Surface:
    n = int(rng.choice([2, 4, 6]))
    row, column, tone, joint = _cells(rng, n, n * int(rng.choice([1, 1, 2])), 0.0, 0.006)
    one = shade(rng, rng.choice([[0.9, 0.9, 0.88], [0.75, 0.7, 0.62], [0.5, 0.45, 0.42],
                                 [0.8, 0.82, 0.85], [0.7, 0.45, 0.33]]), 0.1)
    two = random_colour(rng) if rng.random() < 0.25 else one
    odd = (row + column) % 2
    vein = fractal_noise(rng, 1.6)
    rgb = mix(odd.astype(float), two, one) * (1 - 0.12 * tone - 0.15 * vein)[..., None]
    rgb[joint] = rng.uniform(0.35, 0.8)
    return rgb, np.where(joint, 0.0, 1.0)


def _bricks(rng: np.random.Generator) -> Surface:
    rows = int(rng.choice([8, 12, 16]))
    _, _, tone, joint = _cells(rng, rows, rows // 4 + 1, 0.5, 0.007)
    base = shade(rng, rng.choice([[0.6, 0.3, 0.22], [0.7, 0.5, 0.35], [0.55, 0.5, 0.46],
                                  [0.85, 0.82, 0.78]]), 0.1)
    noise = fractal_noise(rng, 0.9)
    rgb = base * (1.1 - 0.35 * tone - 0.25 * noise)[..., None]
    rgb[joint] = rng.uniform(0.5, 0.75)
    return rgb, np.where(joint, 0.0, 0.7 + 0.3 * noise)


def _carpet(rng: np.random.Generator) -> Surface:
    fine, coarse = fractal_noise(rng, 0.2), fractal_noise(rng, 1.5)
    y, x = grid()
    rgb = np.ones((_S, _S, 3)) * (1 - 0.45 * fine - 0.1 * coarse)[..., None]
    kind = rng.integers(0, 4)
    if kind == 0:  # stripes
        stripe = 0.5 + 0.5 * np.sin(2 * np.pi * x * rng.integers(10, 40))
        rgb = rgb * (1 - 0.4 * stripe)[..., None]
    elif kind == 1:  # an ornament
        n = int(rng.integers(2, 6))
        ring = np.sin(np.hypot((x * n) % 1 - 0.5, (y * n) % 1 - 0.5) * rng.uniform(15, 40)) > 0
        rgb = rgb * mix(ring.astype(float), random_colour(rng), random_colour(rng))
    return rgb, fine


def _fabric(rng: np.random.Generator) -> Surface:
    y, x = grid()
    n = int(rng.choice([32, 48, 64]))
    weave = 0.5 + 0.25 * (np.sin(2 * np.pi * n * x) + np.sin(2 * np.pi * n * y))
    rgb = np.ones((_S, _S, 3)) * (1 - 0.2 * weave - 0.15 * fractal_noise(rng, 1.2))[..., None]
    kind = rng.random()
    if kind < 0.25:
        n = int(rng.integers(2, 12))
        mask = (np.sin(2 * np.pi * n * x) > 0) * 0.5 + (np.sin(2 * np.pi * n * y) > 0) * 0.5
        rgb = rgb * mix(mask, random_colour(rng), np.ones(3))
    elif kind < 0.4:
        n = int(rng.integers(3, 10))
        dots = np.hypot((x * n) % 1 - 0.5, (y * n) % 1 - 0.5) < rng.uniform(0.15, 0.4)
        rgb = rgb * mix(dots.astype(float), random_colour(rng), np.ones(3))
    return rgb, weave


def _marble(rng: np.random.Generator) -> Surface:
    warp = fractal_noise(rng, 1.8)
    vein = np.abs(np.sin(2 * np.pi * (rng.uniform(1, 3) * warp + fractal_noise(rng, 2.0))))
    speck = fractal_noise(rng, 0.1)
    one = shade(rng, rng.choice([[0.9, 0.9, 0.88], [0.2, 0.2, 0.22], [0.55, 0.5, 0.45]]), 0.1)
    rgb = one * (1 - rng.uniform(0.1, 0.4) * (1 - vein)**4 - rng.uniform(0, 0.4) * speck)[..., None]
    return rgb, warp


def _asphalt(rng: np.random.Generator) -> Surface:
    fine, coarse = fractal_noise(rng, 0.2), fractal_noise(rng, 1.8)
    tone = rng.uniform(0.32, 0.55) * (1 - 0.35 * fine - rng.uniform(0.1, 0.4) * coarse)
    rgb = np.repeat(tone[..., None], 3, -1) * shade(rng, (1.0, 0.98, 0.95), 0.03)
    if rng.random() < 0.6:  # cracks, mended
        crack = np.abs(fractal_noise(rng, 2.2) - 0.5) < 0.008
        rgb[crack] *= 0.5
    return rgb, fine


def _concrete(rng: np.random.Generator) -> Surface:
    fine, coarse = fractal_noise(rng, 0.5), fractal_noise(rng, 1.9)
    tone = rng.uniform(0.55, 0.8) * (1 - 0.12 * fine - 0.3 * coarse)
    return np.repeat(tone[..., None], 3, -1) * shade(rng, (1.0, 0.98, 0.93), 0.03), fine


def _paving(rng: np.random.Generator) -> Surface:
    n = int(rng.choice([4, 6, 8]))
    _, _, tone, joint = _cells(rng, n, n, rng.choice([0.0, 0.5]), 0.008)
    rgb, height = _concrete(rng)
    rgb = rgb * (1 - 0.25 * tone)[..., None]
    rgb[joint] *= 0.45
    return rgb, np.where(joint, 0.0, 0.6 + 0.4 * height)


def _grass(rng: np.random.Generator) -> Surface:
    blades, coarse = fractal_noise(rng, 0.4, 0.4), fractal_noise(rng, 1.8)
    one = shade(rng, (0.36, 0.45, 0.18), 0.15)
    two = shade(rng, (0.55, 0.52, 0.28), 0.15)
    return mix(np.clip(coarse * rng.uniform(0.2, 1.2), 0, 1), two, one) * (
        1 - 0.55 * blades)[..., None], blades


def _earth(rng: np.random.Generator) -> Surface:
    fine, coarse = fractal_noise(rng, 0.6), fractal_noise(rng, 1.7)
    rgb = mix(coarse, shade(rng, (0.5, 0.4, 0.28), 0.15), shade(rng, (0.62, 0.55, 0.45), 0.15))
    return rgb * (1 - 0.4 * fine)[..., None], fine


def _leaves(rng: np.random.Generator) -> Surface:
    """Foliage: the height says where there is a leaf at all (see Material.cutout)."""
    rgb = np.empty((_S, _S, 3), np.float32)
    rgb[:] = 0.1
    height = np.zeros((_S, _S), np.float32)
    base = shade(rng, rng.choice([[0.3, 0.42, 0.16], [0.42, 0.5, 0.2], [0.24, 0.36, 0.2],
                                  [0.55, 0.45, 0.2]]), 0.12)
    for _ in range(900):
        centre = (int(rng.integers(_S)), int(rng.integers(_S)))
        axes = (int(rng.integers(4, 9)), int(rng.integers(2, 5)))
        turn, tone = float(rng.uniform(0, 180)), rng.uniform(0.5, 1.35)
        colour = tuple(float(v) for v in base * tone)
        cv2.ellipse(rgb, centre, axes, turn, 0, 360, colour, -1)
        cv2.ellipse(height, centre, axes, turn, 0, 360, float(0.6 + 0.3 * tone / 1.35), -1)
    return rgb, height * (0.55 + 0.7 * fractal_noise(rng, 1.3))


def _bark(rng: np.random.Generator) -> Surface:
    ridges = fractal_noise(rng, 1.1, 5.0)
    base = shade(rng, rng.choice([[0.4, 0.32, 0.25], [0.55, 0.5, 0.45], [0.3, 0.25, 0.2]]), 0.1)
    return base * (1.1 - 0.7 * ridges)[..., None], 1 - ridges


def _metal(rng: np.random.Generator) -> Surface:
    brushed = fractal_noise(rng, 0.5, 40.0)
    return np.ones((_S, _S, 3)) * (1 - 0.12 * brushed)[..., None], brushed


def _specks(rng: np.random.Generator) -> Surface:
    """Worktops, linoleum, terrazzo."""
    canvas = np.empty((_S, _S, 3), np.float32)
    canvas[:] = shade(rng, (0.7, 0.68, 0.65), 0.2)
    for _ in range(int(rng.integers(200, 900))):
        centre = (int(rng.integers(_S)), int(rng.integers(_S)))
        colour = tuple(float(v) for v in canvas[0, 0] * rng.uniform(0.4, 1.5))
        cv2.circle(canvas, centre, int(rng.integers(1, 4)), colour, -1)
    return np.clip(canvas, 0, 1), fractal_noise(rng, 1.0)


def _mesh(rng: np.random.Generator) -> Surface:
    """Wire mesh; the height says where the wire is."""
    y, x = grid()
    n = int(rng.choice([8, 12]))
    a, b = ((x + y) * n, (x - y) * n) if rng.random() < 0.6 else (x * n * 2, y * n * 2)
    wire = np.minimum(np.abs(a % 1 - 0.5), np.abs(b % 1 - 0.5)) < 0.09
    return np.ones((_S, _S, 3)) * 0.55, wire.astype(float)


def _corrugated(rng: np.random.Generator) -> Surface:
    _, x = grid()
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * x * int(rng.choice([8, 16])))
    rust = fractal_noise(rng, 1.6)
    return np.ones((_S, _S, 3)) * (0.75 + 0.2 * wave - 0.15 * rust)[..., None], wave


def _roof(rng: np.random.Generator) -> Surface:
    rows = 10
    _, _, tone, _ = _cells(rng, rows, 8, 0.5, 0.0)
    y, _ = grid()
    base = shade(rng, rng.choice([[0.6, 0.3, 0.2], [0.35, 0.33, 0.35], [0.45, 0.35, 0.3]]), 0.1)
    slope = (y * rows) % 1
    return base * (1 - 0.3 * tone - 0.4 * (slope > 0.85))[..., None], 1 - slope


MAKERS: dict[str, Maker] = {
    'plaster': _plaster, 'plain': _plain, 'wood': _wood, 'planks': _planks, 'tiles': _tiles,
    'bricks': _bricks, 'carpet': _carpet, 'fabric': _fabric, 'marble': _marble,
    'asphalt': _asphalt, 'concrete': _concrete, 'paving': _paving, 'grass': _grass,
    'earth': _earth, 'leaves': _leaves, 'bark': _bark, 'metal': _metal, 'specks': _specks,
    'mesh': _mesh, 'corrugated': _corrugated, 'roof': _roof}


def pack(surface: Surface, out: np.ndarray) -> None:
    """Write a surface and its mip levels to ``out`` uint8 [texels,4] (see textures.py)."""
    level = np.dstack([np.clip(surface[0], 0, 1), np.clip(surface[1], 0, 1)]).astype(float)
    for i in range(LEVELS):
        out[LEVEL_START[i]:LEVEL_START[i + 1]] = (255 * level + 0.5).astype(np.uint8).reshape(-1, 4)
        if i + 1 < LEVELS:
            level = (level[0::2] + level[1::2]) / 2
            level = (level[:, 0::2] + level[:, 1::2]) / 2

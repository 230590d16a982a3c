"""Procedural surface textures, packed with their mip levels for the ray caster."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

TEXTURE_SIZE = 256
LEVELS = 9  # 256, 128, ..., 1
# First texel of each mip level inside one packed texture.
LEVEL_START = np.cumsum([0] + [(TEXTURE_SIZE >> i) ** 2 for i in range(LEVELS)]).astype(np.int64)


def fractal_noise(rng: np.random.Generator, slope: float, stretch: float = 1.0) -> np.ndarray:
    """Tileable noise [S,S] in 0..1 with a power spectrum of 1/f**slope."""
    size = TEXTURE_SIZE
    fy = np.fft.fftfreq(size)[:, None] * size * stretch
    fx = np.fft.fftfreq(size)[None, :] * size
    radius = np.hypot(fx, fy)
    radius[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.standard_normal((size, size))) / radius**slope
    noise = np.real(np.fft.ifft2(spectrum))
    low, high = np.percentile(noise, [2, 98])
    return np.clip((noise - low) / max(high - low, 1e-9), 0, 1)


def random_colour(rng: np.random.Generator) -> np.ndarray:
    hue = rng.uniform(0, 180)
    saturation = 255 * rng.beta(1.2, 2.5)
    value = rng.uniform(60, 255)
    hsv = np.array([[[hue, saturation, value]]], np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0] / 255.0


def mix(mask: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return mask[..., None] * first + (1 - mask[..., None]) * second


def _plain(rng: np.random.Generator) -> np.ndarray:
    noise = fractal_noise(rng, rng.uniform(0.3, 1.5))
    colour = random_colour(rng)
    return colour * (1 - rng.uniform(0.02, 0.15) * noise[..., None])


def _cloudy(rng: np.random.Generator) -> np.ndarray:
    noise = fractal_noise(rng, rng.uniform(0.8, 2.0), rng.choice([1.0, 1.0, 8.0]))
    return mix(noise, random_colour(rng), random_colour(rng))


def _tiles(rng: np.random.Generator) -> np.ndarray:
    """Bricks, floor tiles, planks: cells of one colour family with joints between them."""
    rows = int(rng.choice([2, 4, 8, 16]))
    columns = int(rng.choice([1, 2, 4, 8]))
    y, x = np.mgrid[:TEXTURE_SIZE, :TEXTURE_SIZE] / TEXTURE_SIZE
    row = np.floor(y * rows)
    shifted = x * columns + (rng.choice([0.0, 0.5]) * row)
    column = np.floor(shifted) % columns
    tone = rng.uniform(1 - rng.uniform(0, 0.5), 1, (rows, columns))
    cell = tone[row.astype(int), column.astype(int)]
    edge = np.minimum((y * rows) % 1 / rows, (shifted % 1) / columns)
    joint = edge < rng.uniform(0.0, 0.012)
    texture = random_colour(rng) * cell[..., None]
    texture[joint] = random_colour(rng)
    grain = fractal_noise(rng, 1.0, rng.choice([1.0, 12.0]))
    return texture * (1 - rng.uniform(0, 0.3) * grain[..., None])


def _pattern(rng: np.random.Generator) -> np.ndarray:
    """Checks, stripes and dots, as on cloth and paper."""
    y, x = np.mgrid[:TEXTURE_SIZE, :TEXTURE_SIZE] / TEXTURE_SIZE
    n, m = rng.integers(2, 12, 2)
    kind = rng.integers(0, 4)
    if kind == 0:
        mask = ((np.floor(x * 2 * n) + np.floor(y * 2 * n)) % 2).astype(float)
    elif kind == 1:
        mask = (np.sin(2 * np.pi * (n * x + m * y)) > rng.uniform(-0.5, 0.5)).astype(float)
    elif kind == 2:
        mask = (np.hypot((x * n) % 1 - 0.5, (y * n) % 1 - 0.5) < rng.uniform(0.1, 0.45)) * 1.0
    else:
        mask = (np.sin(2 * np.pi * n * x) > 0) * 0.5 + (np.sin(2 * np.pi * m * y) > 0) * 0.5
    return mix(mask, random_colour(rng), random_colour(rng))


def _clutter(rng: np.random.Generator) -> np.ndarray:
    """Posters, book spines, screens, labels: overlapping rectangles, discs and lines."""
    canvas = np.empty((TEXTURE_SIZE, TEXTURE_SIZE, 3), np.float32)
    canvas[:] = random_colour(rng)
    for _ in range(int(rng.integers(5, 60))):
        centre = rng.integers(0, TEXTURE_SIZE, 2)
        extent = rng.integers(3, int(rng.choice([20, 60, 120])), 2)
        colour = tuple(float(v) for v in random_colour(rng))
        start = (int(centre[0]), int(centre[1]))
        end = (int(centre[0] + extent[0]), int(centre[1] + extent[1]))
        shape = rng.integers(0, 3)
        if shape == 0:
            cv2.rectangle(canvas, start, end, colour, -1)
        elif shape == 1:
            cv2.circle(canvas, start, int(extent[0] // 2 + 1), colour, -1)
        else:
            cv2.line(canvas, start, end, colour, int(rng.integers(1, 6)))
    return canvas


def make_textures(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random textures with their mip levels.

    Returns uint8 [count, texels, 3] RGB; level ``i`` is the square of side ``256 >> i`` that
    starts at ``LEVEL_START[i]``, row-major, and each level tiles without a seam of its own.
    """
    makers = [_plain, _plain, _cloudy, _cloudy, _tiles, _tiles, _pattern, _clutter, _clutter]
    packed = np.empty((count, LEVEL_START[-1], 3), np.uint8)
    for index in range(count):
        level = makers[int(rng.integers(len(makers)))](rng).astype(np.float32)
        for i in range(LEVELS):
            flat = np.clip(level * 255, 0, 255).astype(np.uint8).reshape(-1, 3)
            packed[index, LEVEL_START[i]:LEVEL_START[i + 1]] = flat
            if i + 1 < LEVELS:
                half = (level[0::2] + level[1::2]) / 2
                level = ((half[:, 0::2] + half[:, 1::2]) / 2).astype(np.float32)
    return packed


@lru_cache(maxsize=1)
def texture_pool(count: int = 384) -> np.ndarray:
    """The textures that all scenes share (making them anew for each costs more than a frame)."""
    return make_textures(np.random.default_rng(20261121), count)


def choose_textures(rng: np.random.Generator, count: int) -> np.ndarray:
    """``count`` textures of the pool, their colours turned at random (see make_textures)."""
    pool = texture_pool()
    chosen = pool[rng.choice(len(pool), count, replace=False)]
    for texture in chosen:
        order = rng.permutation(3)
        texture[:] = texture[:, order]
    return chosen

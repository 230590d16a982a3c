"""Which texels of a mipmapped texture a bilinear sample is made of; both ray casters ask."""

from __future__ import annotations

import math

import numba

from dvd_ros.training.textures import LEVEL_START, LEVELS, TEXTURE_SIZE


@numba.njit(cache=True, error_model='numpy')
def corners(u, v, footprint, fits):
    """
    Give level, the weights of right and of low, and the texels: top left, top right, low both.

    u, v: of level 0, in texels; they repeat. footprint: texels of level 0 in a pixel; the level is
    the first of which a pixel has at most ``fits``.
    """
    level = 0
    while footprint > fits and level < LEVELS - 1:
        footprint *= 0.5
        level += 1
    size = TEXTURE_SIZE >> level
    u = u / (1 << level) - 0.5
    v = v / (1 << level) - 0.5
    fu, fv = math.floor(u), math.floor(v)
    u0, v0 = int(fu) % size, int(fv) % size
    u1, v1 = (u0 + 1) % size, (v0 + 1) % size
    base = LEVEL_START[level]
    return (level, u - fu, v - fv, base + v0 * size + u0, base + v0 * size + u1,
            base + v1 * size + u0, base + v1 * size + u1)

"""Triangle meshes: rounded boxes, rings, extruded outlines, height fields.

All return float64 [n,6,3]: the three corners of each triangle and the normals there, before any
stretching.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def _sheet(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Triangles of a grid of points [a,b,3]."""
    def corner(grid: np.ndarray, i: int, j: int) -> np.ndarray:
        return grid[i:len(grid) - 1 + i, j:grid.shape[1] - 1 + j].reshape(-1, 3)

    halves = []
    for order in (((0, 0), (1, 0), (1, 1)), ((0, 0), (1, 1), (0, 1))):
        halves.append(np.stack([corner(grid, *at) for grid in (points, normals)
                                for at in order], 1))
    return np.concatenate(halves)


def _power(value: np.ndarray, exponent: float) -> np.ndarray:
    return np.sign(value) * np.abs(value) ** exponent


@lru_cache(maxsize=32)
def superellipsoid(across: float = 0.35, along: float = 0.35, rows: int = 8,
                   columns: int = 12) -> np.ndarray:
    """
    A unit superquadric (half extents 1): 1 is a ball, towards 0 a box with round edges.

    ``across``: exponent of the outline seen from above, ``along`` from the side (Barr 1981).
    """
    v = np.linspace(-np.pi / 2, np.pi / 2, rows + 1)[:, None]
    u = np.linspace(-np.pi, np.pi, columns + 1)[None]
    u, v = np.broadcast_arrays(u + np.pi / columns, v)

    def at(power_u: float, power_v: float) -> np.ndarray:
        return np.stack([_power(np.cos(v), power_v) * _power(np.cos(u), power_u),
                         _power(np.cos(v), power_v) * _power(np.sin(u), power_u),
                         _power(np.sin(v), power_v)], -1)

    normals = at(2 - across, 2 - along)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-12
    return _sheet(at(across, along), normals)


@lru_cache(maxsize=16)
def torus(thickness: float = 0.25, around: int = 14, section: int = 6) -> np.ndarray:
    """A ring of radius 1 about z; ``thickness``: radius of its section."""
    u = np.linspace(0, 2 * np.pi, around + 1)[:, None]
    v = np.linspace(0, 2 * np.pi, section + 1)[None]
    u, v = np.broadcast_arrays(u, v)
    out = np.stack([np.cos(u) * np.cos(v), np.sin(u) * np.cos(v), np.sin(v)], -1)
    centre = np.stack([np.cos(u), np.sin(u), np.zeros_like(u)], -1)
    return _sheet(centre + thickness * out, out)


def flat(corners: np.ndarray) -> np.ndarray:
    """Triangles [n,3,3] with the normals of their planes."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    return np.concatenate([corners, np.repeat(normal[:, None], 3, 1)], 1)


def quad(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Two triangles."""
    return flat(np.array([[a, b, c], [a, c, d]], float))


def extrude(outline: np.ndarray, narrow: float = 1.0) -> np.ndarray:
    """
    A star-shaped outline [n,2] (x, z) drawn out along y from -1 to 1, closed at both ends.

    ``narrow`` < 1: the ends are smaller by that factor, about the outline's middle.
    """
    n = len(outline)
    middle = outline.mean(0)
    ends = []
    for y in (-1.0, 1.0):
        ring = middle + (outline - middle) * narrow
        ends.append(np.stack([ring[:, 0], np.full(n, y), ring[:, 1]], 1))
    bulge = np.stack([outline[:, 0], np.zeros(n), outline[:, 1]], 1)
    rings = [ends[0], bulge, ends[1]] if narrow < 1 else ends
    triangles = []
    for one, two in zip(rings, rings[1:], strict=False):
        for i in range(n):
            j = (i + 1) % n
            triangles += [[one[i], one[j], two[j]], [one[i], two[j], two[i]]]
    for y, ring in zip((-1.0, 1.0), ends, strict=True):
        centre = np.array([middle[0], y, middle[1]])
        triangles += [[centre, ring[i], ring[(i + 1) % n]] for i in range(n)]
    return flat(np.array(triangles, float))


def height_field(heights: np.ndarray, spacing: float) -> np.ndarray:
    """The ground over a grid of heights [a,b] (x, y), its middle at the origin."""
    a, b = heights.shape
    x, y = np.meshgrid((np.arange(a) - (a - 1) / 2) * spacing, (np.arange(b) - (b - 1) / 2) *
                       spacing, indexing='ij')
    slope_x, slope_y = np.gradient(heights, spacing)
    normals = np.stack([-slope_x, -slope_y, np.ones_like(heights)], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return _sheet(np.stack([x, y, heights], -1), normals)

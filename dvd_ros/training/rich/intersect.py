"""Where a ray meets one primitive: boxes, ellipsoids, cone frustums and triangles, closed form.

A primitive is a row of `data` (float64 [19]). Triangle: corner, two edges, three vertex normals.
The others: rotation world to local (9), centre (3), extent (3), and 1 if a frustum has lids.
Extent is half sizes of a box, radii of an ellipsoid, (radius below, radius above, half height) of
a frustum, whose axis is local z.
"""

from __future__ import annotations

import math

import numba

BOX, ELLIPSOID, CONE, TRIANGLE = range(4)
EPS = 1e-5
# All of fast math but the promise that there is no infinity, which a slab test makes.
FAST = {'nsz', 'arcp', 'contract', 'afn', 'reassoc'}


@numba.njit(cache=True, fastmath=FAST, error_model='numpy', inline='never')
def triangle(d, ox, oy, oz, dx, dy, dz, t_max):
    """Length of the ray to a triangle, or -1 (Moeller and Trumbore 1997; both sides count)."""
    px, py, pz = dy * d[8] - dz * d[7], dz * d[6] - dx * d[8], dx * d[7] - dy * d[6]
    det = d[3] * px + d[4] * py + d[5] * pz
    if abs(det) < 1e-14:
        return -1.0
    inv = 1.0 / det
    tx, ty, tz = ox - d[0], oy - d[1], oz - d[2]
    u = (tx * px + ty * py + tz * pz) * inv
    if u < 0.0 or u > 1.0:
        return -1.0
    qx, qy, qz = ty * d[5] - tz * d[4], tz * d[3] - tx * d[5], tx * d[4] - ty * d[3]
    v = (dx * qx + dy * qy + dz * qz) * inv
    if v < 0.0 or u + v > 1.0:
        return -1.0
    t = (d[6] * qx + d[7] * qy + d[8] * qz) * inv
    return t if EPS < t < t_max else -1.0


@numba.njit(cache=True, fastmath=FAST, error_model='numpy', inline='never')
def analytic(kind, d, ox, oy, oz, dx, dy, dz, t_min, t_max):
    """Nearest hit beyond ``t_min``: (length or -1, local axis of the face, or -1 if curved)."""
    px, py, pz = ox - d[9], oy - d[10], oz - d[11]
    ax, ay, az = (d[0] * px + d[1] * py + d[2] * pz, d[3] * px + d[4] * py + d[5] * pz,
                  d[6] * px + d[7] * py + d[8] * pz)
    bx, by, bz = (d[0] * dx + d[1] * dy + d[2] * dz, d[3] * dx + d[4] * dy + d[5] * dz,
                  d[6] * dx + d[7] * dy + d[8] * dz)
    if kind == BOX:
        if bx == 0.0:
            bx = 1e-18
        if by == 0.0:
            by = 1e-18
        if bz == 0.0:
            bz = 1e-18
        hx, hy, hz = d[12] / abs(bx), d[13] / abs(by), d[14] / abs(bz)
        mx, my, mz = -ax / bx, -ay / by, -az / bz
        far = min(mx + hx, my + hy, mz + hz)
        t, axis = mx - hx, 0
        if my - hy > t:
            t, axis = my - hy, 1
        if mz - hz > t:
            t, axis = mz - hz, 2
        if t > t_min and t < t_max and t <= far:
            return t, axis
        return -1.0, -1
    if kind == ELLIPSOID:
        ix, iy, iz = 1.0 / d[12], 1.0 / d[13], 1.0 / d[14]
        ax, ay, az, bx, by, bz = ax * ix, ay * iy, az * iz, bx * ix, by * iy, bz * iz
        a = bx * bx + by * by + bz * bz
        b = ax * bx + ay * by + az * bz
        disc = b * b - a * (ax * ax + ay * ay + az * az - 1.0)
        if disc < 0:
            return -1.0, -1
        root = math.sqrt(disc)
        t = (-b - root) / a
        if t <= t_min:
            t = (-b + root) / a
        return (t, -1) if t_min < t < t_max else (-1.0, -1)
    slope = (d[13] - d[12]) / (2.0 * d[14])
    middle = 0.5 * (d[12] + d[13])
    reach = middle + slope * az
    a = bx * bx + by * by - slope * slope * bz * bz
    b = ax * bx + ay * by - slope * bz * reach
    c = ax * ax + ay * ay - reach * reach
    best, face = t_max, -2
    disc = b * b - a * c
    if disc >= 0 and a != 0.0:
        root = math.sqrt(disc)
        first, second = (-b - root) / a, (-b + root) / a
        if first > second:
            first, second = second, first
        for t in (first, second):
            z = az + t * bz
            if t_min < t < best and abs(z) <= d[14] and middle + slope * z >= 0:
                best, face = t, -1
    if d[15] > 0 and bz != 0.0:
        for side in (-1.0, 1.0):
            t = (side * d[14] - az) / bz
            x, y = ax + t * bx, ay + t * by
            r = d[12] if side < 0 else d[13]
            if t_min < t < best and x * x + y * y <= r * r:
                best, face = t, 2
    return (best, face) if face > -2 else (-1.0, -1)

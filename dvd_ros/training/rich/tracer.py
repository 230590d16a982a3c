"""Looks at a rich scene: RGB light and true depth, one bounce of mirrors, soft shadows.

Single-threaded and deterministic, as raycast.py; what differs is that primitives may be many,
lights have a size, and ambient light is dimmed where surfaces meet (occlusion.py).
"""

from __future__ import annotations

import math

import numba
import numpy as np

from dvd_ros.training.rich.intersect import EPS, FAST, TRIANGLE, analytic, triangle
from dvd_ros.training.rich.surface import (
    BLUE,
    CUTOUT,
    EMIT,
    EXPONENT,
    FIT,
    GLOSS,
    GREEN,
    MIRROR,
    RED,
    RELIEF,
    TEXTURE,
    height_at,
    locate,
    texel,
)

# Columns of a light: position or direction, radius (of a sun: of its disc, radians), RGB, sun.
LIGHT_COLUMNS = 8
# Of the sky: RGB above, at the horizon, below; sun direction; clouds 0..1; texture of the clouds.
SKY_COLUMNS = 15

# Where a lamp of unit size is sampled, [16,3] in -1..1: an additive recurrence of the plastic
# number's like in three dimensions (Roberts 2018).
SAMPLES = np.array([[2 * ((i + 0.5) * a % 1.0) - 1 for a in (0.8191725, 0.6710436, 0.5497005)]
                    for i in np.argsort([0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5])])


@numba.njit(cache=True, fastmath=FAST, error_model='numpy')
def _trace(any_hit, kind, data, shift, material, mats, textures, boxes, links, ox, oy, oz, dx, dy,
           dz, t_max, stack, place):
    """The nearest hit (or, with ``any_hit``, one): (primitive or -1, length, face)."""
    ix = 1.0 / dx if dx != 0.0 else 1e18
    iy = 1.0 / dy if dy != 0.0 else 1e18
    iz = 1.0 / dz if dz != 0.0 else 1e18
    best, hit, side = t_max, -1, -1
    stack[0] = 0
    held = 1
    while held:
        held -= 1
        node = stack[held]
        b = boxes[node]
        x0, x1 = (b[0] - ox) * ix, (b[3] - ox) * ix
        y0, y1 = (b[1] - oy) * iy, (b[4] - oy) * iy
        z0, z1 = (b[2] - oz) * iz, (b[5] - oz) * iz
        enter = max(min(x0, x1), min(y0, y1), min(z0, z1))
        leave = min(max(x0, x1), max(y0, y1), max(z0, z1))
        if enter > leave or leave < 0.0 or enter > best:
            continue
        first, number = links[node, 0], links[node, 1]
        if number < 0:
            a, c = boxes[first], boxes[first + 1]
            nearer = (dx * (a[0] + a[3] - c[0] - c[3]) + dy * (a[1] + a[4] - c[1] - c[4])
                      + dz * (a[2] + a[5] - c[2] - c[5]))
            if nearer > 0.0:
                stack[held], stack[held + 1] = first, first + 1
            else:
                stack[held], stack[held + 1] = first + 1, first
            held += 2
            continue
        for i in range(first, first + number):
            d = data[i]
            if kind[i] == TRIANGLE:
                t, face = triangle(d, ox, oy, oz, dx, dy, dz, best), -1
            else:
                t, face = analytic(kind[i], d, ox, oy, oz, dx, dy, dz, EPS, best)
            if t <= 0.0:
                continue
            m = mats[material[i]]
            if m[CUTOUT] > 0:
                locate(kind[i], d, shift[i], m, face, ox + t * dx, oy + t * dy, oz + t * dz, place)
                # Round things are thinner at their rims: so a crown of leaves is ragged.
                rim = 1.0 - abs(place[0] * dx + place[1] * dy + place[2] * dz)
                holes = m[CUTOUT] + (0.6 * rim * rim if face < 0 else 0.0)
                if height_at(textures, int(m[TEXTURE]), place[9], place[10]) < holes:
                    if kind[i] == TRIANGLE or face >= 0:
                        continue
                    t, face = analytic(kind[i], d, ox, oy, oz, dx, dy, dz, t + 1e-4, best)
                    if t <= 0.0:
                        continue
                    locate(kind[i], d, shift[i], m, face, ox + t * dx, oy + t * dy, oz + t * dz,
                           place)
                    if height_at(textures, int(m[TEXTURE]), place[9], place[10]) < holes:
                        continue
            if any_hit:
                if m[EMIT] > 0:  # a lamp's own shade lets its light out
                    continue
                return i, t, face
            best, hit, side = t, i, face
    return hit, best, side


@numba.njit(cache=True, fastmath=FAST, error_model='numpy')
def _sky(sky, textures, dx, dy, dz, pixel, texels, out):
    """Light from the sky along a unit direction."""
    if dz <= 0.0:
        blend = min(1.0, -dz * 6.0)
        for c in range(3):
            out[c] = (1 - blend) * sky[3 + c] + blend * sky[6 + c]
        return
    blend = 1.0 - math.exp(-dz * 3.5)
    for c in range(3):
        out[c] = (1 - blend) * sky[3 + c] + blend * sky[c]
    toward = dx * sky[9] + dy * sky[10] + dz * sky[11]
    if sky[12] > 0:
        texel(textures, int(sky[13]), dx / (dz + 0.12) * 60.0, dy / (dz + 0.12) * 60.0,
              60.0 * pixel / (dz + 0.12) ** 2, texels)
        cloud = min(1.0, max(0.0, (texels[3] - 1.0 + sky[12]) * 3.0)) * min(1.0, dz * 8.0)
        white = (sky[3] + sky[4] + sky[5]) / 3.0 * (1.25 - 0.5 * texels[3])
        for c in range(3):
            out[c] = (1 - cloud) * out[c] + cloud * white
    if toward > 0.0:
        glow = 0.6 * toward**24 + 25.0 * max(0.0, toward) ** 3000
        for c in range(3):
            out[c] += glow * sky[14] * sky[3 + c]


@numba.njit(cache=True, fastmath=FAST, error_model='numpy')
def cast(height, width, focal, pose, kind, data, shift, material, mats, textures, boxes, links,
         lights, ambient, sky, shaded):
    """
    Render one image; the principal point is its middle.

    pose [3,4]: camera to world, columns right, down, forward, position. kind, data, shift,
    material: primitives in the tree's order. lights [n,8], sky [15]: see above. ambient [6,3]:
    light from +x, -x, +y, -y, +z, -z. ``shaded`` 0:
    depth only.

    Returns what is seen without lamps (sky, lamps themselves, reflections), what all lamps would
    add if nothing stood before them, how much of that is so (each float32 [H,W,3], the last one
    [H,W,2]: brightness with shadows and without, where it was asked), ambient light, depth along
    the optical axis float32 [H,W] (inf: sky) and normals float32 [H,W,3].
    """
    direct = np.zeros((height, width, 3), np.float32)
    lamps = np.zeros((height, width, 3), np.float32)
    lit = np.zeros((height, width, 2), np.float32)
    dim = np.zeros((height, width, 3), np.float32)
    depth = np.empty((height, width), np.float32)
    normals = np.zeros((height, width, 3), np.float32)
    stack = np.empty(128, np.int64)
    place, texels, wide, colour = np.empty(12), np.empty(6), np.empty(6), np.empty(3)
    for row in range(height):
        for col in range(width):
            vx, vy = (col + 0.5 - width / 2) / focal, (row + 0.5 - height / 2) / focal
            dx = pose[0, 0] * vx + pose[0, 1] * vy + pose[0, 2]
            dy = pose[1, 0] * vx + pose[1, 1] * vy + pose[1, 2]
            dz = pose[2, 0] * vx + pose[2, 1] * vy + pose[2, 2]
            ox, oy, oz = pose[0, 3], pose[1, 3], pose[2, 3]
            stretch = math.sqrt(dx * dx + dy * dy + dz * dz)
            pixel = 1.0 / (focal * stretch)
            dx, dy, dz = dx / stretch, dy / stretch, dz / stretch
            weight, gone = 1.0, 0.0
            # One of 16 points of each lamp, by the place in a block of 4x4; see soften.
            sample = SAMPLES[(row & 3) * 4 + (col & 3)]
            for bounce in range(2):
                i, t, face = _trace(False, kind, data, shift, material, mats, textures, boxes,
                                    links, ox, oy, oz, dx, dy, dz, 1e5, stack, place)
                if bounce == 0:
                    depth[row, col] = t / stretch if i >= 0 else np.inf
                if shaded == 0:
                    break
                if i < 0:
                    _sky(sky, textures, dx, dy, dz, pixel, texels, colour)
                    for c in range(3):
                        direct[row, col, c] += weight * colour[c]
                    break
                gone += t
                m = mats[material[i]]
                x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
                locate(kind[i], data[i], shift[i], m, face, x, y, z, place)
                nx, ny, nz = place[0], place[1], place[2]
                if nx * dx + ny * dy + nz * dz > 0:
                    nx, ny, nz = -nx, -ny, -nz
                facing = max(-(nx * dx + ny * dy + nz * dz), 0.12)
                texel(textures, int(m[TEXTURE]), place[9], place[10],
                      gone * pixel * place[11] / math.sqrt(facing), texels)
                if bounce == 0 and m[FIT] == 0:  # what repeats is not the same everywhere
                    texel(textures, int(m[TEXTURE]), place[9] * 0.073, place[10] * 0.073,
                          0.1 * gone * pixel * place[11] / math.sqrt(facing), wide)
                    spread = min(0.6, 0.15 * 256 / place[11])
                    for c in range(3):
                        texels[c] *= 1.0 + spread * (wide[3] - 0.5)
                gx, gy, gz = nx, ny, nz
                if bounce == 0:
                    normals[row, col, 0], normals[row, col, 1], normals[row, col, 2] = nx, ny, nz
                if m[RELIEF] > 0:
                    su, sv = m[RELIEF] * texels[4], m[RELIEF] * texels[5]
                    nx -= su * place[3] + sv * place[6]
                    ny -= su * place[4] + sv * place[7]
                    nz -= su * place[5] + sv * place[8]
                    n = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
                    nx, ny, nz = nx * n, ny * n, nz * n
                red, green, blue = texels[0] * m[RED], texels[1] * m[GREEN], texels[2] * m[BLUE]
                if m[EMIT] > 0:
                    direct[row, col, 0] += weight * red * m[EMIT]
                    direct[row, col, 1] += weight * green * m[EMIT]
                    direct[row, col, 2] += weight * blue * m[EMIT]
                mirror = 0.0
                cosine = -(nx * dx + ny * dy + nz * dz)
                if m[MIRROR] > 0:
                    f = 1.0 - max(cosine, 0.0)
                    # What mirrors little is rough, and does so at a slant, too.
                    slant = min(1.0, 12.0 * m[MIRROR]) * f * f * f * f * f
                    mirror = m[MIRROR] + (1.0 - m[MIRROR]) * 0.8 * slant
                matt = weight * (1.0 - mirror)
                ax, ay, az = 0 if nx > 0 else 1, 2 if ny > 0 else 3, 4 if nz > 0 else 5
                xx, yy, zz = nx * nx, ny * ny, nz * nz
                share = matt if bounce == 0 else 0.75 * matt
                dim[row, col, 0] += share * red * (
                    xx * ambient[ax, 0] + yy * ambient[ay, 0] + zz * ambient[az, 0])
                dim[row, col, 1] += share * green * (
                    xx * ambient[ax, 1] + yy * ambient[ay, 1] + zz * ambient[az, 1])
                dim[row, col, 2] += share * blue * (
                    xx * ambient[ax, 2] + yy * ambient[ay, 2] + zz * ambient[az, 2])
                for k in range(len(lights)):
                    # Brightness is that of the lamp's middle; only its shadow knows its size.
                    sx, sy, sz = lights[k, 0], lights[k, 1], lights[k, 2]
                    limit, fall = 1e5, 1.0
                    if lights[k, 7] == 0:
                        sx, sy, sz = sx - x, sy - y, sz - z
                        limit = math.sqrt(sx * sx + sy * sy + sz * sz)
                        fall = 1.0 / (0.25 + 0.15 * limit * limit)
                    n = 1.0 / math.sqrt(sx * sx + sy * sy + sz * sz)
                    lambert = (sx * nx + sy * ny + sz * nz) * n
                    if lambert <= 0 or sx * gx + sy * gy + sz * gz <= 0:
                        continue
                    power = max(lights[k, 4], lights[k, 5], lights[k, 6]) * fall * lambert
                    if power * weight < 0.015 or (bounce > 0 and k > 0):
                        continue
                    # Every other pixel asks, and lends its answer to those about it.
                    asks, seen = (row + col + k) & 1 == 0 or bounce > 0, 1.0
                    if asks:
                        size = lights[k, 3] if bounce == 0 else 0.0
                        px, py, pz = (sx + sample[0] * size, sy + sample[1] * size,
                                      sz + sample[2] * size)
                        reach = math.sqrt(px * px + py * py + pz * pz)
                        px, py, pz = px / reach, py / reach, pz / reach
                        if px * gx + py * gy + pz * gz <= 0:
                            seen = 0.0
                        else:
                            blocker, _, _ = _trace(
                                True, kind, data, shift, material, mats, textures, boxes, links,
                                x + 2e-3 * gx, y + 2e-3 * gy, z + 2e-3 * gz, px, py, pz,
                                min(limit, reach) - 0.01 if lights[k, 7] == 0 else limit, stack,
                                place)
                            seen = 0.0 if blocker >= 0 else 1.0
                    if bounce > 0 and seen == 0.0:
                        continue
                    sx, sy, sz = sx * n, sy * n, sz * n
                    shine = 0.0
                    if m[GLOSS] > 0:
                        hx, hy, hz = sx - dx, sy - dy, sz - dz
                        n = 1.0 / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-12)
                        half = max((hx * nx + hy * ny + hz * nz) * n, 0.0)
                        shine = m[GLOSS] * half ** m[EXPONENT]
                    strength = matt * fall * lambert
                    out = lamps if bounce == 0 else direct
                    out[row, col, 0] += strength * lights[k, 4] * (red + shine)
                    out[row, col, 1] += strength * lights[k, 5] * (green + shine)
                    out[row, col, 2] += strength * lights[k, 6] * (blue + shine)
                    if bounce == 0 and asks:
                        lit[row, col, 0] += seen * power
                        lit[row, col, 1] += power
                if mirror * weight < 0.05:
                    break
                weight *= mirror
                ox, oy, oz = x + 2e-3 * gx, y + 2e-3 * gy, z + 2e-3 * gz
                dx, dy, dz = dx + 2 * cosine * nx, dy + 2 * cosine * ny, dz + 2 * cosine * nz
    return direct, lamps, lit, dim, depth, normals


@numba.njit(cache=True, fastmath=FAST, error_model='numpy')
def soften(lit, depth, normals):
    """Share of the lamps' light that arrives, float32 [H,W]: `lit` over 4x4 pixels of a surface."""
    height, width = depth.shape
    share = np.zeros((height, width), np.float32)
    for row in range(height):
        for col in range(width):
            z = depth[row, col]
            if not z < 1e5:
                continue
            n = normals[row, col]
            shaded, full = 0.0, 0.0
            for y in range(max(row - 2, 0), min(row + 2, height)):
                for x in range(max(col - 2, 0), min(col + 2, width)):
                    m = normals[y, x]
                    if abs(depth[y, x] - z) < 0.06 * z and \
                            n[0] * m[0] + n[1] * m[1] + n[2] * m[2] > 0.85:
                        shaded += lit[y, x, 0]
                        full += lit[y, x, 1]
            share[row, col] = shaded / full if full > 0.0 else 1.0
    return share

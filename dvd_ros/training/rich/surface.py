"""What a hit looks like: normal, texture coordinates, filtered texels, relief."""

from __future__ import annotations

import math

import numba

from dvd_ros.training.rich.intersect import BOX, ELLIPSOID, FAST, TRIANGLE
from dvd_ros.training.texel import corners
from dvd_ros.training.textures import TEXTURE_SIZE

# Columns of a material, see materials.Material.
(TEXTURE, DENSITY, RED, GREEN, BLUE, GLOSS, EXPONENT, MIRROR, EMIT, RELIEF, FIT, REPEAT_U, REPEAT_V,
 CUTOUT, OFFSET_U, OFFSET_V) = range(16)
MATERIAL_COLUMNS = 16


@numba.njit(cache=True, fastmath=FAST, error_model='numpy')
def locate(kind, d, shift, material, face, x, y, z, out):
    """
    Fill ``out`` [12] at a hit: normal, tangent and bitangent (world), u and v in texels.

    out[11] is texels per metre there. ``shift``: how far the primitive has moved.
    """
    if kind == TRIANGLE:
        px, py, pz = x - d[0], y - d[1], z - d[2]
        a = d[3] * d[3] + d[4] * d[4] + d[5] * d[5]
        b = d[3] * d[6] + d[4] * d[7] + d[5] * d[8]
        c = d[6] * d[6] + d[7] * d[7] + d[8] * d[8]
        e = px * d[3] + py * d[4] + pz * d[5]
        f = px * d[6] + py * d[7] + pz * d[8]
        inv = 1.0 / (a * c - b * b)
        u, v = (c * e - b * f) * inv, (a * f - b * e) * inv
        w = 1.0 - u - v
        nx = w * d[9] + u * d[12] + v * d[15]
        ny = w * d[10] + u * d[13] + v * d[16]
        nz = w * d[11] + u * d[14] + v * d[17]
        n = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-30)
        out[0], out[1], out[2] = nx * n, ny * n, nz * n
        # Seen along the axis that the triangle faces most.
        gx = abs(d[4] * d[8] - d[5] * d[7])
        gy = abs(d[5] * d[6] - d[3] * d[8])
        gz = abs(d[3] * d[7] - d[4] * d[6])
        out[3:9] = 0.0
        x, y, z = x - shift[0], y - shift[1], z - shift[2]
        if gz >= gx and gz >= gy:
            out[3], out[7], u, v = 1.0, 1.0, x, y
        elif gx >= gy:
            out[4], out[8], u, v = 1.0, 1.0, y, z
        else:
            out[3], out[8], u, v = 1.0, 1.0, x, z
        out[9], out[10] = u * material[DENSITY], v * material[DENSITY]
        out[11] = material[DENSITY]
    else:
        px, py, pz = x - d[9], y - d[10], z - d[11]
        lx, ly, lz = (d[0] * px + d[1] * py + d[2] * pz, d[3] * px + d[4] * py + d[5] * pz,
                      d[6] * px + d[7] * py + d[8] * pz)
        n0, n1, n2 = 0.0, 0.0, 0.0
        t0, t1, b1, b2 = 1.0, 0.0, 0.0, 1.0
        if face == 0:
            n0 = 1.0 if lx > 0 else -1.0
            u, v, su, sv = n0 * ly, lz, d[13], d[14]
            t0, t1 = 0.0, n0
        elif face == 1:
            n1 = 1.0 if ly > 0 else -1.0
            u, v, su, sv = -n1 * lx, lz, d[12], d[14]
            t0 = -n1
        elif face == 2:
            n2 = 1.0 if lz > 0 else -1.0
            u, v, su, sv = lx, ly, d[12], d[13]
            if kind != BOX:
                su = sv = max(d[12], d[13])
            b1, b2 = 1.0, 0.0
        else:
            if kind == ELLIPSOID:
                n0, n1, n2 = lx / d[12] ** 2, ly / d[13] ** 2, lz / d[14] ** 2
                wide = max(d[12], d[13])
            else:
                slope = (d[13] - d[12]) / (2.0 * d[14])
                r = math.sqrt(lx * lx + ly * ly) + 1e-12
                n0, n1, n2 = lx / r, ly / r, -slope
                wide = max(d[12], d[13])
            n = 1.0 / math.sqrt(n0 * n0 + n1 * n1 + n2 * n2 + 1e-30)
            n0, n1, n2 = n0 * n, n1 * n, n2 * n
            u, v, su, sv = math.atan2(ly, lx) * wide, lz, math.pi * wide, d[14]
            r = math.sqrt(lx * lx + ly * ly) + 1e-12
            t0, t1 = -ly / r, lx / r
        out[0] = d[0] * n0 + d[3] * n1 + d[6] * n2
        out[1] = d[1] * n0 + d[4] * n1 + d[7] * n2
        out[2] = d[2] * n0 + d[5] * n1 + d[8] * n2
        out[3], out[4], out[5] = (d[0] * t0 + d[3] * t1, d[1] * t0 + d[4] * t1,
                                  d[2] * t0 + d[5] * t1)
        out[6], out[7], out[8] = (d[3] * b1 + d[6] * b2, d[4] * b1 + d[7] * b2,
                                  d[5] * b1 + d[8] * b2)
        if material[FIT] > 0:  # the texture spans the face
            scale = TEXTURE_SIZE * 0.5
            out[9] = (u / su + 1.0) * scale * material[REPEAT_U]
            out[10] = (1.0 - v / sv) * scale * material[REPEAT_V]
            out[11] = scale * max(material[REPEAT_U] / su, material[REPEAT_V] / sv)
        else:
            out[9], out[10] = u * material[DENSITY], v * material[DENSITY]
            out[11] = material[DENSITY]
    out[9] += material[OFFSET_U]
    out[10] += material[OFFSET_V]


@numba.njit(cache=True, fastmath=FAST, error_model='numpy')
def height_at(textures, index, u, v):
    """The height channel at (u, v) texels, 0..1, unfiltered."""
    u0, v0 = int(math.floor(u)) % TEXTURE_SIZE, int(math.floor(v)) % TEXTURE_SIZE
    return textures[index, v0 * TEXTURE_SIZE + u0, 3] / 255.0


@numba.njit(cache=True, fastmath=FAST, error_model='numpy')
def texel(textures, index, u, v, footprint, out):
    """
    Bilinear sample at (u, v) texels of the level that fits the footprint (texels a pixel).

    Fills out [6]: linear RGB, height 0..1 and its slopes along u and v per texel of level 0.
    """
    level, wu, wv, a, b, c, d = corners(u, v, footprint, 1.3)
    for k in range(3):
        value = ((1 - wv) * ((1 - wu) * textures[index, a, k] + wu * textures[index, b, k])
                 + wv * ((1 - wu) * textures[index, c, k] + wu * textures[index, d, k])) / 255.0
        out[k] = value * value  # texels are as bright as they look
    ha, hb = textures[index, a, 3] / 255.0, textures[index, b, 3] / 255.0
    hc, hd = textures[index, c, 3] / 255.0, textures[index, d, 3] / 255.0
    out[3] = (1 - wv) * ((1 - wu) * ha + wu * hb) + wv * ((1 - wu) * hc + wu * hd)
    out[4] = ((1 - wv) * (hb - ha) + wv * (hd - hc)) / (1 << level)
    out[5] = ((1 - wu) * (hc - ha) + wu * (hd - hb)) / (1 << level)

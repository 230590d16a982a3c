"""Ray caster for textured boxes, ellipsoids and cylinders: RGB and true depth on a plain CPU.

One primary ray and one shadow ray per sample, single-threaded and deterministic; rendering
scales over processes. Primitives are culled per image tile by their bounding spheres.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from dvd_ros.training.texel import corners

BOX, ELLIPSOID, CYLINDER, ROOM, GROUND = range(5)
_TILE = 16
_EPS = 1e-4


@numba.njit(cache=True, fastmath=True, error_model='numpy')
def _intersect(kind, rot, centre, half, ox, oy, oz, dx, dy, dz, t_max):
    """Nearest hit of one primitive: (t or -1, local axis of the face hit or -1)."""
    px, py, pz = ox - centre[0], oy - centre[1], oz - centre[2]
    if kind == GROUND:
        if dz == 0.0:
            return -1.0, 2
        t = -pz / dz
        if t > _EPS and t < t_max:
            return t, 2
        return -1.0, 2
    ax = (rot[0, 0] * px + rot[0, 1] * py + rot[0, 2] * pz) / half[0]
    ay = (rot[1, 0] * px + rot[1, 1] * py + rot[1, 2] * pz) / half[1]
    az = (rot[2, 0] * px + rot[2, 1] * py + rot[2, 2] * pz) / half[2]
    bx = (rot[0, 0] * dx + rot[0, 1] * dy + rot[0, 2] * dz) / half[0]
    by = (rot[1, 0] * dx + rot[1, 1] * dy + rot[1, 2] * dz) / half[1]
    bz = (rot[2, 0] * dx + rot[2, 1] * dy + rot[2, 2] * dz) / half[2]
    if kind == BOX or kind == ROOM:
        ix, iy, iz = 1.0 / bx, 1.0 / by, 1.0 / bz
        x0, x1 = (-1 - ax) * ix, (1 - ax) * ix
        if x0 > x1:
            x0, x1 = x1, x0
        y0, y1 = (-1 - ay) * iy, (1 - ay) * iy
        if y0 > y1:
            y0, y1 = y1, y0
        z0, z1 = (-1 - az) * iz, (1 - az) * iz
        if z0 > z1:
            z0, z1 = z1, z0
        if kind == BOX:
            t, axis = x0, 0
            if y0 > t:
                t, axis = y0, 1
            if z0 > t:
                t, axis = z0, 2
            if t > _EPS and t < t_max and t <= min(x1, y1, z1):
                return t, axis
            return -1.0, -1
        t, axis = x1, 0
        if y1 < t:
            t, axis = y1, 1
        if z1 < t:
            t, axis = z1, 2
        if t > _EPS and t < t_max and t >= max(x0, y0, z0):
            return t, axis
        return -1.0, -1
    if kind == ELLIPSOID:
        a = bx * bx + by * by + bz * bz
        b = ax * bx + ay * by + az * bz
        c = ax * ax + ay * ay + az * az - 1
        disc = b * b - a * c
        if disc < 0:
            return -1.0, -1
        t = (-b - math.sqrt(disc)) / a
        if t > _EPS and t < t_max:
            return t, -1
        return -1.0, -1
    a = bx * bx + by * by
    b = ax * bx + ay * by
    c = ax * ax + ay * ay - 1
    best = t_max
    found = -2
    disc = b * b - a * c
    if disc >= 0 and a > 0:
        t = (-b - math.sqrt(disc)) / a
        if t > _EPS and t < best and abs(az + t * bz) <= 1:
            best, found = t, -1
    if bz != 0.0:
        t = ((-1.0 if bz > 0 else 1.0) - az) / bz
        x, y = ax + t * bx, ay + t * by
        if t > _EPS and t < best and x * x + y * y <= 1:
            best, found = t, 2
    if found == -2:
        return -1.0, -1
    return best, found


@numba.njit(cache=True, fastmath=True, error_model='numpy')
def _blocked(blockers, kind, rot, centre, half, radius, x, y, z, dx, dy, dz, limit):
    """Whether a blocker stands between a point and the light (unit direction, distance)."""
    for i in blockers:
        vx, vy, vz = centre[i, 0] - x, centre[i, 1] - y, centre[i, 2] - z
        along = vx * dx + vy * dy + vz * dz
        r = radius[i]
        if along < -r or along > limit + r:
            continue
        if vx * vx + vy * vy + vz * vz - along * along > r * r:
            continue
        t, _ = _intersect(kind[i], rot[i], centre[i], half[i], x, y, z, dx, dy, dz, limit)
        if t > 0:
            return True
    return False


@numba.njit(cache=True, fastmath=True, error_model='numpy')
def _blockers(light, kind, centre, radius, x, y, z, spread, out):
    """Primitives that may shade points within ``spread`` of (x, y, z); returns how many."""
    if light[6] > 0:
        dx, dy, dz, limit = light[0], light[1], light[2], 1e6
    else:
        dx, dy, dz = light[0] - x, light[1] - y, light[2] - z
        limit = math.sqrt(dx * dx + dy * dy + dz * dz) + 1e-9
        dx, dy, dz = dx / limit, dy / limit, dz / limit
    held = 0
    for i in range(len(kind)):
        if kind[i] >= ROOM:
            continue
        vx, vy, vz = centre[i, 0] - x, centre[i, 1] - y, centre[i, 2] - z
        along = min(max(vx * dx + vy * dy + vz * dz, 0.0), limit)
        vx, vy, vz = vx - along * dx, vy - along * dy, vz - along * dz
        reach = radius[i] + spread
        if vx * vx + vy * vy + vz * vz <= reach * reach:
            out[held] = i
            held += 1
    return held


@numba.njit(cache=True, fastmath=True, error_model='numpy')
def _texel(textures, index, u, v, footprint, out):
    """Bilinear sample at (u, v) texels of the level whose texels match the footprint."""
    _, wu, wv, top_left, top_right, low_left, low_right = corners(u, v, footprint, 1.4)
    for c in range(3):
        top = (1 - wu) * textures[index, top_left, c] + wu * textures[index, top_right, c]
        low = (1 - wu) * textures[index, low_left, c] + wu * textures[index, low_right, c]
        out[c] = ((1 - wv) * top + wv * low) / 255.0


@numba.njit(cache=True, fastmath=True, error_model='numpy')
def _shade(hit, axis, t, ox, oy, oz, dx, dy, dz, pixel, kind, rot, centre, half, radius,
           texture, texels_per_metre, tint, gloss, textures, lights, sky, blockers, colour):
    x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
    px, py, pz = x - centre[hit, 0], y - centre[hit, 1], z - centre[hit, 2]
    r = rot[hit]
    lx = r[0, 0] * px + r[0, 1] * py + r[0, 2] * pz
    ly = r[1, 0] * px + r[1, 1] * py + r[1, 2] * pz
    lz = r[2, 0] * px + r[2, 1] * py + r[2, 2] * pz
    nx, ny, nz = 0.0, 0.0, 0.0
    k = kind[hit]
    face = 0
    if axis == 0:
        nx = 1.0 if lx > 0 else -1.0
        u, v = ly, lz
    elif axis == 1:
        ny = 1.0 if ly > 0 else -1.0
        u, v, face = lx, lz, 1
    elif axis == 2:
        nz = 1.0 if (lz > 0 or k == GROUND) else -1.0
        u, v, face = lx, ly, 2
        if k == ROOM and nz > 0:
            face = 3
    else:
        nx, ny = lx / half[hit, 0] ** 2, ly / half[hit, 1] ** 2
        if k == ELLIPSOID:
            nz = lz / half[hit, 2] ** 2
        n = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * n, ny * n, nz * n
        u, v = math.atan2(ly, lx) * max(half[hit, 0], half[hit, 1]), lz
    if k == ROOM:
        nx, ny, nz = -nx, -ny, -nz
    wx = r[0, 0] * nx + r[1, 0] * ny + r[2, 0] * nz
    wy = r[0, 1] * nx + r[1, 1] * ny + r[2, 1] * nz
    wz = r[0, 2] * nx + r[1, 2] * ny + r[2, 2] * nz
    facing = max(abs(wx * dx + wy * dy + wz * dz) / math.sqrt(dx * dx + dy * dy + dz * dz), 0.1)
    scale = texels_per_metre[hit]
    _texel(textures, texture[hit, face], u * scale + 37.0 * hit, v * scale + 17.0 * hit,
           t * pixel * scale / facing, colour)
    up = 0.5 + 0.5 * wz
    red, green, blue = 0.0, 0.0, 0.0
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    for i in range(len(lights)):
        if lights[i, 6] > 0:  # a sun: the first three numbers are its direction
            sx, sy, sz, limit, fall = lights[i, 0], lights[i, 1], lights[i, 2], 1e6, 1.0
        else:
            sx, sy, sz = lights[i, 0] - x, lights[i, 1] - y, lights[i, 2] - z
            limit = math.sqrt(sx * sx + sy * sy + sz * sz)
            sx, sy, sz = sx / limit, sy / limit, sz / limit
            fall = 1.0 / (0.3 + 0.12 * limit * limit)
        lambert = sx * wx + sy * wy + sz * wz
        if lambert <= 0:
            continue
        if i == 0 and _blocked(blockers, kind, rot, centre, half, radius, x + 1e-3 * wx,
                               y + 1e-3 * wy, z + 1e-3 * wz, sx, sy, sz, limit):
            continue
        shine = 0.0
        if gloss[hit] > 0:
            hx, hy, hz = sx - dx / length, sy - dy / length, sz - dz / length
            cosine = (hx * wx + hy * wy + hz * wz) / math.sqrt(hx * hx + hy * hy + hz * hz)
            shine = gloss[hit] * max(cosine, 0.0) ** 40
        strength = fall * lambert
        red += lights[i, 3] * strength * (1 + shine)
        green += lights[i, 4] * strength * (1 + shine)
        blue += lights[i, 5] * strength * (1 + shine)
    colour[0] *= tint[hit, 0] * (red + up * sky[0] + (1 - up) * sky[3])
    colour[1] *= tint[hit, 1] * (green + up * sky[1] + (1 - up) * sky[4])
    colour[2] *= tint[hit, 2] * (blue + up * sky[2] + (1 - up) * sky[5])


@numba.njit(cache=True, fastmath=True, error_model='numpy')
def _ray(pose, vx, vy):
    """World direction of the ray at slopes (vx, vy), of length 1 along the optical axis."""
    return (pose[0, 0] * vx + pose[0, 1] * vy + pose[0, 2],
            pose[1, 0] * vx + pose[1, 1] * vy + pose[1, 2],
            pose[2, 0] * vx + pose[2, 1] * vy + pose[2, 2])


@numba.njit(cache=True, fastmath=True, error_model='numpy')
def cast(height, width, fx, fy, cx, cy, pose, kind, rot, centre, half, radius, texture,
         texels_per_metre, tint, gloss, textures, lights, sky, haze):
    """Render one image.

    pose [3,4]: camera to world, columns right, down, forward, position (metres).
    lights [n,7]: position or sun direction, RGB strength, 1 for a sun.
    sky [6]: RGB of the light from above and from below; haze: 1/metres of fog, 0 for none.
    Returns linear RGB float32 [H,W,3] and depth along the optical axis float32 [H,W] (inf: sky).
    """
    rgb = np.empty((height, width, 3), np.float32)
    depth = np.empty((height, width), np.float32)
    count = len(kind)
    near = np.empty(count, np.int64)
    colour = np.empty(3)
    shading = np.empty(count, np.int64)
    hits = np.empty((_TILE, _TILE), np.int64)
    axes = np.empty((_TILE, _TILE), np.int64)
    lengths = np.empty((_TILE, _TILE))
    ox, oy, oz = pose[0, 3], pose[1, 3], pose[2, 3]
    pixel = 1.0 / fx
    for ty in range(0, height, _TILE):
        for tx in range(0, width, _TILE):
            mx = (min(tx + _TILE, width) + tx) * 0.5 - cx
            my = (min(ty + _TILE, height) + ty) * 0.5 - cy
            axis_x, axis_y, axis_z = _ray(pose, mx / fx, my / fy)
            n = 1.0 / math.sqrt(axis_x**2 + axis_y**2 + axis_z**2)
            axis_x, axis_y, axis_z = axis_x * n, axis_y * n, axis_z * n
            cone = math.atan(_TILE * 0.7072 * max(1 / fx, 1 / fy))
            held = 0
            for i in range(count):
                if kind[i] >= ROOM:
                    near[held] = i
                    held += 1
                    continue
                ex, ey, ez = centre[i, 0] - ox, centre[i, 1] - oy, centre[i, 2] - oz
                dist = math.sqrt(ex * ex + ey * ey + ez * ez)
                if dist > radius[i]:
                    cosine = (ex * axis_x + ey * axis_y + ez * axis_z) / dist
                    angle = math.acos(min(1.0, max(-1.0, cosine)))
                    if angle - math.asin(radius[i] / dist) > cone:
                        continue
                near[held] = i
                held += 1
            low = np.full(3, 1e9)
            high = np.full(3, -1e9)
            for row in range(ty, min(ty + _TILE, height)):
                for col in range(tx, min(tx + _TILE, width)):
                    dx, dy, dz = _ray(pose, (col + 0.5 - cx) / fx, (row + 0.5 - cy) / fy)
                    best, hit, axis = 1e6, -1, -1
                    for j in range(held):
                        i = near[j]
                        t, face = _intersect(kind[i], rot[i], centre[i], half[i],
                                             ox, oy, oz, dx, dy, dz, best)
                        if t > 0:
                            best, hit, axis = t, i, face
                    hits[row - ty, col - tx] = hit
                    axes[row - ty, col - tx] = axis
                    lengths[row - ty, col - tx] = best
                    if hit >= 0:
                        low[0], high[0] = min(low[0], best * dx), max(high[0], best * dx)
                        low[1], high[1] = min(low[1], best * dy), max(high[1], best * dy)
                        low[2], high[2] = min(low[2], best * dz), max(high[2], best * dz)
            middle = (low + high) / 2
            spread = math.sqrt(((high - low) ** 2).sum()) / 2
            shaders = _blockers(lights[0], kind, centre, radius, ox + middle[0], oy + middle[1],
                                oz + middle[2], spread, shading)
            for row in range(ty, min(ty + _TILE, height)):
                for col in range(tx, min(tx + _TILE, width)):
                    dx, dy, dz = _ray(pose, (col + 0.5 - cx) / fx, (row + 0.5 - cy) / fy)
                    hit, best = hits[row - ty, col - tx], lengths[row - ty, col - tx]
                    if hit < 0:
                        height_ratio = dz / math.sqrt(dx * dx + dy * dy + dz * dz)
                        blend = min(1.0, max(0.0, height_ratio * 2.0))
                        for c in range(3):
                            rgb[row, col, c] = sky[c] * (1.9 - 0.9 * blend)
                        depth[row, col] = np.inf
                        continue
                    _shade(hit, axes[row - ty, col - tx], best, ox, oy, oz, dx, dy, dz, pixel,
                           kind, rot, centre, half, radius, texture, texels_per_metre, tint,
                           gloss, textures, lights, sky, shading[:shaders], colour)
                    clear = math.exp(-haze * best)
                    for c in range(3):
                        rgb[row, col, c] = clear * colour[c] + (1 - clear) * sky[c] * 1.9
                    depth[row, col] = best
    return rgb, depth

"""Ambient occlusion from what the camera sees: light is short where surfaces meet.

Horizon sampling in screen space, after Bavoil, Sainz and Dimitrov (HBAO, 2008), much simplified.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_WAYS, _STEPS = 6, 3


@numba.njit(cache=True, error_model='numpy')
def occlusion(depth, normals, pose, focal, reach):
    """
    How open every other pixel of every other row is, float32 [ceil(H/2),ceil(W/2)] in 0.15..1.

    depth [H,W] metres, normals [H,W,3] and pose as of tracer.cast; ``reach``: metres within which
    a surface takes light from another.
    """
    height, width = depth.shape
    open_ = np.ones(((height + 1) // 2, (width + 1) // 2), np.float32)
    for row in range(0, height, 2):
        for col in range(0, width, 2):
            z = depth[row, col]
            if not z < 1e4:
                continue
            n = normals[row, col]
            cx = pose[0, 0] * n[0] + pose[1, 0] * n[1] + pose[2, 0] * n[2]
            cy = pose[0, 1] * n[0] + pose[1, 1] * n[1] + pose[2, 1] * n[2]
            cz = pose[0, 2] * n[0] + pose[1, 2] * n[1] + pose[2, 2] * n[2]
            px = (col + 0.5 - width / 2) / focal * z
            py = (row + 0.5 - height / 2) / focal * z
            radius = min(max(reach * focal / z, 2.0), 0.2 * width)
            turn = ((row // 2 * 7 + col // 2 * 13) % 11) * (2 * math.pi / _WAYS / 11)
            taken = 0.0
            for way in range(_WAYS):
                angle = turn + way * 2 * math.pi / _WAYS
                across, along = math.cos(angle), math.sin(angle)
                most = 0.0
                for step in range(1, _STEPS + 1):
                    far = radius * (step / _STEPS) ** 1.5
                    x, y = int(col + across * far + 0.5), int(row + along * far + 0.5)
                    if x < 0 or y < 0 or x >= width or y >= height or (x == col and y == row):
                        continue
                    d = depth[y, x]
                    if not d < 1e4:
                        continue
                    ex = (x + 0.5 - width / 2) / focal * d - px
                    ey = (y + 0.5 - height / 2) / focal * d - py
                    ez = d - z
                    apart = math.sqrt(ex * ex + ey * ey + ez * ez) + 1e-9
                    fade = 1.0 - apart / (1.5 * reach)
                    if fade > 0:
                        rise = (ex * cx + ey * cy + ez * cz) / apart - 0.12
                        most = max(most, rise * fade)
                taken += most
            open_[row // 2, col // 2] = max(0.15, 1.0 - 1.3 * taken / _WAYS)
    return open_

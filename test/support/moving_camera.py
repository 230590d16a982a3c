"""What a camera sees that moves over a floor towards a wall: images with their true depth."""

from __future__ import annotations

from functools import cache

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics

INTRINSICS = Intrinsics(192, 144, 150.0, 150.0, 95.5, 71.5)
_FLOOR, _WALL = 1.2, 6.0  # metres below the camera, and ahead of the first one


def _texture(u: np.ndarray, v: np.ndarray, contrast: float) -> np.ndarray:
    rng = np.random.default_rng(3)
    value = np.zeros_like(u)
    for _ in range(24):
        turn, waves, phase = rng.uniform(0, np.pi), rng.uniform(2, 9), rng.uniform(0, 6)
        value += np.sin(waves * (u * np.cos(turn) + v * np.sin(turn)) + phase)
    return 128 + contrast * 20 * value


@cache
def view(position: tuple[float, float, float], turn: float = 0.0,
         contrast: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """
    Image uint8 [H,W,3] and depth float32 [H,W], metres, of a camera.

    position: right, down, forward, in metres. turn: to the right, radians. contrast: of the
    texture; 0 is grey all over.
    """
    k = INTRINSICS
    x, y = np.meshgrid((np.arange(k.width) - k.cx) / k.fx, (np.arange(k.height) - k.cy) / k.fy)
    c, s = np.cos(turn), np.sin(turn)
    ahead, right, down = c - s * x, c * x + s, y
    with np.errstate(divide='ignore'):
        floor = np.where(down > 0, (_FLOOR - position[1]) / down, np.inf)
        wall = np.where(ahead > 0, (_WALL - position[2]) / ahead, np.inf)
    far = np.minimum(floor, wall)
    point = [p + far * d for p, d in zip(position, (right, down, ahead), strict=True)]
    grey = np.where(floor < wall, _texture(point[0], point[2], contrast),
                    _texture(point[0], point[1], contrast))
    image = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return image, far.astype(np.float32)

"""A sheet of rendered scenes, each image over its depth, for a person to look at."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from dvd_ros.training.render import RenderConfig, render_clip


def coloured(depth: np.ndarray) -> np.ndarray:
    """Disparity of a depth float32 [H,W] (metres, inf: sky) as RGB uint8 [H,W,3]; bright: near."""
    disparity = 1 / depth
    low, high = np.quantile(disparity, [0.01, 0.99])
    grey = np.clip(255 * (disparity - low) / max(high - low, 1e-6), 0, 255).astype(np.uint8)
    return cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO)[..., ::-1]


def contact_sheet(seed: int, count: int, config: RenderConfig, columns: int = 0) -> np.ndarray:
    """
    The first frames of the ``count`` clips from ``seed`` on; RGB uint8, row by row.

    ``columns``: scenes side by side (0: about as many as make the sheet square).
    """
    if count < 1:
        raise ValueError(f'a sheet of {count} scenes: one or more are needed')
    still = replace(config, frames=1)
    columns = min(count, columns or max(1, round((1.5 * count) ** 0.5)))
    rows = -(-count // columns)
    high, wide = 2 * config.height, config.width
    sheet = np.zeros((rows * high, columns * wide, 3), np.uint8)
    for i in range(count):
        clip = render_clip(seed + i, still)
        top, left = i // columns * high, i % columns * wide
        sheet[top:top + high, left:left + wide] = np.vstack(
            [clip.images[0], coloured(clip.depth[0])])
    return sheet

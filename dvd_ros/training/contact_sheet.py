"""A sheet of rendered scenes, each image over its depth, for a person to look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dvd_ros.evaluation.contact_sheet import colour_depth, depth_range
from dvd_ros.training.render import RenderConfig, render_clip


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
        depth = colour_depth(clip.depth[0], *depth_range([clip.depth[0]]))
        sheet[top:top + high, left:left + wide] = np.vstack([clip.images[0], depth])
    return sheet

"""The sparse grid on which windows are compared."""

from __future__ import annotations

import math

import numpy as np

# Pixels per frame that take part; more cost time and add nothing, as a model's errors are smooth.
_SAMPLES = 2048


def sample(frames: np.ndarray) -> np.ndarray:
    """Return every n-th pixel of [...,H,W] as a view [...,h,w] with h * w of about 2048."""
    height, width = frames.shape[-2:]
    step = max(1, math.ceil(math.sqrt(height * width / _SAMPLES)))
    rows, columns = (slice(min(step // 2, size - 1), None, step) for size in (height, width))
    return frames[..., rows, columns]

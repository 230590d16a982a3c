"""Other light and another camera for rendered views: their colours, changed at random."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

# Luminance of RGB, Rec. 601.
_GREY = (0.299, 0.587, 0.114)


def jittered(images: Tensor, rng: np.random.Generator, strength: float) -> Tensor:
    """
    Give images [B,T,3,H,W] in -1..1 with each clip's colours changed as a whole.

    At a ``strength`` of 1 (0: none): gamma by up to about 1.4 either way, contrast and brightness
    by about a tenth, colours' gains by 6 %, saturation from 0.4 to 1.6; standard deviations, but
    for the last.
    """
    if not strength:
        return images
    count = len(images)

    def drawn(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).view(count, 1, -1, 1, 1)

    x = images.add(1).div(2)
    x = x.clamp(1e-3, 1) ** drawn(np.exp(rng.normal(0, 0.17 * strength, count)))
    x = x * drawn(np.exp(rng.normal(0, 0.06 * strength, (count, 3))))
    grey = (x * torch.tensor(_GREY).view(3, 1, 1)).sum(2, keepdim=True)
    x = grey + (x - grey) * drawn(1 + min(strength, 1.0) * rng.uniform(-0.6, 0.6, count))
    middle = x.mean((1, 2, 3, 4), keepdim=True)
    x = middle + (x - middle) * drawn(np.exp(rng.normal(0, 0.1 * strength, count)))
    x = x + drawn(rng.normal(0, 0.04 * strength, count))
    return x.clamp(0, 1).mul(2).sub(1)

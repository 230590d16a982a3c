"""Reads disparity from latents by one linear map, as a stand-in for the decoder in training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

STEP = 4  # pixels from one value that is read to the next


class Readout:
    """Latents [B,C,f,h,w] to disparity [B,f,4h,4w], every fourth pixel of 16 a latent.

    Our latents of disparity are principal components, so a linear map gives back all but the
    edges, at a hundredth of a decoder's cost.
    """

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight  # [C+1,16], the last row a constant

    @classmethod
    def fit(cls, latents: Tensor, disparity: Tensor) -> Readout:
        """Least squares over images: latents [B,C,1,h,w], disparity [B,1,16h,16w]."""
        rows = latents[:, :, 0].permute(0, 2, 3, 1).flatten(0, 2).double()
        rows = torch.cat([rows, torch.ones_like(rows[:, :1])], 1)
        blocks = functional.pixel_unshuffle(functional.avg_pool2d(disparity, STEP), 4)
        target = blocks.permute(0, 2, 3, 1).flatten(0, 2).double()
        ridge = 1e-6 * len(rows) * torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
        return cls(torch.linalg.solve(rows.T @ rows + ridge, rows.T @ target).float())

    def __call__(self, latents: Tensor) -> Tensor:
        """Disparity, not clamped."""
        blocks = torch.einsum('bcfhw,ck->bfkhw', latents, self.weight[:-1])
        blocks = blocks + self.weight[-1].view(1, 1, -1, 1, 1)
        return functional.pixel_shuffle(blocks.flatten(0, 1), 4)[:, 0].unflatten(
            0, (latents.shape[0], -1))

"""Moves what a fixed timestep does in the transformer into the weights that it acts on."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import WanTransformer3DModel

from dvd_ros.model.plain_transformer import modulated, set_linear, time_parts


@torch.no_grad()
def absorb_timestep(dit: WanTransformer3DModel, timestep: float) -> None:
    """
    Leave a network with the same results at ``timestep``, and now at any other; in place.

    Every shift, scale and gate becomes 0, 0 and 1, exactly, and the time embedding zero. The
    folded network (PlainTransformer) then has most of its weights in common with the checkpoint,
    to the bit, so that a model's checkpoint and its export can share one file.
    """
    time, parts = time_parts(dit, timestep)
    blocks: Any = dit.blocks
    for block in blocks:
        table = block.scale_shift_table
        shift, scale, gate, shift2, scale2, gate2 = table[0].double() + parts
        attn, feed = block.attn1, block.ffn.net
        for linear, by, to in ((attn.to_q, scale, shift), (attn.to_k, scale, shift),
                               (attn.to_v, scale, shift), (feed[0].proj, scale2, shift2)):
            set_linear(linear, *modulated(linear, by, to))
        for linear, by in ((attn.to_out[0], gate), (feed[2], gate2)):
            set_linear(linear, by[:, None] * linear.weight.double(), by * linear.bias.double())
        table.zero_()
        table[:, (2, 5)] = 1.0
    shift, scale = dit.scale_shift_table[0].double() + time
    set_linear(dit.proj_out, *modulated(dit.proj_out, scale, shift))
    dit.scale_shift_table.zero_()
    embedder: Any = dit.condition_embedder
    for linear in (embedder.time_embedder.linear_1, embedder.time_embedder.linear_2,
                   embedder.time_proj):
        linear.weight.zero_()
        linear.bias.zero_()

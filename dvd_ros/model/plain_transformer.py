"""DVD's transformer with all that is constant folded into its weights."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import WanTransformer3DModel
from torch import Tensor, nn
from torch.nn import functional

_GELU = 'tanh'


class _Block(nn.Module):
    """Self-attention and feed-forward; gates, shifts, scales and cross-attention are folded in."""

    def __init__(self, width: int, ffn: int, heads: int, eps: float) -> None:
        super().__init__()
        self.heads, self.eps = heads, eps
        self.qk = nn.Linear(width, 2 * width)
        self.v = nn.Linear(width, width)  # the checkpoint's own weight, where no shift is folded in
        self.norm_q = nn.Parameter(torch.empty(width))
        self.norm_k = nn.Parameter(torch.empty(width))
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, ffn)
        self.down = nn.Linear(ffn, width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x [N,C]; cos and sin [N,1,D/2] float32."""
        rows = _layer_norm(x, self.eps)
        q, k = self.qk(rows).chunk(2, dim=-1)
        q, k = (self._rotate(part, norm, cos, sin)
                for part, norm in ((q, self.norm_q), (k, self.norm_k)))
        v = self.v(rows).unflatten(-1, (self.heads, -1)).transpose(0, 1)
        mixed = functional.scaled_dot_product_attention(q[None], k[None], v[None])[0]
        x = x + self.out(mixed.transpose(0, 1).flatten(1))
        hidden = functional.gelu(self.up(_layer_norm(x, self.eps)), approximate=_GELU)
        return x + self.down(hidden)

    def _rotate(self, x: Tensor, weight: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """RMS norm over all heads, then RoPE on halves: [N,C] -> [heads,N,D]."""
        wide = x.float()
        rate = torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        one, two = (wide * rate * weight.float()).unflatten(-1, (self.heads, -1)).chunk(2, dim=-1)
        turned = torch.cat([one * cos - two * sin, one * sin + two * cos], dim=-1)
        return turned.to(x.dtype).transpose(0, 1)


class PlainTransformer(nn.Module):
    """
    What WanTransformer3DModel computes from an all-zero text at one timestep, and no more.

    With such a text every token of the context is the same vector, so cross-attention adds a
    constant; at a fixed timestep every shift, scale and gate of adaLN is one. Rows of q and k
    are reordered so that RoPE turns halves of a head instead of neighbours, in real numbers.
    Equal to the unfolded network within rounding; a fifth of Wan2.1-1.3B's weights goes.

    Raises ValueError for networks with image conditioning, which DVD has not.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, dit: WanTransformer3DModel, timestep: float) -> None:
        super().__init__()
        config = dit.config
        if config.image_dim is not None or config.added_kv_proj_dim is not None:
            raise ValueError('the network has image conditioning (image_dim, added_kv_proj_dim); '
                             'DVD has none')
        heads = config.num_attention_heads
        width = heads * config.attention_head_dim
        self.patch, self.eps = tuple(config.patch_size), config.eps
        self.channels = config.out_channels
        dtype, device = dit.patch_embedding.weight.dtype, dit.patch_embedding.weight.device
        with torch.device(device):
            self.embed = nn.Linear(dit.patch_embedding.weight[0].numel(), width)
            self.blocks = nn.ModuleList(_Block(width, config.ffn_dim, heads, config.eps)
                                        for _ in dit.blocks)
            self.head = nn.Linear(width, dit.proj_out.out_features)
        self.to(dtype)
        rope: Any = dit.rope
        for name in ('cos', 'sin'):  # [length,D/2] of neighbours that turn together
            self.register_buffer(name, getattr(rope, f'freqs_{name}')[:, ::2].float().clone(),
                                 persistent=False)
        self._split = [rope.t_dim // 2, rope.h_dim // 2, rope.w_dim // 2]
        with torch.no_grad():
            self._fold(dit, timestep)
        self.requires_grad_(False)

    def _fold(self, dit: WanTransformer3DModel, timestep: float) -> None:
        time, parts = time_parts(dit, timestep)
        context = _context(dit)
        set_linear(self.embed, dit.patch_embedding.weight.flatten(1), dit.patch_embedding.bias)
        pairs: Any = zip(self.blocks, dit.blocks, strict=True)
        for block, source in pairs:
            shift, scale, gate, shift2, scale2, gate2 = (
                source.scale_shift_table[0].double() + parts)
            attn, cross = source.attn1, source.attn2
            order = _halves(block.heads, attn.to_q.out_features)
            rows = [modulated(linear, scale, shift) for linear in (attn.to_q, attn.to_k)]
            set_linear(block.qk, *(torch.cat([part[order] for part in pair])
                                   for pair in zip(*rows, strict=True)))
            set_linear(block.v, *modulated(attn.to_v, scale, shift))
            block.norm_q.copy_(attn.norm_q.weight[order])
            block.norm_k.copy_(attn.norm_k.weight[order])
            constant = _apply(cross.to_out[0], _apply(cross.to_v, context))
            out = attn.to_out[0]
            set_linear(block.out, gate[:, None] * out.weight.double(),
                       gate * out.bias.double() + constant)
            set_linear(block.up, *modulated(source.ffn.net[0].proj, scale2, shift2))
            down = source.ffn.net[2]
            set_linear(block.down, gate2[:, None] * down.weight.double(),
                       gate2 * down.bias.double())
        shift, scale = dit.scale_shift_table[0].double() + time
        set_linear(self.head, *modulated(dit.proj_out, scale, shift))

    def rotary(self, frames: int, height: int, width: int) -> tuple[Tensor, Tensor]:
        """cos and sin [N,1,D/2], float32, of a grid of patches."""
        tables = []
        for table in (self.cos, self.sin):
            along = table.split(self._split, dim=1)
            sizes = (frames, height, width)
            tables.append(torch.cat([
                part[:size].view(*(size if i == axis else 1 for i in range(3)), -1).expand(
                    *sizes, -1) for axis, (part, size) in enumerate(zip(along, sizes, strict=True))
            ], dim=-1).reshape(frames * height * width, 1, -1))
        return tables[0], tables[1]

    def forward(self, latents: Tensor) -> Tensor:
        """RGB latents [C,f,h,w] to depth latents of that shape."""
        pt, ph, pw = self.patch
        frames, height, width = (size // step for size, step in
                                 zip(latents.shape[1:], self.patch, strict=True))
        grid = latents.reshape(-1, frames, pt, height, ph, width, pw)
        x = self.embed(grid.permute(1, 3, 5, 0, 2, 4, 6).reshape(frames * height * width, -1))
        cos, sin = self.rotary(frames, height, width)
        for block in self.blocks:
            x = block(x, cos, sin)
        x = self.head(_layer_norm(x, self.eps))
        x = x.reshape(frames, height, width, pt, ph, pw, self.channels)
        return x.permute(6, 0, 3, 1, 4, 2, 5).reshape(self.channels, *latents.shape[1:])


def _layer_norm(x: Tensor, eps: float) -> Tensor:
    return functional.layer_norm(x.float(), x.shape[-1:], eps=eps).to(x.dtype)


def set_linear(linear: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    """Copy values into a linear layer's weight [out,in] and bias [out]."""
    linear.weight.copy_(weight)
    linear.bias.copy_(bias)


def _apply(linear: nn.Linear, x: Tensor) -> Tensor:
    return linear.weight.double() @ x + linear.bias.double()


def modulated(linear: nn.Linear, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of ``linear(x * (1 + scale) + shift)``."""
    weight = linear.weight.double()
    return weight * (1 + scale), linear.bias.double() + weight @ shift


def _halves(heads: int, width: int) -> Tensor:
    """The order of rows that puts the even ones of each head before its odd ones."""
    rows = torch.arange(width).view(heads, -1, 2)
    return rows.transpose(1, 2).reshape(-1)


def time_parts(dit: WanTransformer3DModel, timestep: float) -> tuple[Tensor, Tensor]:
    """The time embedding [C] and the six modulations [6,C] of a timestep, float64."""
    embedder = dit.condition_embedder
    device = dit.patch_embedding.weight.device
    wave = embedder.timesteps_proj(torch.tensor([timestep], device=device))[0].double()
    inner = functional.silu(_apply(embedder.time_embedder.linear_1, wave))
    time = _apply(embedder.time_embedder.linear_2, inner)
    return time, _apply(embedder.time_proj, functional.silu(time)).view(6, -1)


def _context(dit: WanTransformer3DModel) -> Tensor:
    """Every token of the embedded context [C] where the text is all zero, float64."""
    text = dit.condition_embedder.text_embedder
    inner = functional.gelu(text.linear_1.bias.double(), approximate=_GELU)
    return _apply(text.linear_2, inner)

"""The small model's training pass as few, wide operations: fast on a CPU, equal to diffusers'.

The small VAE's 3x3x3 kernels look at the newest frame alone, so that model/whole_window.py runs
them as image convolutions over all frames at once, and only its time convolutions mix frames; the
transformer's text branches are zero and its timestep is fixed. A training step takes a fraction of
what the general modules take. The parameters are the modules' own.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Tensor, nn
from torch.nn import functional

from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder
from dvd_ros.training.network import TIMESTEP


@torch.no_grad()
def make_framewise(vae: AutoencoderKLWan) -> AutoencoderKLWan:
    """Leave only the newest tap of the 3x3x3 kernels, and one grey output; in place."""
    for module in vae.modules():
        if isinstance(module, nn.Conv3d) and module.kernel_size == (3, 3, 3):
            module.weight[:, :, :-1] = 0
    head = vae.decoder.conv_out
    for tensor in (head.weight, head.bias):
        grey = tensor.unflatten(0, (3, -1)).mean(0, keepdim=True)
        tensor.copy_(grey.expand(3, *grey.shape[1:]).flatten(0, 1))
    return vae


@torch.no_grad()
def leave_room(vae: AutoencoderKLWan, part: float) -> None:
    """Let disparity fill only the middle ``part`` of 0..1, in place.

    It is relative, so nothing is lost; but the decoder's end cuts off what lies outside, and half
    of what the network takes for farthest comes out below 0. Cut off, it is one flat distance.
    """
    vae.decoder.conv_out.weight.mul_(part)
    vae.decoder.conv_out.bias.mul_(part)


def _mix(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention [...,N,D]; the fused CPU kernel's backward is far slower on so few tokens."""
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1) @ v


def grey(disparity: Tensor) -> Tensor:
    """Disparity [B,T,H,W] in 0..1 as a video [B,T,3,H,W] in -1..1."""
    return (disparity * 2 - 1)[:, :, None].expand(-1, -1, 3, -1, -1)


def disparity(decoder: WholeDecoder, latents: Tensor) -> Tensor:
    """Depth latents [B,C,f,h,w] to disparity [B,4f-3,H,W] in 0..1, not clamped, float32."""
    return (decoder.video(latents).mean(2) + 1) / 2


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of neighbouring pairs; x [B,N,heads,D], cos and sin [N,1,D/2]."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1)
    return turned.flatten(-2).to(x.dtype)


def regress(dit: WanTransformer3DModel, latents: Tensor) -> Tensor:
    """RGB latents [B,C,f,h,w] to depth latents, in one pass; patches of 1x1x1."""
    shape, heads = latents.shape, dit.config.num_attention_heads
    cos, sin = (part[0, :, :, ::2] for part in dit.rope(latents))
    cos, sin = cos.float(), sin.float()
    embedder = dit.condition_embedder
    time = embedder.time_embedder(embedder.timesteps_proj(
        torch.full((1,), TIMESTEP, device=latents.device)))
    scales = embedder.time_proj(embedder.act_fn(time)).unflatten(1, (6, -1))
    width = scales.shape[-1]
    # float32 along the residual path, as diffusers keeps its norms and gates.
    x = functional.linear(latents.flatten(2).transpose(1, 2),
                          dit.patch_embedding.weight.flatten(1), dit.patch_embedding.bias).float()

    def modulated(rows: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return functional.layer_norm(rows, (width,), eps=1e-6) * (1 + scale) + shift

    def rms(rows: Tensor, norm: nn.RMSNorm) -> Tensor:
        rate = rows.float().square().mean(-1, keepdim=True).add(1e-6).rsqrt()
        return rows * (rate.to(rows.dtype) * norm.weight.to(rows.dtype))

    for block in dit.blocks:
        parts = (block.scale_shift_table + scales).float().chunk(6, dim=1)
        attn = block.attn1
        rows = modulated(x, parts[0], parts[1])
        weight = torch.cat([attn.to_q.weight, attn.to_k.weight, attn.to_v.weight])
        bias = torch.cat([attn.to_q.bias, attn.to_k.bias, attn.to_v.bias])
        q, k, v = functional.linear(rows, weight, bias).chunk(3, dim=-1)
        q, k = (_rotate(rms(part, norm).unflatten(2, (heads, -1)), cos, sin)
                for part, norm in ((q, attn.norm_q), (k, attn.norm_k)))
        mixed = _mix(*(part.transpose(1, 2) for part in (q, k, v.unflatten(2, (heads, -1)))))
        x = x + attn.to_out[0](mixed.transpose(1, 2).flatten(2)) * parts[2]
        rows = block.ffn.net[0].proj(modulated(x, parts[3], parts[4]))
        x = x + block.ffn.net[2](functional.gelu(rows, approximate='tanh')) * parts[5]
    shift, scale = (dit.scale_shift_table + time[:, None]).float().chunk(2, dim=1)
    x = functional.linear(modulated(x, shift, scale), dit.proj_out.weight, dit.proj_out.bias)
    return x.transpose(1, 2).reshape(shape)


def predict(dit: WanTransformer3DModel, encoder: WholeEncoder, decoder: WholeDecoder,
            video: Tensor) -> Tensor:
    """Video [B,T,3,H,W] in -1..1 to disparity [B,T,H,W] in 0..1, not clamped: the whole network."""
    return disparity(decoder, regress(dit, encoder(video)))

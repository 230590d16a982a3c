"""The small model's forward pass as few, wide operations: fast on a CPU, equal to diffusers'.

The small VAE's 3x3x3 kernels look at the newest frame alone, so its convolutions are plain image
convolutions over all frames at once and only its time convolutions mix frames; the transformer's
text branches are zero and its timestep is fixed. Written like this a training step takes a
fraction of what the general modules take. The parameters are the modules' own.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    WanAttentionBlock,
    WanResample,
    WanResidualBlock,
    WanRMS_norm,
)
from torch import Tensor, nn
from torch.nn import functional

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


def _conv(module: nn.Conv3d, x: Tensor) -> Tensor:
    """A causal convolution of images [N,C,h,w] by its newest tap."""
    return functional.conv2d(x, module.weight[:, :, -1], module.bias,
                             padding=module.kernel_size[1] // 2)


def _norm(module: WanRMS_norm, x: Tensor) -> Tensor:
    rate = x.float().square().mean(1, keepdim=True).clamp_min(1e-24).rsqrt()
    return (x * rate).to(x.dtype) * module.gamma.view(1, -1, 1, 1).to(x.dtype)


def _residual(block: WanResidualBlock, x: Tensor) -> Tensor:
    short = x if isinstance(block.conv_shortcut, nn.Identity) else _conv(block.conv_shortcut, x)
    x = _conv(block.conv1, functional.silu(_norm(block.norm1, x)))
    return short + _conv(block.conv2, functional.silu(_norm(block.norm2, x)))


def _mix(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention [...,N,D]; the fused CPU kernel's backward is far slower on so few tokens."""
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1) @ v


def _attention(block: WanAttentionBlock, x: Tensor) -> Tensor:
    rows = block.to_qkv(_norm(block.norm, x)).flatten(2).transpose(1, 2)
    q, k, v = (part[:, None] for part in rows.chunk(3, dim=-1))
    return x + block.proj(_mix(q, k, v)[:, 0].transpose(1, 2).reshape(x.shape))


def _time_conv(module: nn.Conv3d, x: Tensor, stride: int) -> Tensor:
    """[B,T,C,h,w] -> [B,(T-3)/stride+1,C',h,w] by a kernel of three frames."""
    batch = len(x)
    count = (x.shape[1] - 3) // stride + 1
    taps = [x[:, i:i + stride * (count - 1) + 1:stride] for i in range(3)]
    joined = torch.cat(taps, dim=2).flatten(0, 1)
    kernel = module.weight[..., 0, 0].transpose(1, 2).flatten(1)[..., None, None]
    return functional.conv2d(joined, kernel, module.bias).unflatten(0, (batch, count))


def _down(block: WanResample, x: Tensor, batch: int) -> Tensor:
    x = block.resample(x)
    frames = x.unflatten(0, (batch, -1))
    if frames.shape[1] == 1:
        return x
    return torch.cat([frames[:, :1], _time_conv(block.time_conv, frames, 2)], 1).flatten(0, 1)


def _up(block: WanResample, x: Tensor, batch: int) -> Tensor:
    frames = x.unflatten(0, (batch, -1))
    if frames.shape[1] > 1:
        later = functional.pad(frames[:, 1:], (0, 0, 0, 0, 0, 0, 2, 0))
        twice = _time_conv(block.time_conv, later, 1)  # [B,T-1,2C,h,w]
        twice = twice.unflatten(2, (2, -1)).flatten(1, 2)
        x = torch.cat([frames[:, :1], twice], 1).flatten(0, 1)
    x = functional.interpolate(x, scale_factor=2.0, mode='nearest-exact')
    return block.resample[1](x)


def grey(disparity: Tensor) -> Tensor:
    """Disparity [B,T,H,W] in 0..1 as a video [B,T,3,H,W] in -1..1."""
    return (disparity * 2 - 1)[:, :, None].expand(-1, -1, 3, -1, -1)


def encode(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    """Clips [B,T,3,H,W] in -1..1, T = 4n+1, to the mode of their latents [B,C,n+1,h,w]."""
    batch, encoder = len(video), vae.encoder
    size = vae.config.patch_size
    x = functional.pixel_unshuffle(video.flatten(0, 1), size)
    # diffusers puts a block's columns before its rows.
    x = x.unflatten(1, (-1, size, size)).transpose(2, 3).flatten(1, 3)
    x = _conv(encoder.conv_in, x.contiguous(memory_format=torch.channels_last))
    for block in encoder.down_blocks:
        x = _residual(block, x) if isinstance(block, WanResidualBlock) else _down(block, x, batch)
    x = _residual(encoder.mid_block.resnets[0], x)
    x = _attention(encoder.mid_block.attentions[0], x)
    x = _residual(encoder.mid_block.resnets[1], x)
    x = _conv(encoder.conv_out, functional.silu(_norm(encoder.norm_out, x)))
    x = _conv(vae.quant_conv, x)[:, :vae.config.z_dim]
    return x.unflatten(0, (batch, -1)).transpose(1, 2)


def decode(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """Latents [B,C,f,h,w] to disparity [B,4f-3,H,W] in 0..1, not clamped."""
    batch, decoder = len(latents), vae.decoder
    size = vae.config.patch_size
    x = latents.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    x = _conv(decoder.conv_in, _conv(vae.post_quant_conv, x))
    x = _residual(decoder.mid_block.resnets[0], x)
    x = _attention(decoder.mid_block.attentions[0], x)
    x = _residual(decoder.mid_block.resnets[1], x)
    for block in decoder.up_blocks:
        for resnet in block.resnets:
            x = _residual(resnet, x)
        if block.upsamplers is not None:
            x = _up(block.upsamplers[0], x, batch)
    x = _conv(decoder.conv_out, functional.silu(_norm(decoder.norm_out, x))).float()
    grey = x.unflatten(1, (3, size, size)).mean(1).transpose(1, 2).flatten(1, 2)
    grey = functional.pixel_shuffle(grey, size)[:, 0]
    return (grey.unflatten(0, (batch, -1)) + 1) / 2


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

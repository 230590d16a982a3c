"""The video VAE over a whole window at once, equal to its loop over chunks."""

from __future__ import annotations

import copy
from typing import Any

import torch
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    WanAttentionBlock,
    WanCausalConv3d,
    WanResample,
    WanResidualBlock,
)
from torch import Tensor, nn
from torch.nn import functional


class _Volume:
    """Features [1,C,T,H,W]: for kernels that look back in time."""

    time = 2

    @staticmethod
    def conv(module: WanCausalConv3d, x: Tensor) -> Tensor:
        return module(x)

    @staticmethod
    def planes(x: Tensor) -> Tensor:
        """As images [T,C,H,W]."""
        return x[0].transpose(0, 1)

    @staticmethod
    def back(x: Tensor) -> Tensor:
        """From images [T,C,H,W]."""
        return x.transpose(0, 1)[None]


class _Planes:
    """Features [T,C,H,W]: for kernels of which only the newest tap is not zero."""

    time = 0

    @staticmethod
    def conv(module: WanCausalConv3d, x: Tensor) -> Tensor:
        return functional.conv2d(x, module.weight[:, :, -1], module.bias,
                                 padding=module.kernel_size[1] // 2)

    @staticmethod
    def planes(x: Tensor) -> Tensor:
        return x

    back = planes


def _looks_back(part: nn.Module) -> bool:
    return any(module.kernel_size == (3, 3, 3) and bool(module.weight[:, :, :-1].any())
               for module in part.modules() if isinstance(module, WanCausalConv3d))


class _Half(nn.Module):
    """What encoder and decoder share. One window at a time: what diffusers batches is one here."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        # The small shipped network works on frames one by one, in plain images, at a third of
        # the cost of volumes.
        self.layout = _Volume if _looks_back(part) else _Planes

    def _norm(self, norm: Any, x: Tensor) -> Tensor:
        """RMS norm over the channels, in float32 whatever the network's precision."""
        wide = x.float()
        rate = torch.rsqrt(wide.square().sum(1, keepdim=True).clamp_min(1e-24))
        gamma = norm.gamma.float().view(1, -1, *[1] * (x.ndim - 2))
        return (wide * rate * (gamma * norm.scale)).to(x.dtype)

    def _residual(self, block: WanResidualBlock, x: Tensor) -> Tensor:
        short = x if isinstance(block.conv_shortcut, nn.Identity) else \
            self.layout.conv(block.conv_shortcut, x)
        for norm, conv in ((block.norm1, block.conv1), (block.norm2, block.conv2)):
            x = self.layout.conv(conv, functional.silu(self._norm(norm, x)))
        return x + short

    def _attention(self, block: WanAttentionBlock, x: Tensor) -> Tensor:
        """Single-headed over the positions of each frame."""
        planes = self.layout.planes(x)
        frames, channels, height, width = planes.shape
        rows = block.to_qkv(self._norm(block.norm, planes))
        rows = rows.reshape(frames, 1, 3 * channels, height * width).transpose(2, 3)
        mixed = functional.scaled_dot_product_attention(*rows.chunk(3, dim=-1))
        mixed = mixed[:, 0].transpose(1, 2).reshape(frames, channels, height, width)
        return x + self.layout.back(block.proj(mixed))

    def _middle(self, middle: Any, x: Tensor) -> Tensor:
        x = self._residual(middle.resnets[0], x)
        for attention, resnet in zip(middle.attentions, middle.resnets[1:], strict=True):
            x = self._residual(resnet, self._attention(attention, x))
        return x

    def _time_conv(self, module: WanCausalConv3d, planes: Tensor, stride: int) -> Tensor:
        """[T,C,H,W] by a kernel of three frames -> [(T-3)//stride+1,C',H,W], as an image's."""
        count = (planes.shape[0] - 3) // stride + 1
        taps = [planes[i:i + stride * (count - 1) + 1:stride] for i in range(3)]
        kernel = module.weight[..., 0, 0].transpose(1, 2).flatten(1)[..., None, None]
        return functional.conv2d(torch.cat(taps, dim=1), kernel, module.bias)


class WholeEncoder(_Half):
    """
    RGB [T,3,H,W] in -1..1, T = 4n+1, to normalised latents [C,n+1,h,w].

    The statistics of the latents and the quantising convolution are folded into the last
    convolution. Shares all other weights with ``vae``. Raises ValueError for a VAE with residual
    down blocks (Wan2.2).
    """

    def __init__(self, vae: AutoencoderKLWan) -> None:
        _check(vae)
        super().__init__(vae.encoder)
        self.patch = vae.config.patch_size or 1
        source = vae.encoder
        self.conv_in, self.down_blocks = source.conv_in, source.down_blocks
        self.mid_block, self.norm_out = source.mid_block, source.norm_out
        self.conv_out = _slimmed(source.conv_out, vae.config.z_dim)
        with torch.no_grad():
            mean, std = (torch.tensor(part, dtype=torch.float64, device=vae.device)
                         for part in (vae.config.latents_mean, vae.config.latents_std))
            rows = vae.quant_conv.weight[:len(mean), :, 0, 0, 0].double() / std[:, None]
            weight = source.conv_out.weight.double()
            self.conv_out.weight.copy_(torch.einsum('oc,cixyz->oixyz', rows, weight))
            bias = (vae.quant_conv.bias[:len(mean)].double() - mean) / std
            self.conv_out.bias.copy_(rows @ source.conv_out.bias.double() + bias)
        self.requires_grad_(False)

    def forward(self, video: Tensor) -> Tensor:
        """See the class."""
        if self.patch > 1:
            # diffusers puts a block's columns before its rows.
            x = functional.pixel_unshuffle(video, self.patch)
            video = x.unflatten(1, (-1, self.patch, self.patch)).transpose(2, 3).flatten(1, 3)
        x = self.layout.conv(self.conv_in, self.layout.back(video))
        for block in self.down_blocks:
            if isinstance(block, WanResidualBlock):
                x = self._residual(block, x)
            elif isinstance(block, WanAttentionBlock):
                x = self._attention(block, x)
            else:
                x = self._down(block, x)
        x = self._middle(self.mid_block, x)
        x = self.layout.conv(self.conv_out, functional.silu(self._norm(self.norm_out, x)))
        return self.layout.planes(x).transpose(0, 1)

    def _down(self, block: WanResample, x: Tensor) -> Tensor:
        planes = block.resample(self.layout.planes(x))
        if block.mode == 'downsample3d' and planes.shape[0] > 1:
            # The loop over chunks takes the first frame as it is.
            planes = torch.cat([planes[:1], self._time_conv(block.time_conv, planes, 2)])
        return self.layout.back(planes)


class WholeDecoder(_Half):
    """
    Normalised latents [C,n+1,h,w] to relative disparity float32 [4n+1,H,W] in 0..1.

    The statistics of the latents are folded into the first, pointwise convolution. Shares all
    other weights with ``vae``. Raises ValueError for a VAE with residual up blocks (Wan2.2).
    """

    def __init__(self, vae: AutoencoderKLWan) -> None:
        _check(vae)
        super().__init__(vae.decoder)
        self.patch = vae.config.patch_size or 1
        source = vae.decoder
        self.conv_in, self.mid_block = source.conv_in, source.mid_block
        self.up_blocks, self.norm_out = source.up_blocks, source.norm_out
        self.conv_out = source.conv_out
        self.enter = copy.deepcopy(vae.post_quant_conv)
        with torch.no_grad():
            mean, std = (torch.tensor(part, dtype=torch.float64, device=vae.device)
                         for part in (vae.config.latents_mean, vae.config.latents_std))
            weight = vae.post_quant_conv.weight[..., 0, 0, 0].double()
            self.enter.weight.copy_((weight * std)[..., None, None, None])
            self.enter.bias.copy_(weight @ mean + vae.post_quant_conv.bias.double())
        self.requires_grad_(False)

    def forward(self, latents: Tensor) -> Tensor:
        """See the class."""
        x = self.layout.back(latents.transpose(0, 1))
        x = self.layout.conv(self.conv_in, self.layout.conv(self.enter, x))
        x = self._middle(self.mid_block, x)
        for block in self.up_blocks:
            for resnet in block.resnets:
                x = self._residual(resnet, x) if isinstance(resnet, WanResidualBlock) else \
                    self._attention(resnet, x)
            for up in block.upsamplers or ():
                x = self._up(up, x)
        x = self.layout.conv(self.conv_out, functional.silu(self._norm(self.norm_out, x)))
        video = self.layout.planes(x).float()
        if self.patch > 1:
            video = video.unflatten(1, (-1, self.patch, self.patch)).transpose(2, 3).flatten(1, 3)
            video = functional.pixel_shuffle(video, self.patch)
        return ((video.clamp(-1, 1).mean(1) + 1) / 2).clamp(0, 1)

    def _up(self, block: WanResample, x: Tensor) -> Tensor:
        planes = self.layout.planes(x)
        if block.mode == 'upsample3d' and planes.shape[0] > 1:
            # The loop over chunks takes the first frame as it is and does not look back on it.
            later = functional.pad(planes[1:], (0, 0, 0, 0, 0, 0, 2, 0))
            pairs = self._time_conv(block.time_conv, later, 1)
            pairs = pairs.unflatten(1, (2, -1)).flatten(0, 1)
            planes = torch.cat([planes[:1], pairs])
        # Equal to nearest-exact at a factor of two, and known to every runtime.
        planes = functional.interpolate(planes, scale_factor=2.0, mode='nearest')
        return self.layout.back(block.resample[1](planes))


def _slimmed(conv: WanCausalConv3d, channels: int) -> WanCausalConv3d:
    """A convolution like ``conv`` with fewer outputs, weights not set."""
    with torch.device(conv.weight.device):
        slim = WanCausalConv3d(conv.in_channels, channels, conv.kernel_size,
                               padding=(conv._padding[4] // 2, conv._padding[2],
                                        conv._padding[0]))
    return slim.to(conv.weight.dtype)


def _check(vae: AutoencoderKLWan) -> None:
    if vae.config.is_residual:
        raise ValueError('the VAE has residual down and up blocks (is_residual, Wan2.2); '
                         'the whole-window form knows those of Wan2.1')

"""The video VAE over whole windows at once, equal to its loop over chunks."""

from __future__ import annotations

import copy
from collections.abc import Callable
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
    """Features [B,C,T,H,W]: for kernels that look back in time."""

    @staticmethod
    def conv(module: WanCausalConv3d, x: Tensor) -> Tensor:
        return module(x)

    @staticmethod
    def planes(x: Tensor) -> Tensor:
        """As images [B*T,C,H,W]."""
        return x.transpose(1, 2).flatten(0, 1)

    @staticmethod
    def back(x: Tensor, batch: int) -> Tensor:
        """From images [B*T,C,H,W]."""
        return x.unflatten(0, (batch, -1)).transpose(1, 2)


class _Planes:
    """Features [B*T,C,H,W]: for kernels of which only the newest tap is not zero."""

    @staticmethod
    def conv(module: WanCausalConv3d | nn.Conv2d, x: Tensor) -> Tensor:
        if isinstance(module, nn.Conv2d):
            return module(x)
        return functional.conv2d(x, module.weight[:, :, -1], module.bias,
                                 padding=module.kernel_size[1] // 2)

    @staticmethod
    def planes(x: Tensor) -> Tensor:
        return x

    @staticmethod
    def back(x: Tensor, batch: int) -> Tensor:
        return x


def _as_images(part: nn.Module) -> nn.Module:
    """A copy whose kernels have the newest tap alone, so that no export carries the zeros."""
    if not (isinstance(part, WanCausalConv3d) and part.kernel_size in ((3, 3, 3), (1, 1, 1))):
        part = copy.copy(part)
        part._modules = {name: child if child is None else _as_images(child)
                         for name, child in part._modules.items()}
        return part
    with torch.device(part.weight.device):
        conv = nn.Conv2d(part.in_channels, part.out_channels, part.kernel_size[1:],
                         padding=part.kernel_size[1] // 2).to(part.weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(part.weight[:, :, -1])
        conv.bias.copy_(part.bias)  # type: ignore[union-attr]
    return conv


def _looks_back(part: nn.Module) -> bool:
    # Weights on the meta device have no values, so they may be any.
    return any(module.kernel_size == (3, 3, 3) and
               (module.weight.is_meta or bool(module.weight[:, :, :-1].any()))
               for module in part.modules() if isinstance(module, WanCausalConv3d))


class _Half(nn.Module):
    """What encoder and decoder share."""

    def __init__(self, vae: AutoencoderKLWan, part: nn.Module) -> None:
        super().__init__()
        if vae.config.is_residual:
            raise ValueError('the VAE has residual down and up blocks (is_residual, Wan2.2); '
                             'the whole-window form knows those of Wan2.1')
        self.patch = vae.config.patch_size or 1
        # The small shipped network works on frames one by one, in plain images, at a third of
        # the cost of volumes.
        self.layout = _Volume if _looks_back(part) else _Planes

    def _freeze(self) -> None:
        if self.layout is _Planes:
            for name, child in list(self.named_children()):
                setattr(self, name, _as_images(child))
        self.requires_grad_(False)

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
        return x + self.layout.back(block.proj(mixed), x.shape[0])

    def _middle(self, middle: Any, x: Tensor) -> Tensor:
        x = self._residual(middle.resnets[0], x)
        for attention, resnet in zip(middle.attentions, middle.resnets[1:], strict=True):
            x = self._residual(resnet, self._attention(attention, x))
        return x

    @staticmethod
    def _time_conv(module: WanCausalConv3d, frames: Tensor, stride: int) -> Tensor:
        """[B,T,C,H,W] by a kernel of three frames -> [B,(T-3)//stride+1,C',H,W], as an image's."""
        batch, count = frames.shape[0], (frames.shape[1] - 3) // stride + 1
        taps = [frames[:, i:i + stride * (count - 1) + 1:stride] for i in range(3)]
        kernel = module.weight[..., 0, 0].transpose(1, 2).flatten(1)[..., None, None]
        mixed = functional.conv2d(torch.cat(taps, dim=2).flatten(0, 1), kernel, module.bias)
        return mixed.unflatten(0, (batch, count))


class WholeEncoder(_Half):
    """
    RGB [T,3,H,W] in -1..1, T = 4n+1, to normalised latents [C,n+1,h,w]; or both with a batch first.

    The statistics of the latents and the quantising convolution are folded into the last
    convolution; all other weights are those of ``vae``. ``trainable``: fold nothing, for training
    the VAE through this pass; then the statistics must be 0 and 1. Raises ValueError for others,
    and for a VAE with residual down blocks (Wan2.2).
    """

    def __init__(self, vae: AutoencoderKLWan, trainable: bool = False) -> None:
        super().__init__(vae, vae.encoder)
        source = vae.encoder
        self.conv_in, self.down_blocks = source.conv_in, source.down_blocks
        self.mid_block, self.norm_out = source.mid_block, source.norm_out
        self.channels, self.quantise = vae.config.z_dim, None
        mean, std = _statistics(vae, trainable)
        if trainable:
            self.conv_out, self.quantise = source.conv_out, vae.quant_conv
            return
        self.conv_out = _slimmed(source.conv_out, self.channels)
        with torch.no_grad():
            rows = vae.quant_conv.weight[:len(mean), :, 0, 0, 0].double() / std[:, None]
            weight = source.conv_out.weight.double()
            self.conv_out.weight.copy_(torch.einsum('oc,cixyz->oixyz', rows, weight))
            bias = (vae.quant_conv.bias[:len(mean)].double() - mean) / std
            self.conv_out.bias.copy_(rows @ source.conv_out.bias.double() + bias)
        self._freeze()

    def forward(self, video: Tensor) -> Tensor:
        """See the class."""
        return _batched(self._encode, video, 4)

    def _encode(self, video: Tensor) -> Tensor:
        batch, video = len(video), video.flatten(0, 1)
        if self.patch > 1:
            # diffusers puts a block's columns before its rows.
            x = functional.pixel_unshuffle(video, self.patch)
            video = x.unflatten(1, (-1, self.patch, self.patch)).transpose(2, 3).flatten(1, 3)
        x = self.layout.conv(self.conv_in, self.layout.back(video, batch))
        for block in self.down_blocks:
            if isinstance(block, WanResidualBlock):
                x = self._residual(block, x)
            elif isinstance(block, WanAttentionBlock):
                x = self._attention(block, x)
            else:
                x = self._down(block, x, batch)
        x = self._middle(self.mid_block, x)
        x = self.layout.conv(self.conv_out, functional.silu(self._norm(self.norm_out, x)))
        if self.quantise is not None:
            x = self.layout.conv(self.quantise, x)[:, :self.channels]
        return self.layout.planes(x).unflatten(0, (batch, -1)).transpose(1, 2)

    def _down(self, block: WanResample, x: Tensor, batch: int) -> Tensor:
        planes = block.resample(self.layout.planes(x))
        if block.mode == 'downsample3d' and len(planes) > batch:
            frames = planes.unflatten(0, (batch, -1))
            # The loop over chunks takes the first frame as it is.
            mixed = self._time_conv(block.time_conv, frames, 2)
            planes = torch.cat([frames[:, :1], mixed], dim=1).flatten(0, 1)
        return self.layout.back(planes, batch)


class WholeDecoder(_Half):
    """
    Normalised latents [C,n+1,h,w] to relative disparity float32 [4n+1,H,W] in 0..1; or both with
    a batch first.

    The statistics of the latents are folded into the first, pointwise convolution; all other
    weights are those of ``vae``. ``trainable`` and errors: see WholeEncoder.
    """

    def __init__(self, vae: AutoencoderKLWan, trainable: bool = False) -> None:
        super().__init__(vae, vae.decoder)
        source = vae.decoder
        self.conv_in, self.mid_block = source.conv_in, source.mid_block
        self.up_blocks, self.norm_out = source.up_blocks, source.norm_out
        self.conv_out = source.conv_out
        mean, std = _statistics(vae, trainable)
        if trainable:
            self.enter = vae.post_quant_conv
            return
        self.enter = copy.deepcopy(vae.post_quant_conv)
        with torch.no_grad():
            weight = vae.post_quant_conv.weight[..., 0, 0, 0].double()
            self.enter.weight.copy_((weight * std)[..., None, None, None])
            self.enter.bias.copy_(weight @ mean + vae.post_quant_conv.bias.double())
        self._freeze()

    def forward(self, latents: Tensor) -> Tensor:
        """See the class."""
        return _batched(self._decode, latents, 4)

    def _decode(self, latents: Tensor) -> Tensor:
        return ((self.video(latents).clamp(-1, 1).mean(2) + 1) / 2).clamp(0, 1)

    def video(self, latents: Tensor) -> Tensor:
        """What is behind the disparity: latents [B,C,n+1,h,w] to [B,4n+1,3,H,W], not clamped."""
        batch = len(latents)
        x = self.layout.back(latents.transpose(1, 2).flatten(0, 1), batch)
        x = self.layout.conv(self.conv_in, self.layout.conv(self.enter, x))
        x = self._middle(self.mid_block, x)
        for block in self.up_blocks:
            for resnet in block.resnets:
                x = self._residual(resnet, x) if isinstance(resnet, WanResidualBlock) else \
                    self._attention(resnet, x)
            for up in block.upsamplers or ():
                x = self._up(up, x, batch)
        x = self.layout.conv(self.conv_out, functional.silu(self._norm(self.norm_out, x)))
        video = self.layout.planes(x).float()
        if self.patch > 1:
            video = video.unflatten(1, (-1, self.patch, self.patch)).transpose(2, 3).flatten(1, 3)
            video = functional.pixel_shuffle(video, self.patch)
        return video.unflatten(0, (batch, -1))

    def _up(self, block: WanResample, x: Tensor, batch: int) -> Tensor:
        planes = self.layout.planes(x)
        if block.mode == 'upsample3d' and len(planes) > batch:
            planes = self._lengthened(block, planes.unflatten(0, (batch, -1))).flatten(0, 1)
        # Equal to nearest-exact at a factor of two, and known to every runtime.
        planes = functional.interpolate(planes, scale_factor=2.0, mode='nearest')
        return self.layout.back(block.resample[1](planes), batch)

    def _lengthened(self, block: WanResample, frames: Tensor) -> Tensor:
        """[B,T,C,H,W] -> [B,2T-1,C,H,W]."""
        # The loop over chunks takes the first frame as it is and does not look back on it.
        later = functional.pad(frames[:, 1:], (0, 0, 0, 0, 0, 0, 2, 0))
        pairs = self._time_conv(block.time_conv, later, 1).unflatten(2, (2, -1)).flatten(1, 2)
        return torch.cat([frames[:, :1], pairs], dim=1)


def _batched(function: Callable[[Tensor], Tensor], x: Tensor, dims: int) -> Tensor:
    """Apply to a batch; ``x`` of ``dims`` dimensions is a batch of one."""
    return function(x[None])[0] if x.ndim == dims else function(x)


def _statistics(vae: AutoencoderKLWan, trainable: bool) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the latents, float64 [C]."""
    mean, std = (torch.tensor(part, dtype=torch.float64, device=vae.device)
                 for part in (vae.config.latents_mean, vae.config.latents_std))
    if trainable and (mean.any() or (std != 1).any()):
        raise ValueError('a VAE whose latents have statistics of their own (latents_mean, '
                         'latents_std) cannot be trained through this pass')
    return mean, std


def _slimmed(conv: WanCausalConv3d, channels: int) -> WanCausalConv3d:
    """A convolution like ``conv`` with fewer outputs, weights not set."""
    with torch.device(conv.weight.device):
        slim = WanCausalConv3d(conv.in_channels, channels, conv.kernel_size,
                               padding=(conv._padding[4] // 2, conv._padding[2],
                                        conv._padding[0]))
    return slim.to(conv.weight.dtype)

"""The public tiny codec of Wan 2.1's latents, `taew2_1`, with depth as the mean of its RGB."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from dvd_ros.model.config import TIME_FACTOR
from dvd_ros.model.frame_memory import Memory, State

LATENTS, FACTOR = 16, 8
# That a state dict of this layout has, and no other that is read here.
MARK = 'decoder.22.weight'
_WIDTH, _DECODER_WIDTHS = 64, (256, 128, 64, 64)


def _conv(inputs: int, outputs: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias)


class _Remembering(nn.Module):
    """Residual; sees each frame beside the one before, and zeros before the first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(_conv(2 * channels, channels), nn.ReLU(),
                                  _conv(channels, channels), nn.ReLU(), _conv(channels, channels))

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        pairs = torch.cat([x, memory.before(x, torch.zeros_like(x[:, :1]))], dim=2)
        return functional.relu(self.conv(pairs.flatten(0, 1)).unflatten(0, x.shape[:2]) + x)


class _Frames(nn.Module):
    """``less`` frames become one, or one becomes ``more``, by a pointwise convolution."""

    def __init__(self, channels: int, less: int = 1, more: int = 1) -> None:
        super().__init__()
        self.less, self.more = less, more
        self.conv = nn.Conv2d(less * channels, more * channels, 1, bias=False)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        groups = x.unflatten(1, (x.shape[1] // self.less, self.less)).flatten(2, 3)
        mixed = self.conv(groups.flatten(0, 1)).unflatten(1, (self.more, -1))
        return mixed.unflatten(0, groups.shape[:2]).flatten(1, 2)


class _SoftClamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


def walk(parts: Iterable[nn.Module], x: Tensor, memory: Memory) -> Tensor:
    """Frames [B,T,C,H,W] through parts, of which some mix frames and others do not."""
    for part in parts:
        x = part(x, memory) if isinstance(part, (_Remembering, _Frames)) else \
            part(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return x


# Positions in the two sequences are the numbers in the names of the checkpoint's tensors.
class TaewEncoder(nn.Sequential):
    """
    RGB [T,3,H,W] in -1..1, T = 4n+1, to normalised latents [16,n+1,H/8,W/8]; or with a batch.

    As its authors run it, the frames are filled up to 4n+4 with the last one: latent i knows
    frames up to 4i+3, and in a stream is there when frame 4i+3 is.
    """

    def __init__(self) -> None:
        level: list[nn.Module] = []
        for less in (2, 2, 1):
            level += [_Frames(_WIDTH, less=less), _conv(_WIDTH, _WIDTH, 2, bias=False),
                      *(_Remembering(_WIDTH) for _ in range(3))]
        super().__init__(_conv(3, _WIDTH), nn.ReLU(), *level, _conv(_WIDTH, LATENTS))

    def forward(self, video: Tensor) -> Tensor:
        """See the class."""
        if video.ndim == 4:
            return self(video[None])[0]
        fill = -video.shape[1] % TIME_FACTOR
        return self.stream(torch.cat([video, *[video[:, -1:]] * fill], dim=1))[0]

    def stream(self, video: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """
        Encode the next 4n frames [B,T,3,H,W]: latents [B,16,n,h,w], and the next chunk's state.

        Raises ValueError for other numbers of frames.
        """
        if video.shape[1] % TIME_FACTOR or not video.shape[1]:
            raise ValueError(f'taew encodes 4n frames of a stream, got {video.shape[1]}')
        memory = Memory(state)
        return walk(self, (video + 1) / 2, memory).transpose(1, 2), memory.state


class TaewDecoder(nn.Sequential):
    """
    Normalised latents [16,n+1,h,w] to disparity float32 [4n+1,8h,8w] in 0..1; or with a batch.

    The checkpoint gives RGB in 0..1; disparity is the mean of the channels, as with the full VAE.
    """

    def __init__(self) -> None:
        widths = _DECODER_WIDTHS
        level: list[nn.Module] = []
        for width, after, more in zip(widths, widths[1:], (1, 2, 2), strict=False):
            level += [*(_Remembering(width) for _ in range(3)), nn.Upsample(scale_factor=2.0),
                      _Frames(width, more=more), _conv(width, after, bias=False)]
        super().__init__(_SoftClamp(), _conv(LATENTS, widths[0]), nn.ReLU(), *level,
                         nn.ReLU(), _conv(widths[-1], 3))

    def forward(self, latents: Tensor) -> Tensor:
        """See the class."""
        if latents.ndim == 4:
            return self(latents[None])[0]
        return self.stream(latents)[0]

    def stream(self, latents: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Decode the next latents [B,16,n,h,w]: disparity [B,T,H,W] and the next chunk's state."""
        memory = Memory(state)
        video = walk(self, latents.transpose(1, 2), memory).float()
        # The first latent of a stream stands for one frame: the last of its four.
        video = video if memory.started else video[:, TIME_FACTOR - 1:]
        return video.clamp(0, 1).mean(2), memory.state

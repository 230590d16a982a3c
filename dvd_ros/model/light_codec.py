"""A small codec for the latents of a full one: RGB to latents, latents to disparity."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dvd_ros.model.config import TIME_FACTOR, DvdConfig
from dvd_ros.model.frame_memory import Memory, State

# Two steps of two, in space and in time at once.
_STEPS = 4


@dataclass(frozen=True)
class LightSizes:
    """
    Sizes of a light codec.

    latents: channels of a latent. factor: pixels of a latent along height and width, a multiple
    of 4. widths: channels at 4/factor, 2/factor and 1/factor of the image's size. encoder_blocks,
    decoder_blocks: residual blocks there. Raises ValueError naming the bad value.
    """

    latents: int
    factor: int
    widths: tuple[int, int, int]
    encoder_blocks: tuple[int, int, int] = (1, 2, 3)
    decoder_blocks: tuple[int, int, int] = (1, 2, 3)

    def __post_init__(self) -> None:
        if self.latents < 1:
            raise ValueError(f'latents={self.latents} must be positive')
        if self.factor < _STEPS or self.factor % _STEPS:
            raise ValueError(f'factor={self.factor} must be a multiple of {_STEPS}')
        for name, least in (('widths', 1), ('encoder_blocks', 0), ('decoder_blocks', 0)):
            value = tuple(getattr(self, name))
            if len(value) != 3 or min(value) < least:
                raise ValueError(f'{name}={value} must be three numbers of at least {least}, '
                                 'finest level first')
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, config: DvdConfig, width: int | None = None) -> LightSizes:
        """
        Give sizes for the latents of a network.

        width: of the finest level, the others have two and four times as many channels; None is
        two thirds of the full codec's, which for Wan2.1 takes a thirtieth of its operations
        (benchmark/codec_flops.py).
        """
        width = width or 8 * -(-config.base_width // 12)
        return cls(len(config.latents_mean), config.spatial_factor,
                   (width, 2 * width, 4 * width))

    @property
    def patch(self) -> int:
        """Pixels of a position at the finest level, along height and width."""
        return self.factor // _STEPS

    def to_dict(self) -> dict[str, Any]:
        """Give the arguments of the class, fit for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value
                for name, value in asdict(self).items()}


class _Block(nn.Module):
    """Residual; sees each frame beside the one before. Before the first lies the first itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.out = nn.Conv2d(channels, channels, 3, padding=1)
        # Without norms, blocks that begin as nothing keep the first steps of training calm.
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        pairs = torch.cat([x, memory.before(x, x[:, :1])], dim=2)
        mixed = self.out(functional.silu(self.mix(pairs.flatten(0, 1))))
        return x + mixed.unflatten(0, x.shape[:2])


class _Down(nn.Module):
    """Halves height, width and frames; the first frame of a stream is a pair with itself."""

    def __init__(self, channels: int, wider: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * channels, wider, 3, stride=2, padding=1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        if not memory.started:
            x = torch.cat([x[:, :1], x], dim=1)
        pairs = x.unflatten(1, (x.shape[1] // 2, 2)).flatten(2, 3)
        return self.conv(pairs.flatten(0, 1)).unflatten(0, pairs.shape[:2])


class _Up(nn.Module):
    """Doubles height, width and frames; of the first pair of a stream only the later remains."""

    def __init__(self, channels: int, narrower: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * narrower, 3, padding=1)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        wide = functional.interpolate(x.flatten(0, 1), scale_factor=2.0, mode='nearest')
        pairs = self.conv(wide).unflatten(1, (2, -1)).unflatten(0, x.shape[:2])
        frames = pairs.flatten(1, 2)
        return frames if memory.started else frames[:, 1:]


class LightEncoder(nn.Module):
    """
    RGB [T,3,H,W] in -1..1, T = 4n+1, to normalised latents [C,n+1,h,w]; or both with a batch first.

    Causal: a latent knows its own four frames (the first one: one frame) and those before. Plain
    image convolutions, some of which see two neighbouring frames; time shrinks in the same step
    as height and width. No norms, whose squares overflow in half precision. The idea of blocks
    that see the frame before is that of the public tiny codecs for video latents
    (madebyollin/taehv).
    """

    def __init__(self, sizes: LightSizes) -> None:
        super().__init__()
        self.sizes = sizes
        widths = sizes.widths
        self.enter = nn.Conv2d(3 * sizes.patch ** 2, widths[0], 3, padding=1)
        parts: list[nn.Module] = []
        for level, (width, count) in enumerate(zip(widths, sizes.encoder_blocks, strict=True)):
            parts += [_Block(width) for _ in range(count)]
            if level < 2:
                parts.append(_Down(width, widths[level + 1]))
        self.parts = nn.ModuleList(parts)
        self.leave = nn.Conv2d(widths[-1], sizes.latents, 3, padding=1)

    def forward(self, video: Tensor) -> Tensor:
        """See the class."""
        return self.stream(video)[0]

    def stream(self, video: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """
        Encode the next chunk of a stream: latents, and the state for the chunk after it.

        The first chunk (state None) has 4n+1 frames, each other 4n. All chunks together give
        what one pass over all frames gives. Raises ValueError for other numbers of frames.
        """
        if video.ndim == 4:
            latents, state = self.stream(video[None], state)
            return latents[0], state
        memory, shape = Memory(state), video.shape[:2]
        if shape[1] % TIME_FACTOR != (0 if memory.started else 1) or not shape[1]:
            need = '4n' if memory.started else '4n+1 at the start of a stream'
            raise ValueError(f'the light encoder takes {need} frames, got {shape[1]}')
        x = functional.pixel_unshuffle(video.flatten(0, 1), self.sizes.patch) \
            if self.sizes.patch > 1 else video.flatten(0, 1)
        x = self.enter(x).unflatten(0, shape)
        for part in self.parts:
            x = part(x, memory)
        latents = self.leave(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return latents.transpose(1, 2), memory.state


class LightDecoder(nn.Module):
    """
    Normalised latents [C,n+1,h,w] to relative disparity float32 [4n+1,H,W] in 0..1; or both with
    a batch first. Causal, as LightEncoder.
    """

    def __init__(self, sizes: LightSizes) -> None:
        super().__init__()
        self.sizes = sizes
        widths = sizes.widths
        self.enter = nn.Conv2d(sizes.latents, widths[-1], 3, padding=1)
        parts: list[nn.Module] = []
        for level in (2, 1, 0):
            parts += [_Block(widths[level]) for _ in range(sizes.decoder_blocks[level])]
            if level:
                parts.append(_Up(widths[level], widths[level - 1]))
        self.parts = nn.ModuleList(parts)
        self.leave = nn.Conv2d(widths[0], sizes.patch ** 2, 3, padding=1)
        nn.init.constant_(self.leave.bias, 0.5)  # type: ignore[arg-type]

    def forward(self, latents: Tensor) -> Tensor:
        """See the class."""
        return self.stream(latents)[0]

    def stream(self, latents: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """
        Decode the next latents of a stream: disparity, and the state for those after them.

        The first latent of a stream (state None) gives one frame, each other four.
        """
        if latents.ndim == 4:
            disparity, state = self.stream(latents[None], state)
            return disparity[0], state
        disparity, state = self.unclamped(latents, state)
        return disparity.clamp(0, 1), state

    def unclamped(self, latents: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """As `stream` of [B,C,n,h,w], but what lies outside 0..1 stays: for training."""
        memory = Memory(state)
        frames = latents.transpose(1, 2)
        x = self.enter(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        for part in self.parts:
            x = part(x, memory)
        shape = x.shape[:2]
        planes = self.leave(x.flatten(0, 1)).float()
        if self.sizes.patch > 1:
            planes = functional.pixel_shuffle(planes, self.sizes.patch)
        return planes[:, 0].unflatten(0, shape), memory.state

"""How long a regressor takes for a window, stage by stage, and for a stream of frames."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvd_ros.regressor import Regressor
from dvd_ros.regressor.protocol import STAGES
from dvd_ros.stream import DepthStream, Frame, StreamConfig


@dataclass(frozen=True)
class WindowTiming:
    """
    What one window costs.

    stages: seconds of each of STAGES. flops: of the window, None where they were not counted.
    memory: peak of the process, bytes, None where the system does not tell.
    """

    label: str
    window: int
    overlap: int
    stages: dict[str, float]
    flops: int | None
    memory: int | None

    @property
    def total(self) -> float:
        """Seconds of the window."""
        return sum(self.stages.values())

    @property
    def published(self) -> int:
        """Frames that a window publishes in a stream."""
        return self.window - self.overlap

    @property
    def per_frame(self) -> float:
        """Seconds per published frame."""
        return self.total / self.published


def noise(frames: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Images uint8 [T,H,W,3], one picture of noise: no stage's time depends on what they show."""
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    # Pictures of their own would be so many cuts to another scene.
    return np.repeat(picture[None], frames, axis=0)


def time_window(regressor: Regressor, label: str, window: int, overlap: int,
                size: tuple[int, int], *, repeats: int = 5, flops: int | None = None,
                ) -> WindowTiming:
    """
    Time `predict` on a window of images of `size` (H, W).

    The median of each stage over `repeats` calls after one that is not counted; a GPU is waited
    for at the end of each stage. Raises ValueError for an overlap or window that does not fit.
    """
    StreamConfig(window=window, overlap=overlap)
    if repeats < 1:
        raise ValueError(f'repeats must be at least 1, got {repeats}')
    images = noise(window, size)
    _restart_peak()
    regressor.predict(images)
    taken: dict[str, list[float]] = {stage: [] for stage in STAGES}
    last = 0.0

    def mark(stage: str) -> None:
        nonlocal last
        now = time.perf_counter()
        taken[stage].append(now - last)
        last = now

    regressor.on_stage = mark
    try:
        for _ in range(repeats):
            last = time.perf_counter()
            regressor.predict(images)
    finally:
        regressor.on_stage = None
    return WindowTiming(label, window, overlap,
                        {stage: float(np.median(values)) for stage, values in taken.items()},
                        flops, peak_memory())


def stream_rate(regressor: Regressor, window: int, overlap: int, size: tuple[int, int], *,
                windows: int = 4) -> float:
    """
    Published frames per second of a DepthStream that is fed as fast as it takes frames.

    All work of a live camera's frame is in it but the messages; the first window, which
    publishes more frames than the others, is not counted.
    """
    config = StreamConfig(window=window, overlap=overlap)
    stream = DepthStream(regressor, config)
    images = noise(window + windows * config.most_new, size)
    frames = [Frame(image, i * 33_000_000) for i, image in enumerate(images)]
    for frame in frames[:window]:
        stream.push(frame)
    start = time.perf_counter()
    published = sum(len(stream.push(frame)) for frame in frames[window:])
    return published / (time.perf_counter() - start)


def peak_flops(size: int = 2048, seconds: float = 1.0) -> float:
    """FLOPs per second of this machine's processor in a product of large float32 matrices."""
    one = np.random.default_rng(0).standard_normal((size, size), np.float32)
    other, best = one.T.copy(), np.inf
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or best == np.inf:
        start = time.perf_counter()
        one @ other
        best = min(best, time.perf_counter() - start)
    return 2 * size ** 3 / best


def peak_flops_cuda(dtype: str, device: str = 'cuda', size: int = 8192) -> float:
    """FLOPs per second of a GPU in a product of large matrices of torch's `dtype`, without TF32."""
    import torch
    one = torch.randn(size, size, device=device, dtype=getattr(torch, dtype))
    best = np.inf
    for _ in range(10):
        torch.cuda.synchronize()
        start = time.perf_counter()
        one @ one
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return float(2 * size ** 3 / best)


def peak_memory() -> int | None:
    """
    Most memory that this process had since its start or the last window was timed, bytes.

    Of the GPU where torch has used one, else of the host; None where the system does not tell.
    """
    torch = sys.modules.get('torch')
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return int(torch.cuda.max_memory_allocated())
    try:
        status = Path('/proc/self/status').read_text()
    except OSError:
        return None
    lines = [line for line in status.splitlines() if line.startswith('VmHWM')]
    return 1024 * int(lines[0].split()[1]) if lines else None


def _restart_peak() -> None:
    torch = sys.modules.get('torch')
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    try:
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:  # not Linux, or not allowed: the peak is then that since the start
        pass


def table(timings: Iterable[WindowTiming], peak: float) -> str:
    """
    Lay out timings as text, each beside its ratio to the last one, in ms per published frame.

    peak: FLOPs per second that the device reaches.
    """
    rows = list(timings)
    lines = [f'{"":26}{"window":>8}' + ''.join(f'{stage:>10}' for stage in STAGES)
             + f'{"ms/window":>11}{"ms/frame":>10}{"GFLOP/fr":>10}{"of peak":>9}{"peak MB":>9}'
             + f'{"speed-up":>10}']
    for row in rows:
        work = '-' if row.flops is None else f'{row.flops / row.published / 1e9:.1f}'
        part = '-' if row.flops is None else f'{row.flops / row.total / peak:.0%}'
        memory = '-' if row.memory is None else f'{row.memory / 1e6:.0f}'
        lines.append(
            f'{row.label:26}{f"{row.window}/{row.overlap}":>8}'
            + ''.join(f'{1e3 * row.stages[stage]:10.1f}' for stage in STAGES)
            + f'{1e3 * row.total:11.1f}{1e3 * row.per_frame:10.2f}{work:>10}{part:>9}{memory:>9}'
            + f'{rows[-1].per_frame / row.per_frame:9.2f}x')
    return '\n'.join(lines)

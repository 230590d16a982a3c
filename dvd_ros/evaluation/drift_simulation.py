"""Windows of a simulated depth model with known scale and shift, for hours of stream.

True disparity evolves smoothly; every window sees it through a scale and shift of its own and
adds noise that is smooth over the image, half of its variance shared by the window's frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Content is this far apart on average, about this centre: what a 0..1 disparity allows.
CENTRE, SPREAD = 0.5, 0.2
# Sinusoids per control point, and their periods in frames.
_WAVES, _PERIODS = 4, (60.0, 400.0)
# Pixels between control points; side of an outlier block.
_GRID, _BLOCK = 4, 4
# Content stays within CENTRE +- _REACH; _WIDER makes up for the spread that this costs.
_REACH, _WIDER = 0.48, 1.3
_BATCH = 48


@dataclass(frozen=True)
class DriftCase:
    """
    What a simulated model does to the truth.

    Parameters
    ----------
    noise
        Standard deviation of a window's noise, in disparity.
    noisier
        Factor on the noise of the noisier windows.
    noisier_at
        Which they are: 'never', 'alternate', 'random' (half of them), or 'early', the frames at
        the front of every window, falling to the plain noise at its last frame.
    scale_sd, shift_sd
        Of the windows' own scale and shift.
    outliers
        Share of the image, in blocks, that shows something else in every window and frame.
    outlier_bias
        Not 0: those blocks are not something else but so much nearer, and only in the frames
        that a window shares with the one before.
    cut_every
        Windows per scene, 0 for one scene. The overlap of the first window of a scene has nothing
        to do with the end of the window before.
    follow_content
        Scale and shift bring the content's range in the window to one and the same range, while
        that range varies by a third over some hundred windows; scale_sd, shift_sd do not count.
    place_gain, place_level
        What gain (as a factor, about the content's centre) and level lose and gain from the first
        frame of a window to its last, the middle one as it is.

    """

    noise: float = 0.01
    noisier: float = 2.0
    noisier_at: str = 'never'
    scale_sd: float = 0.05
    shift_sd: float = 0.02
    outliers: float = 0.0
    outlier_bias: float = 0.0
    cut_every: int = 0
    follow_content: bool = False
    place_gain: float = 0.0
    place_level: float = 0.0


CASES = {
    'clean': DriftCase(),
    'no noise': DriftCase(noise=0.0),
    'noisy': DriftCase(noise=0.02),
    'unequal, alternating': DriftCase(noisier_at='alternate'),
    'unequal, at random': DriftCase(noisier_at='random'),
    'unequal by place': DriftCase(noisier_at='early'),
    'outliers': DriftCase(outliers=0.1),
    'biased outliers': DriftCase(outliers=0.1, outlier_bias=0.2),
    'cuts': DriftCase(cut_every=50),
    'follows content': DriftCase(follow_content=True),
    'gain by place': DriftCase(place_gain=-0.1, place_level=0.02),
}


@dataclass(frozen=True)
class Shape:
    """Frames per window, new ones among them, and the map's height and width in pixels."""

    window: int = 13
    stride: int = 8
    height: int = 24
    width: int = 32

    @property
    def overlap(self) -> int:
        """Frames that a window shares with the one before."""
        return self.window - self.stride


@dataclass(frozen=True, eq=False)
class SimulatedWindow:
    """
    What a model says of a window: raw = gain * truth + level + noise and outliers.

    raw float32 [T,H,W]; gain, level float64 [T] by frame; ``cut`` where a scene begins that is
    not the first.
    """

    raw: np.ndarray
    gain: np.ndarray
    level: np.ndarray
    cut: bool


def simulate(case: DriftCase, windows: int, seed: int,
             shape: Shape | None = None) -> Iterator[SimulatedWindow]:
    """Give the windows of a stream one by one; those of a seed are always the same."""
    shape = shape or Shape()
    rng = np.random.default_rng(seed)
    basis = _smooth_basis(shape.height, shape.width)
    content = _Content(rng, basis, case.follow_content)
    scene = 0
    for first in range(0, windows, _BATCH):
        count = min(_BATCH, windows - first)
        index = first + np.arange(count)
        scenes = index // case.cut_every if case.cut_every else np.zeros(count, int)
        frames = index[:, None] * shape.stride + np.arange(shape.window)
        truth = np.empty((count, shape.window, len(basis)), np.float32)
        for number in np.unique(scenes):
            if number != scene:
                content, scene = _Content(rng, basis, case.follow_content), number
            shown = frames[scenes == number]
            truth[scenes == number] = content.at(
                np.arange(shown[0, 0], shown[-1, -1] + 1))[shown - shown[0, 0]]
        gain, level = _gain_and_level(case, truth, rng)
        raw = truth * gain[..., None].astype(np.float32) + level[..., None].astype(np.float32)
        raw += _noise(case, index, shape, basis, rng)
        if case.outliers:
            _add_outliers(raw.reshape(*frames.shape, shape.height, shape.width), case, shape, rng)
        raw = raw.reshape(*frames.shape, shape.height, shape.width)
        cuts = np.diff(scenes, prepend=scenes[0]) > 0
        cuts[0] = bool(first and case.cut_every and first % case.cut_every == 0)
        for i in range(count):
            yield SimulatedWindow(raw[i], gain[i], level[i], bool(cuts[i]))


class _Content:
    """True disparity of a scene at any frame: control points that swing each by itself."""

    def __init__(self, rng: np.random.Generator, basis: np.ndarray, breathing: bool) -> None:
        points = basis.shape[1]
        low, high = np.log(_PERIODS)
        self._speed = 2 * np.pi / np.exp(rng.uniform(low, high, (_WAVES, points)))
        self._phase = rng.uniform(0, 2 * np.pi, (_WAVES, points))
        self._breath = rng.uniform(0, 2 * np.pi, 2) if breathing else None
        # The basis has variance 1 at each pixel; what all pixels share is no spread.
        shared = np.square(basis.mean(axis=0)).sum()
        self._basis = basis * (SPREAD / np.sqrt(1.0 - shared))

    def at(self, frames: np.ndarray) -> np.ndarray:
        """Give float32 [N, pixels] of frames [N]."""
        points = np.zeros((frames.size, self._basis.shape[1]))
        for speed, phase in zip(self._speed, self._phase, strict=True):
            points += np.cos(frames[:, None] * speed + phase)
        points *= np.sqrt(2.0 / _WAVES)
        middle = np.full(frames.size, CENTRE)
        if self._breath is not None:
            # Over 3200 and 2000 frames: 400 and 250 windows of the default stride.
            time = 2 * np.pi * frames
            points *= np.exp(0.33 * np.sin(time / 3200 + self._breath[0]))[:, None]
            middle += 0.05 * np.sin(time / 2000 + self._breath[1])
        values = (points @ self._basis.T + middle[:, None]).astype(np.float32)
        if self._breath is None:
            # A model gives 0..1; softly, as a clamp would be a scale of its own.
            values = CENTRE + _REACH * np.tanh((values - CENTRE) * (_WIDER / _REACH))
        return values


def _smooth_basis(height: int, width: int) -> np.ndarray:
    """Gaussian bumps [pixels, control points]; rows of norm 1, so white noise stays of sd 1."""
    y, x = np.mgrid[0:height, 0:width].reshape(2, -1, 1)
    cy, cx = np.mgrid[_GRID / 2:height:_GRID, _GRID / 2:width:_GRID].reshape(2, 1, -1)
    bumps = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * _GRID ** 2))
    return bumps / np.linalg.norm(bumps, axis=1, keepdims=True)


def _gain_and_level(case: DriftCase, truth: np.ndarray,
                    rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Gain and level [windows, T] by which truth [windows, T, pixels] is seen."""
    count, length = truth.shape[:2]
    if case.follow_content:
        low, high = truth.min(axis=(1, 2)), truth.max(axis=(1, 2))
        # Content of this spread reaches about so far over a window's frames.
        scale = 2 * 2.4 * SPREAD / (high - low)
        shift = CENTRE - scale * (high + low) / 2
    else:
        scale = 1.0 + case.scale_sd * rng.standard_normal(count)
        shift = case.shift_sd * rng.standard_normal(count)
    place = np.arange(length) / max(length - 1, 1) - 0.5
    by_place = 1.0 + case.place_gain * place
    return (scale[:, None] * by_place,
            shift[:, None] * by_place + CENTRE * (1.0 - by_place) + case.place_level * place)


def _noise(case: DriftCase, index: np.ndarray, shape: Shape, basis: np.ndarray,
           rng: np.random.Generator) -> np.ndarray:
    """Noise float32 [windows, T, pixels]."""
    count, length, points = len(index), shape.window, basis.shape[1]
    white = rng.standard_normal((count, length, points), np.float32)
    white += rng.standard_normal((count, 1, points), np.float32)
    louder = np.ones((count, length), np.float32)
    if case.noisier_at == 'alternate':
        louder[index % 2 == 1] = case.noisier
    elif case.noisier_at == 'random':
        louder[rng.random(count) < 0.5] = case.noisier
    elif case.noisier_at == 'early':
        louder *= np.linspace(case.noisier, 1.0, length)
    elif case.noisier_at != 'never':
        raise ValueError(f'noisier_at must be never, alternate, random or early, '
                         f'got {case.noisier_at!r}')
    white *= (case.noise * np.sqrt(0.5) * louder)[..., None]
    return (white.reshape(-1, points) @ basis.T.astype(np.float32)).reshape(count, length, -1)


def _add_outliers(raw: np.ndarray, case: DriftCase, shape: Shape,
                  rng: np.random.Generator) -> None:
    """Put outliers into raw [windows, T, H, W]."""
    rows, columns = -(-shape.height // _BLOCK), -(-shape.width // _BLOCK)
    grid = (*raw.shape[:2], rows, columns)
    hit = rng.random(grid, np.float32) < case.outliers
    if case.outlier_bias:
        hit[:, shape.overlap:] = False
    values = rng.random(grid, np.float32)

    def pixels(blocks: np.ndarray) -> np.ndarray:
        blocks = blocks.repeat(_BLOCK, axis=2).repeat(_BLOCK, axis=3)
        return blocks[:, :, :shape.height, :shape.width]

    if case.outlier_bias:
        raw += pixels(hit * np.float32(case.outlier_bias))
    else:
        np.copyto(raw, pixels(values), where=pixels(hit))

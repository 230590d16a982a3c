"""The windows of a rendered walk as a model sees them: rendered and run once, kept in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dvd_ros.evaluation.align import true_disparity
from dvd_ros.evaluation.lap_drift import WalkWindow
from dvd_ros.regressor import Regressor
from dvd_ros.stream import StreamConfig
from dvd_ros.training.walk import Walk, WalkConfig

# Frames, and windows, per file.
_FRAMES, _WINDOWS = 200, 25


class WalkWindows:
    """
    The windows of a live stream over the walk, at the node's window and stride.

    ``cache``: a folder for the walk's frames and the model's windows; what it has is read, the
    rest is rendered, run and written, so that an interrupted run goes on where it stopped. With
    or without it disparity is rounded to float16.

    Raises ValueError where the folder holds another walk.
    """

    def __init__(self, config: WalkConfig, regressor: Regressor, cache: Path | None) -> None:
        self._config, self._regressor, self._cache = config, regressor, cache
        self._stream = StreamConfig()
        self._walk: Walk | None = None
        self._shard: tuple[int, dict[str, np.ndarray]] = (-1, {})
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
            # Its length is no matter: a longer walk begins as a shorter one does.
            settings, kept = cache / 'walk.json', {**asdict(config), 'frames': 0}
            if settings.exists() and {**json.loads(settings.read_text()), 'frames': 0} != kept:
                raise ValueError(f'{cache} holds another walk than {config}: choose another')
            settings.write_text(json.dumps(kept))

    def __len__(self) -> int:
        """Return the number of full windows."""
        return (self._config.frames - self._stream.window) // self._stream.most_new + 1

    def __iter__(self) -> Iterator[WalkWindow]:
        """Give window after window."""
        size, stride = self._stream.window, self._stream.most_new
        context: list[np.ndarray] = []
        for start in range(0, len(self), _WINDOWS):
            count = min(_WINDOWS, len(self) - start)
            path = self._path(f'raw_{self._regressor.name}', start)
            raws = np.load(path)['raw'] if path and path.exists() else None
            if raws is not None and len(raws) < count:
                raws = None
            made = []
            for index in range(start, start + count):
                new = stride if index else size
                first = index * stride + size - new
                frames = [self._frame(i) for i in range(first, first + new)]
                if raws is None:
                    if len(context) < size - new:
                        context = [self._frame(i)[0] for i in range(first - size + new, first)]
                    context = [*context, *(image for image, _ in frames)][-size:]
                    raw = self._regressor.predict(np.stack(context)).astype(np.float16)
                    made.append(raw)
                else:
                    raw, context = raws[index - start], []
                yield WalkWindow(raw.astype(np.float32), new,
                                 np.stack([t for _, t in frames]).astype(np.float32), first)
            if made and path:
                _save(path, raw=np.stack(made))

    def _frame(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Image uint8 [H,W,3] and inverse depth float16 [H,W]."""
        start = index // _FRAMES * _FRAMES
        if self._shard[0] != start:
            path = self._path('frames', start)
            if path and path.exists():
                with np.load(path) as file:
                    self._shard = start, dict(file)
            else:
                self._walk = self._walk or Walk(self._config)
                frames = [self._walk.frame(i) for i in range(start, start + _FRAMES)]
                self._shard = start, {
                    'images': np.stack([f.image for f in frames]),
                    'truth': true_disparity(np.stack([f.depth for f in frames])).astype(np.float16)}
                if path:
                    _save(path, **self._shard[1])
        held = self._shard[1]
        return held['images'][index - start], held['truth'][index - start]

    def _path(self, name: str, start: int) -> Path | None:
        return self._cache / f'{name}_{start:05d}.npz' if self._cache else None


def _save(path: Path, **arrays: np.ndarray) -> None:
    part = path.with_suffix('.part.npz')
    np.savez(part, **arrays)
    part.rename(path)

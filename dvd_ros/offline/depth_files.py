"""Depth images as files: 16-bit PNG, compressed npz or EXR."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from dvd_ros.geometry.millimetres import MOST_MILLIMETRES, millimetres


class DepthFiles:
    """
    Writes ``000000.png`` and so on into a folder, which it makes.

    kind: 'png' (uint16 [H,W] millimetres, 0: none), 'npz' (``depth``, float32 [H,W] metres, NaN:
    none, +Inf: too far) or 'exr' (the same, where this OpenCV can write it). ``too_far`` counts
    the finite pixels beyond 65.535 m, which a PNG cannot say.

    Raises ValueError for another kind, OSError where OpenCV has no EXR or a file cannot be written.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        writers: dict[str, Callable[[Path, np.ndarray], None]] = {
            'png': self._png, 'npz': self._npz, 'exr': _write}
        if kind not in writers:
            raise ValueError(f'depth must be one of {", ".join(writers)}, got {kind!r}')
        folder.mkdir(parents=True, exist_ok=True)
        if kind == 'exr':
            probe = folder / 'probe.exr'
            try:
                _write(probe, np.ones((2, 2), np.float32))
            except OSError as error:
                raise OSError('this OpenCV writes no EXR: set OPENCV_IO_ENABLE_OPENEXR=1 where it '
                              'was built with OpenEXR, or use npz') from error
            probe.unlink()
        self._folder, self._kind, self._write = folder, kind, writers[kind]
        self.too_far = 0

    def write(self, index: int, depth: np.ndarray) -> Path:
        """Write float32 [H,W] metres as the file of frame ``index``; return its path."""
        path = self._folder / f'{index:06d}.{self._kind}'
        self._write(path, depth)
        return path

    def _png(self, path: Path, depth: np.ndarray) -> None:
        self.too_far += int((np.isfinite(depth)
                             & (np.rint(depth * 1e3) > MOST_MILLIMETRES)).sum())
        _write(path, millimetres(depth))

    def _npz(self, path: Path, depth: np.ndarray) -> None:
        np.savez_compressed(path, depth=depth)


def _write(path: Path, pixels: np.ndarray) -> None:
    try:
        good = cv2.imwrite(str(path), pixels)
    except cv2.error as error:
        raise OSError(f'cannot write {path}: {error}') from error
    if not good:
        raise OSError(f'cannot write {path}')

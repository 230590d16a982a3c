"""A model that remembers on disk what it gave for each window, so that work can be resumed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from dvd_ros.stream.window_model import PreparingModel


class _Image:
    """An image that is prepared when a window first needs it."""

    def __init__(self, image: np.ndarray) -> None:
        self._image = image
        self._prepared: Any = None
        self._done = False
        self.digest = blake2b(np.ascontiguousarray(image).reshape(-1).data, digest_size=16,
                              key=repr(image.shape).encode()).digest()

    def prepared(self, model: PreparingModel) -> Any:
        if not self._done:
            self._prepared, self._done = model.prepare(self._image), True
        return self._prepared


class WindowMemory:
    """
    Computes each window once: a PreparingModel around another.

    A window is known by the pixels of its images and by ``identity``, so what was computed for
    other images or by another model is never taken. Files are complete or not there, whenever the
    process is killed.

    Parameters
    ----------
    model
        What computes a window that is not known.
    folder
        Where the windows are kept, float32 [T,H,W] each; it is made.
    identity
        What else the result depends on: the model, its weights, its backend.

    Raises
    ------
    OSError
        From `predict_prepared`, too, where a window cannot be written.

    """

    def __init__(self, model: PreparingModel, folder: Path, identity: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for rest in folder.glob('*.tmp'):
            rest.unlink()
        self._model, self._folder, self._identity = model, folder, identity.encode()
        self.computed = self.remembered = 0

    @property
    def window(self) -> int:
        """See PreparingModel."""
        return self._model.window

    def prepare(self, image: np.ndarray) -> _Image:
        """See PreparingModel; the model itself sees the image only if it must."""
        return _Image(image)

    def predict_prepared(self, prepared: Sequence[_Image]) -> np.ndarray:
        """See PreparingModel."""
        key = blake2b(self._identity, digest_size=16)
        for image in prepared:
            key.update(image.digest)
        path = self._folder / f'{key.hexdigest()}.npy'
        known = _load(path)
        if known is not None:
            self.remembered += 1
            return known
        raw = self._model.predict_prepared([image.prepared(self._model) for image in prepared])
        _save(path, raw)
        self.computed += 1
        return raw


def _load(path: Path) -> np.ndarray | None:
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (ValueError, EOFError):  # a power cut, after which it is computed anew
        return None


def _save(path: Path, raw: np.ndarray) -> None:
    unfinished = path.with_suffix('.tmp')
    try:
        with unfinished.open('wb') as file:
            np.save(file, raw, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise

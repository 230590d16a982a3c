"""What the stream asks of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np


class WindowModel(Protocol):
    """The least that a model must be able to do."""

    @property
    def window(self) -> int:
        """Most frames that it takes at once."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Turn uint8 [T,H,W,3] into float32 [T,H,W], relative disparity in 0..1."""


@runtime_checkable
class PreparingModel(Protocol):
    """
    A model that does its work on single images once, though they are in several windows.

    Every Regressor (dvd_ros.regressor) is one.
    """

    @property
    def window(self) -> int:
        """Most frames that it takes at once."""

    def prepare(self, image: np.ndarray) -> Any:
        """Make uint8 [H,W,3] ready for `predict_prepared`."""

    def predict_prepared(self, prepared: Sequence[Any]) -> np.ndarray:
        """Turn T prepared images of one size into float32 [T,H,W] as `predict` does."""


class Unprepared:
    """A plain WindowModel as a PreparingModel: it gets the images as they are."""

    def __init__(self, model: WindowModel) -> None:
        self._model = model

    @property
    def window(self) -> int:
        """See WindowModel."""
        return self._model.window

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Give the image itself."""
        return image

    def predict_prepared(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """See WindowModel.predict."""
        return self._model.predict(np.stack(prepared))

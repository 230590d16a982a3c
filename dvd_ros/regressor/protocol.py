"""What the stream asks of a depth network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

# What a window goes through, in this order: images to the network's input, the three networks,
# its output to disparity at the size of the images.
STAGES = ('pre', 'encode', 'transform', 'decode', 'post')
Mark = Callable[[str], None]


@runtime_checkable
class Regressor(Protocol):
    """
    A network that gives the relative disparity of a window of frames.

    name: what it is, for messages and diagnostics.
    window: most frames of one call, 4n+1.
    size: (H, W) in pixels that images are scaled to cover inside; None keeps their own size.
    on_stage: called in `predict` with the name of each of STAGES when all its work is done, on a
    GPU too, which then waits for each; None, as loaded, lets it run through.
    """

    name: str
    window: int
    size: tuple[int, int] | None
    on_stage: Mark | None

    def predict(self, images: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Give float32 [T,H,W] in 0..1, larger is nearer, at the size of the images.

        images: RGB [T,H,W,3], uint8 in 0..255 or float32 in 0..1, 1 <= T <= window, of any
        H and W; the regressor pads and scales by itself. Equal images give equal results.
        Raises TypeError for another dtype, ValueError for another shape, range or length.
        """
        ...


def unmarked(stage: str) -> None:
    """Mark nothing: what stands in where `on_stage` is None."""


def check_images(images: object, window: int) -> None:
    """Raise TypeError or ValueError unless `images` is what Regressor.predict takes."""
    if not isinstance(images, np.ndarray) or images.dtype not in (np.uint8, np.float32):
        got = images.dtype if isinstance(images, np.ndarray) else type(images).__name__
        raise TypeError(f'images are a numpy array of uint8 or of float32 in 0..1, got {got}')
    if images.ndim != 4 or images.shape[-1] != 3 or 0 in images.shape:
        raise ValueError(f'images are RGB [T,H,W,3], none of them 0, got {list(images.shape)}')
    if len(images) > window:
        raise ValueError(f'{len(images)} images are more than the window of {window}; '
                         'split them, or load the regressor with a longer window')

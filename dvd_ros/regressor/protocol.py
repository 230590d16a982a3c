"""What the stream asks of a depth network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

# What a window goes through, in this order: images to the network's input, the three networks,
# its output to disparity at the size of the images.
STAGES = ('pre', 'encode', 'transform', 'decode', 'post')
Mark = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """
    One image as a network takes it; good for the regressor that made it.

    content: the regressor's own. size: (H, W) of the image that it was made of.
    """

    content: Any
    size: tuple[int, int]


@runtime_checkable
class Regressor(Protocol):
    """
    A network that gives the relative disparity of a window of frames.

    name: what it is, for messages and diagnostics.
    window: most frames of one call, 4n+1.
    size: (H, W) in pixels that images are scaled to cover inside; None keeps their own size.
    on_stage: called in `predict_prepared` with the name of each of STAGES when all its work is
    done, on a GPU too, which then waits for each; None, as loaded, lets it run through.

    A stream of overlapping windows prepares each image once and passes what it got to
    `predict_prepared`; `predict` does both. A backend implements those two.
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
        _check_images(images, self.window)
        return self.predict_prepared([self.prepare(image) for image in images])

    def prepare(self, image: NDArray[np.uint8] | NDArray[np.float32]) -> PreparedImage:
        """
        Scale and normalise one RGB image [H,W,3], uint8 in 0..255 or float32 in 0..1.

        The result does not share memory with the image. Raises as `predict`.
        """
        ...

    def predict_prepared(self, prepared: Sequence[PreparedImage]) -> NDArray[np.float32]:
        """
        Give what `predict` gives for the images that were prepared, 1 <= T <= window of one size.

        Raises ValueError for another length, or where the sizes differ.
        """
        ...


def unmarked(stage: str) -> None:
    """Mark nothing: what stands in where `on_stage` is None."""


def _check_images(images: object, window: int) -> None:
    if not isinstance(images, np.ndarray) or images.dtype not in (np.uint8, np.float32):
        got = images.dtype if isinstance(images, np.ndarray) else type(images).__name__
        raise TypeError(f'images are a numpy array of uint8 or of float32 in 0..1, got {got}')
    if images.ndim != 4 or images.shape[-1] != 3 or 0 in images.shape:
        raise ValueError(f'images are RGB [T,H,W,3], none of them 0, got {list(images.shape)}')
    _check_length(len(images), window)


def check_image(image: object) -> None:
    """Raise TypeError or ValueError unless `image` is what Regressor.prepare takes."""
    _check_images(image[None] if isinstance(image, np.ndarray) else image, 1)


def check_prepared(prepared: Sequence[PreparedImage], window: int) -> tuple[int, int]:
    """Give the size (H, W) of the images; ValueError unless predict_prepared takes them."""
    if not prepared:
        raise ValueError('there must be at least 1 image, got none')
    _check_length(len(prepared), window)
    sizes = sorted({image.size for image in prepared})
    if len(sizes) > 1:
        names = ', '.join(f'{height}x{width}' for height, width in sizes)
        raise ValueError(f'the images of one window must be of one size, got {names}')
    return sizes[0]


def _check_length(count: int, window: int) -> None:
    if count > window:
        raise ValueError(f'{count} images are more than the window of {window}; '
                         'split them, or load the regressor with a longer window')

"""What goes into the depth stream and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.parallax.evidence import Told
from dvd_ros.scale.state import ScaleState
from dvd_ros.stream.alignment import Alignment
from dvd_ros.stream.confidence import confidence
from dvd_ros.stream.sampling import sample


@dataclass(frozen=True, eq=False)
class Frame:
    """
    One camera image.

    Parameters
    ----------
    image
        uint8 [H,W,3], RGB. The stream keeps it until its window is done: do not write to it.
    stamp
        Time of exposure, integer nanoseconds.
    frame_id
        Name of the camera's optical frame (REP-103: z forward, x right, y down).
    intrinsics
        Of this very image (same width and height), or None where they are not known.

    Raises
    ------
    ValueError
        If the image is empty or not uint8 [H,W,3], or the intrinsics are of another size.

    """

    image: np.ndarray
    stamp: int
    frame_id: str = ''
    intrinsics: Intrinsics | None = None

    def __post_init__(self) -> None:
        image = self.image
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 \
                or image.shape[2] != 3:
            got = (f'{image.dtype} {list(image.shape)}' if isinstance(image, np.ndarray)
                   else type(image).__name__)
            raise ValueError(f'a frame needs an RGB image, uint8 [H,W,3], got {got}')
        if image.size == 0:
            raise ValueError(f'a frame needs an image with pixels, got {list(image.shape)}')
        if self.intrinsics is not None and (
                self.intrinsics.height, self.intrinsics.width) != image.shape[:2]:
            raise ValueError(
                f'intrinsics are of a {self.intrinsics.width}x{self.intrinsics.height} image, the '
                f'frame has {image.shape[1]}x{image.shape[0]}; use Intrinsics.scaled first')

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """
    The depth of one frame, as published: never changed afterwards.

    Parameters
    ----------
    frame
        The frame it belongs to; its stamp and frame_id are the depth's own.
    disparity
        float32 [H,W] on the stream's common scale: 0 is farthest, about 1 nearest, never
        negative, NaN where there is none.
    depth
        float32 [H,W], metres along the optical axis; NaN where there is none, +inf where it is too
        far to be measured (REP-117). What the metres are worth, ``scale`` says.
    disagreement
        float32 [h,w] on the grid of `sample`: how much two windows differ, on the stream's scale,
        about this frame or about those before it; None where only one window saw any.
    segment
        Number of the segment; the scale is common to the frames of one segment only.
    window
        Number of the last window that took part in it, counted from the start of the stream.
    alignment
        How that window was brought to the stream's scale.
    scale
        How disparity was turned into metres, and whether they are known.
    told
        What parallax told, on a grid of its own; None: nothing.

    """

    frame: Frame
    disparity: np.ndarray
    depth: np.ndarray
    disagreement: np.ndarray | None
    segment: int
    window: int
    alignment: Alignment
    scale: ScaleState
    told: Told | None = None

    @property
    def stamp(self) -> int:
        """Stamp of the frame, integer nanoseconds."""
        return self.frame.stamp

    @cached_property
    def confidence(self) -> np.ndarray:
        """
        float32 [H,W] in 0..1: how likely depth is right within 25 %, given the best scale.

        0 where there is no disparity. Computed where it is asked for.
        """
        likely = confidence(sample(self.disparity), self.disagreement, self.frame.size,
                            self.told)
        return np.where(np.isfinite(self.disparity), likely, np.float32(0.0))

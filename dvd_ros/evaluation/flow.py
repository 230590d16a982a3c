"""Optical flow between frames, and what is left of a change of disparity once it is followed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# Flow is computed on images of at most this width: a pixel of motion there is one of a network's
# own input, and DIS takes some ms.
_WIDTH = 512
# Pairs with less of the picture seen in both are no measurement.
LEAST_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Flow:
    """
    Where the pixels of a frame were in the frame before.

    source: float32 [h,w,2], x and y there, in pixels of the flow's size. seen: bool [h,w], whether
    the same thing is seen in both. size: (height, width) of the images.
    """

    source: np.ndarray
    seen: np.ndarray
    size: tuple[int, int]

    def previous(self, values: np.ndarray) -> np.ndarray:
        """Bring the frame before, float [H,W] of the images' size, here; float32 [h,w]."""
        return _sampled(self.reduced(values), self.source)

    def reduced(self, values: np.ndarray) -> np.ndarray:
        """Scale float [H,W] of the images' size to that of the flow, float32 [h,w]."""
        if values.shape != self.size:
            raise ValueError(f'the flow is of images of {list(self.size)}, got '
                             f'{list(values.shape)}')
        return cv2.resize(np.asarray(values, np.float32), self.seen.shape[::-1],
                          interpolation=cv2.INTER_AREA)


class FlowEstimator:
    """
    Dense flow from each frame to the one before: DIS of OpenCV, forth and back.

    Pixels whose way there and back ends elsewhere are occluded, by the test of Sundaram et al.
    (ECCV 2010): |f + b|^2 < 0.01 (|f|^2 + |b|^2) + 0.5. So are those that leave the picture.
    """

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._last: np.ndarray | None = None
        self._size: tuple[int, int] | None = None

    def next(self, image: np.ndarray) -> Flow | None:
        """Take the next image, uint8 [H,W,3]; None for the first, and where the size changes."""
        size = (image.shape[0], image.shape[1])
        width = min(_WIDTH, size[1])
        small = cv2.resize(image, (width, max(round(width * size[0] / size[1]), 1)),
                           interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        last, same = self._last, size == self._size
        self._last, self._size = grey, size
        if last is None or not same:
            return None
        # OpenCV's stubs do not know that None makes the result.
        back = self._dis.calc(grey, last, None)  # type: ignore[call-overload]
        forth = self._dis.calc(last, grey, None)  # type: ignore[call-overload]
        grid = np.stack(np.meshgrid(np.arange(grey.shape[1], dtype=np.float32),
                                    np.arange(grey.shape[0], dtype=np.float32)), axis=-1)
        source = grid + back
        returned = _sampled(forth, source)
        error = ((back + returned) ** 2).sum(axis=-1)
        length = (back ** 2).sum(axis=-1) + (returned ** 2).sum(axis=-1)
        inside = ((source >= 0.0) & (source <= np.array(grey.shape[::-1]) - 1.0)).all(axis=-1)
        return Flow(source, inside & (error < 0.01 * length + 0.5), size)


def warping_error(flow: Flow, previous: np.ndarray, current: np.ndarray) -> float:
    """
    Return the mean absolute change of disparity along the flow.

    ``previous`` and ``current``: float [H,W], NaN where there is none. After Lai et al., Learning
    Blind Video Temporal Consistency (ECCV 2018), with |x| for its square. It holds what disparity
    truly changed, too, when things come nearer: compare it between predictions of the same frames.
    NaN where less than a tenth of the picture can be compared.
    """
    change = np.abs(flow.reduced(current) - flow.previous(previous))
    compared = flow.seen & np.isfinite(change)
    return float(change[compared].mean()) if compared.mean() >= LEAST_SHARE else float('nan')


def _sampled(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    return cv2.remap(values, np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1]),
                     cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

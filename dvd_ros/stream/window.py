"""Collects frames into overlapping windows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dvd_ros.stream.config import check_window
from dvd_ros.stream.frame import Frame


@dataclass(frozen=True, eq=False)
class Window:
    """
    Frames for one run of the model.

    Parameters
    ----------
    frames
        T frames of one size, oldest first.
    new
        How many at the end were in no window before; the others are context.
    index
        Number of the window, from 0.

    """

    frames: tuple[Frame, ...]
    new: int
    index: int

    def images(self) -> np.ndarray:
        """Return the images, uint8 [T,H,W,3] RGB."""
        return np.stack([frame.image for frame in self.frames])


class WindowBuffer:
    """
    Holds the last ``size`` frames and says when ``stride`` of them are new.

    Never holds more than ``size`` frames. Raises ValueError unless size is 4n+1 and
    1 <= stride <= size.
    """

    def __init__(self, size: int, stride: int) -> None:
        check_window(size)
        if not 1 <= stride <= size:
            raise ValueError(f'stride must be in 1..size = 1..{size} frames, got {stride}')
        self._stride = stride
        self._frames: deque[Frame] = deque(maxlen=size)
        self._index = 0
        self._new = 0

    def __len__(self) -> int:
        """Return the number of frames that were in no window yet."""
        return self._new

    def push(self, frame: Frame) -> Window | None:
        """Take a frame; return the window that it completes, the first one when full."""
        self._frames.append(frame)
        self._new += 1
        full = len(self._frames) == self._frames.maxlen
        first = self._new == len(self._frames)
        return self._window() if full and (first or self._new == self._stride) else None

    def rest(self) -> Window | None:
        """
        Return a last window with the frames that were in none yet, or None if there are none.

        It goes back to older frames to be full; only a run shorter than a window gives less.
        """
        return self._window() if self._new else None

    def clear(self) -> None:
        """Forget all frames; the numbering of windows goes on."""
        self._frames.clear()
        self._new = 0

    def _window(self) -> Window:
        window = Window(tuple(self._frames), self._new, self._index)
        self._index += 1
        self._new = 0
        return window

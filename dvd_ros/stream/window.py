"""Collects frames into overlapping windows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

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
    prepared
        What was pushed with each of them: its image as the model takes it.
    new
        How many at the end were in no window before; the others are context.
    index
        Number of the window, from 0.

    """

    frames: tuple[Frame, ...]
    prepared: tuple[Any, ...]
    new: int
    index: int


class WindowBuffer:
    """
    Holds the last ``size`` frames and says when ``stride`` of them are new.

    Never holds more than ``size`` frames. Raises ValueError unless size is 4n+1 and
    1 <= stride <= size, also where ``stride`` is set later.
    """

    def __init__(self, size: int, stride: int) -> None:
        check_window(size)
        self._size = size
        self.stride = stride
        self._frames: deque[tuple[Frame, Any]] = deque(maxlen=size)
        self._index = 0
        self._new = 0

    def __len__(self) -> int:
        """Return the number of frames that were in no window yet."""
        return self._new

    @property
    def stride(self) -> int:
        """New frames per window; where it is set, from the next frame on."""
        return self._stride

    @stride.setter
    def stride(self, stride: int) -> None:
        if not 1 <= stride <= self._size:
            raise ValueError(f'stride must be in 1..size = 1..{self._size} frames, got {stride}')
        self._stride = stride

    def push(self, frame: Frame, prepared: Any) -> Window | None:
        """
        Take a frame; return the window that it completes, the first one when full.

        ``prepared`` is what the model made of its image; it is kept as long as the frame.
        """
        self._frames.append((frame, prepared))
        self._new += 1
        full = len(self._frames) == self._size
        # More are new than the stride where it was set to less on the way.
        return self._window() if full and self._new >= self._stride else None

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
        frames, prepared = zip(*self._frames, strict=True)
        window = Window(frames, prepared, self._new, self._index)
        self._index += 1
        self._new = 0
        return window

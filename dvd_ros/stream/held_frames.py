"""Where windows meet: frames wait for the next window, or take over the last one's depth softly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.stream.alignment import Alignment
from dvd_ros.stream.frame import Frame
from dvd_ros.stream.sampling import sample
from dvd_ros.stream.window import Window


@dataclass(frozen=True, eq=False)
class Estimate:
    """
    A frame's disparity, and what it is from.

    disparity: float32 [H,W] on the stream's scale. disagreement: float32 [h,w] on the grid of
    `sample`, between two windows about this frame or about those before it; None where only one
    window saw any. window, alignment: of the last window that took part.
    """

    frame: Frame
    disparity: np.ndarray
    disagreement: np.ndarray | None
    window: int
    alignment: Alignment


class HeldFrames:
    """
    Holds the newest ``count`` frames back and blends them with the window that follows.

    The weight of the later window rises linearly over the held frames, from its oldest to its
    newest, so that nothing jumps where windows meet.

    With ``count`` 0 frames pass at once. Two windows that saw the last published frame differ
    about it, pixel by pixel; what they differ by is then added to the frames that follow, less
    with each, and none after ``fade`` of them (0: the jump stays). So no frame waits, and
    nothing jumps either.

    Both may be set at any time, for the windows that follow.
    """

    def __init__(self, count: int, fade: int = 0) -> None:
        self.count = count
        self.fade = fade
        self._held: list[Estimate] = []
        self._last: Estimate | None = None  # that was given out

    def __len__(self) -> int:
        return len(self._held)

    def add(self, window: Window, raw: np.ndarray, alignment: Alignment) -> list[Estimate]:
        """
        Take a window with its raw disparity [T,H,W]; return what is ready, oldest first.

        Frames of an earlier segment are not blended.
        """
        first = len(raw) - window.new
        held = self.release()
        if held and held[-1].alignment.segment == alignment.segment:
            held = [_blend(old, alignment.apply(raw[first - len(held) + i][None])[0],
                           (i + 1) / (len(held) + 1), window.index, alignment)
                    for i, old in enumerate(held)]
        disparity = list(alignment.disparity)
        if first and not self.count and self._follows(window.frames[first - 1], alignment):
            disparity = self._faded(disparity, alignment.apply(raw[first - 1][None])[0])
        held += [Estimate(frame, values, alignment.disagreement, window.index, alignment)
                 for frame, values in zip(window.frames[first:], disparity, strict=True)]
        ready = len(held) - self.count
        # An earlier segment's frames have nothing to wait for.
        while ready < len(held) and held[max(ready, 0)].alignment.segment != alignment.segment:
            ready += 1
        ready = max(ready, 0)
        self._held = held[ready:]
        self._last = held[ready - 1] if ready else self._last
        return held[:ready]

    def _follows(self, frame: Frame, alignment: Alignment) -> bool:
        """Whether ``frame`` was the last that was given out, in the segment of ``alignment``."""
        last = self._last
        return (last is not None and last.frame is frame
                and last.alignment.segment == alignment.segment)

    def _faded(self, disparity: list[np.ndarray], again: np.ndarray) -> list[np.ndarray]:
        """Disparity that begins where the last frame's ended; ``again`` is the new one of that."""
        assert self._last is not None
        jump = self._last.disparity - again
        for index in range(min(self.fade, len(disparity))):
            weight = np.float32(1 - (index + 1) / (self.fade + 1))
            disparity[index] = np.maximum(disparity[index] + weight * jump, np.float32(0.0))
        return disparity

    def release(self) -> list[Estimate]:
        """Give the frames that are held, as they are."""
        held, self._held = self._held, []
        return held


def _blend(old: Estimate, again: np.ndarray, weight: float, window: int,
           alignment: Alignment) -> Estimate:
    """Mix a held frame with what a later window says of it, ``again`` [H,W]."""
    mixed = old.disparity * np.float32(1.0 - weight) + again * np.float32(weight)
    return Estimate(old.frame, mixed, np.abs(sample(old.disparity) - sample(again)), window,
                    alignment)

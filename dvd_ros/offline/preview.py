"""A video of image and coloured depth side by side."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dvd_ros.evaluation.contact_sheet import colour_depth


class Preview:
    """
    Writes an mp4; colours go from ``near`` (red) to ``far`` (blue) metres in all frames.

    Images of another size than the first are scaled to it. Raises OSError where OpenCV cannot
    write the video.
    """

    def __init__(self, path: Path, rate: float, near: float, far: float) -> None:
        self._path, self._rate, self._near, self._far = path, rate, near, far
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, image: np.ndarray, depth: np.ndarray) -> None:
        """Add a frame: uint8 [H,W,3] RGB and float [H,W] metres."""
        if self._writer is None:
            # Codecs want even sizes.
            self._size = image.shape[1] // 2 * 2, image.shape[0] // 2 * 2
            self._writer = cv2.VideoWriter(
                str(self._path), cv2.VideoWriter.fourcc(*'mp4v'), self._rate,
                (2 * self._size[0], self._size[1]))
            if not self._writer.isOpened():
                raise OSError(f'OpenCV cannot write the video {self._path}; --no-preview does '
                              'without')
        both = [cv2.resize(image, self._size, interpolation=cv2.INTER_AREA),
                cv2.resize(colour_depth(depth, self._near, self._far), self._size,
                           interpolation=cv2.INTER_NEAREST)]
        self._writer.write(cv2.cvtColor(np.hstack(both), cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """End the file."""
        if self._writer is not None:
            self._writer.release()

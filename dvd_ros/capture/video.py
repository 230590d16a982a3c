"""Video files, cameras and network streams, through OpenCV."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from dvd_ros.capture.source import DEFAULT_RATE, Capture, check_rate
from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.stream.frame import Frame


class VideoFile(Capture):
    """
    A video file; stamps are frame number / rate.

    Raises FileNotFoundError if there is no such file, ValueError if it cannot be decoded.
    """

    def __init__(self, path: str | Path, rate: float | None = None, frame_id: str = '',
                 intrinsics: Intrinsics | None = None) -> None:
        check_rate(rate)
        self._path = Path(path)
        if not self._path.is_file():
            raise FileNotFoundError(f'there is no video file {path}')
        self._frame_id = frame_id
        self.name = self._path.stem
        self.intrinsics = intrinsics
        video = self._open()
        stated = video.get(cv2.CAP_PROP_FPS)
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        readable = video.grab()
        video.release()
        if not readable:
            raise ValueError(f'{path} opens as a video but has no frame that can be decoded')
        self.rate = rate or (stated if 0.0 < stated < 1e4 else DEFAULT_RATE)
        self.length = count if count > 0 else None

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; a video cut short just ends."""
        video = self._open()
        try:
            index = 0
            while True:
                good, image = video.read()
                if not good:
                    return
                yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB),
                            round(index * 1e9 / self.rate), self._frame_id,
                            self.intrinsics and self.intrinsics.scaled(
                                image.shape[1], image.shape[0]))
                index += 1
        finally:
            video.release()

    def _open(self) -> cv2.VideoCapture:
        video = cv2.VideoCapture(str(self._path))
        if not video.isOpened():
            raise ValueError(f'{self._path} does not open as a video: it is damaged, or its format '
                             'is unknown to OpenCV; converting it to H.264 in .mp4 helps')
        return video


class LiveCamera(Capture):
    """
    A camera device (number or path) or a network stream (URL); stamps are the time of arrival.

    Raises OSError if it does not open or gives no image.
    """

    live = True

    def __init__(self, source: int | str, rate: float | None = None, frame_id: str = '') -> None:
        check_rate(rate)
        self._source = source
        self._frame_id = frame_id
        self._asked = rate
        self.name = (f'camera{source}' if isinstance(source, int)
                     else source.rstrip('/').rsplit('/', 1)[-1])
        camera = self._open()
        stated = camera.get(cv2.CAP_PROP_FPS)
        camera.release()
        self.rate = rate or (stated if 0.0 < stated < 1e4 else DEFAULT_RATE)

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames until the camera stops giving any, then raise OSError."""
        camera = self._open()
        try:
            while True:
                good, image = camera.read()
                if not good:
                    raise OSError(f'camera {self._source} gives no more images; is it unplugged?')
                yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), time.time_ns(),
                            self._frame_id)
        finally:
            camera.release()

    def _open(self) -> cv2.VideoCapture:
        camera = cv2.VideoCapture(self._source)
        if not camera.isOpened():
            raise OSError(f'camera {self._source} does not open; is it there, free, and may this '
                          'user read it (group video)?')
        if self._asked:
            camera.set(cv2.CAP_PROP_FPS, self._asked)
        # An old image is worse than none.
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return camera

"""One door for every source of frames."""

from __future__ import annotations

import re
from pathlib import Path

from dvd_ros.capture.demo_clip import is_clip
from dvd_ros.capture.folder import ClipFolder, ImageFolder, RgbdFolder
from dvd_ros.capture.source import Capture
from dvd_ros.capture.video import LiveCamera, VideoFile


def open_capture(source: int | str | Path, rate: float | None = None,
                 frame_id: str = 'camera_optical_frame') -> Capture:
    """
    Open a source of frames.

    Parameters
    ----------
    source
        A video file; a camera (0, '0' or '/dev/video0'); a network stream (a URL); a folder with
        images, with an RGB-D recording in TUM layout, or with a clip written by write_clip.
    rate
        Frames per second, instead of the source's own; a camera is asked to give it.
    frame_id
        Of all its frames.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If it is there but holds no frames that can be read, or rate is not positive.
    OSError
        If a camera does not open.

    """
    text = str(source)
    if isinstance(source, int) or text.isdigit():
        return LiveCamera(int(text), rate, frame_id)
    if re.match(r'[a-z][a-z0-9+.-]*://', text) or text.startswith('/dev/'):
        return LiveCamera(text, rate, frame_id)
    path = Path(source).expanduser()
    if not path.exists():
        raise FileNotFoundError(f'there is no {path}: give a video file, a camera such as '
                                '/dev/video0, or a folder with images')
    if path.is_file():
        return VideoFile(path, rate, frame_id)
    if is_clip(path):
        return ClipFolder(path, rate, frame_id)
    if (path / 'associations.txt').is_file() or (path / 'rgb.txt').is_file():
        return RgbdFolder(path, rate, frame_id)
    return ImageFolder(path, rate, frame_id)

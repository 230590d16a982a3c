"""
Small clips with true depth that can ship inside a repository: writing and reading.

A clip is a folder:

- ``camera.json``: rate (Hz), frames, and the intrinsics width, height, fx, fy, cx, cy (pixels);
- ``clip.mp4``: the images;
- ``clip_depth.npz``: true depth of every ``step``-th pixel. Inverse depth is affine over a plane
  in the image, so quantised inverse depth is stored as its mixed second difference (nearly all
  zero in scenes of planes), zigzag-coded, low and high bytes apart, in xz.
"""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics

CAMERA, VIDEO, DEPTH = 'camera.json', 'clip.mp4', 'clip_depth.npz'
# Levels of inverse depth: at most 0.2 % error over a range of depths of 1 to 20.
_LEVELS = 2047
_CODECS = ('vp09', 'mp4v')


def is_clip(folder: Path) -> bool:
    """Tell whether a folder holds a clip of this layout."""
    return all((folder / name).is_file() for name in (CAMERA, VIDEO, DEPTH))


def write_clip(folder: str | Path, images: np.ndarray, depth: np.ndarray, intrinsics: Intrinsics,
               rate: float, depth_step: int = 2, max_bytes: int = 1_500_000) -> int:
    """
    Write a clip and return its size in bytes.

    Parameters
    ----------
    folder
        Made where it does not exist; files of an earlier clip are replaced.
    images
        uint8 [T,H,W,3] RGB, H and W even.
    depth
        float [T,H,W], metres along the optical axis; not finite or not positive means none.
    intrinsics
        Of the images.
    rate
        Frames per second.
    depth_step
        Depth is kept for every so many pixels in both directions.
    max_bytes
        The most that the clip may take.

    Raises
    ------
    ValueError
        If the arrays do not fit together or the clip is larger than max_bytes.
    OSError
        If the video cannot be written.

    """
    images, depth = np.asarray(images), np.asarray(depth)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or not images.size \
            or images.shape[1] % 2 or images.shape[2] % 2:
        raise ValueError('images must be uint8 [T,H,W,3] with even H and W, '
                         f'got {images.dtype} {list(images.shape)}')
    if depth.shape != images.shape[:3]:
        raise ValueError(f'depth must be {list(images.shape[:3])}, got {list(depth.shape)}')
    height, width = images.shape[1:3]
    if (intrinsics.height, intrinsics.width) != (height, width):
        raise ValueError(f'intrinsics are of a {intrinsics.width}x{intrinsics.height} image, the '
                         f'images are {width}x{height}')
    if not rate > 0.0:
        raise ValueError(f'rate must be more than 0 Hz, got {rate}')
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    camera = {'rate': rate, 'frames': len(images)}
    camera.update({name: getattr(intrinsics, name)
                   for name in ('width', 'height', 'fx', 'fy', 'cx', 'cy')})
    (folder / CAMERA).write_text(json.dumps(camera, indent=2) + '\n')
    _write_video(folder / VIDEO, images, rate)
    layout, limits, codes = _encode(depth, depth_step)
    np.savez(folder / DEPTH, layout=layout, range=limits, codes=codes)
    size = sum((folder / name).stat().st_size for name in (CAMERA, VIDEO, DEPTH))
    if size > max_bytes:
        raise ValueError(f'the clip takes {size} bytes, at most {max_bytes} are allowed; use '
                         'fewer frames, less texture or a larger depth_step')
    return size


@dataclass(frozen=True, eq=False)
class ClipDepth:
    """True depth of a clip; ``codes`` are its quantised inverse depths, uint16 [T,h,w]."""

    codes: np.ndarray
    height: int
    width: int
    step: int
    lowest: float
    highest: float

    @classmethod
    def read(cls, path: str | Path) -> ClipDepth:
        """Read a ``clip_depth.npz``; raises ValueError if it is none."""
        try:
            with np.load(path) as file:
                frames, height, width, step = (int(value) for value in file['layout'])
                lowest, highest = (float(value) for value in file['range'])
                codes = _unpack(file['codes'].tobytes(), (
                    frames, -(-height // step), -(-width // step)))
        except (KeyError, ValueError, lzma.LZMAError) as error:
            raise ValueError(f'{path} is not the depth of a clip: {error}') from error
        return cls(codes, height, width, step, lowest, highest)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.codes)

    def frame(self, index: int) -> np.ndarray:
        """Return one frame, float32 [H,W] metres, NaN where there is none."""
        codes = self.codes[index]
        inverse = self.lowest + (codes - 1.0) * ((self.highest - self.lowest) / (_LEVELS - 1))
        depth = np.where(codes > 0, 1.0 / np.where(codes > 0, inverse, 1.0), np.nan)
        depth = depth.astype(np.float32).repeat(self.step, axis=0).repeat(self.step, axis=1)
        return depth[:self.height, :self.width]


def _encode(depth: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # The pixel in the middle of each block stands for the block.
    small = np.empty((len(depth), -(-depth.shape[1] // step), -(-depth.shape[2] // step)))
    rows = np.minimum(np.arange(small.shape[1]) * step + step // 2, depth.shape[1] - 1)
    columns = np.minimum(np.arange(small.shape[2]) * step + step // 2, depth.shape[2] - 1)
    small[:] = depth[:, rows[:, None], columns]
    valid = np.isfinite(small) & (small > 0.0)
    if not valid.any():
        raise ValueError('depth has no valid pixel: it needs metres, finite and positive')
    inverse = 1.0 / np.where(valid, small, 1.0)
    lowest, highest = float(inverse[valid].min()), float(inverse[valid].max())
    unit = (highest - lowest) / (_LEVELS - 1) or 1.0
    codes = np.where(valid, 1 + np.round((inverse - lowest) / unit), 0).astype(np.uint16)
    return (np.array([*depth.shape, step]), np.array([lowest, highest]),
            np.frombuffer(_pack(codes), np.uint8))


def _pack(codes: np.ndarray) -> bytes:
    # uint16 wraps around, here and in _unpack, so that no difference overflows.
    change = np.diff(codes, axis=1, prepend=np.uint16(0))
    change = np.diff(change, axis=2, prepend=np.uint16(0)).view(np.int16)
    zigzag = ((change << 1) ^ (change >> 15)).view(np.uint16)
    planes = np.stack([zigzag & 0xFF, zigzag >> 8]).astype(np.uint8)
    return lzma.compress(planes.tobytes(), preset=9)


def _unpack(packed: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    planes = np.frombuffer(lzma.decompress(packed), np.uint8).reshape(2, *shape)
    zigzag = planes[0].astype(np.uint16) | planes[1].astype(np.uint16) << 8
    change = (zigzag >> 1) ^ (0 - (zigzag & 1)).astype(np.uint16)
    return change.cumsum(axis=2, dtype=np.uint16).cumsum(axis=1, dtype=np.uint16)


def _write_video(path: Path, images: np.ndarray, rate: float) -> None:
    height, width = images.shape[1:3]
    for codec in _CODECS:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (width, height))
        if writer.isOpened():
            break
    else:
        raise OSError(f'OpenCV can write none of the codecs {", ".join(_CODECS)} to {path}')
    for image in images:
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()

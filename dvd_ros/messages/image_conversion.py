"""sensor_msgs/Image to RGB arrays and back, with the results of cv_bridge but without it."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np


class ImageError(ValueError):
    """An image message cannot be read: unknown encoding, zero size, wrong `step` or `data`."""


class Encoding(NamedTuple):
    """How the pixels of one `sensor_msgs/Image` encoding lie in memory, and the way to RGB."""

    dtype: type[np.generic]
    channels: int
    to_rgb: int | None  # cv2.cvtColor code; None: the channels are RGB already
    even_width: bool = False


def _bayer(first_row: str, dtype: type[np.generic]) -> Encoding:
    # OpenCV names a pattern by its second row and columns, ROS by its first: RGGB here is BG there.
    opencv_name = {'rggb': 'BG', 'bggr': 'RG', 'gbrg': 'GR', 'grbg': 'GB'}[first_row]
    return Encoding(dtype, 1, getattr(cv2, f'COLOR_Bayer{opencv_name}2RGB'))


_UYVY = Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY, even_width=True)
_YUYV = Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_YUY2, even_width=True)

# Humble names the packed YUV formats yuv422 and yuv422_yuy2; later distributions uyvy and yuyv.
ENCODINGS: dict[str, Encoding] = {
    'rgb8': Encoding(np.uint8, 3, None),
    'bgr8': Encoding(np.uint8, 3, cv2.COLOR_BGR2RGB),
    'rgba8': Encoding(np.uint8, 4, cv2.COLOR_RGBA2RGB),
    'bgra8': Encoding(np.uint8, 4, cv2.COLOR_BGRA2RGB),
    'mono8': Encoding(np.uint8, 1, cv2.COLOR_GRAY2RGB),
    'rgb16': Encoding(np.uint16, 3, None),
    'bgr16': Encoding(np.uint16, 3, cv2.COLOR_BGR2RGB),
    'rgba16': Encoding(np.uint16, 4, cv2.COLOR_RGBA2RGB),
    'bgra16': Encoding(np.uint16, 4, cv2.COLOR_BGRA2RGB),
    'mono16': Encoding(np.uint16, 1, cv2.COLOR_GRAY2RGB),
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUYV,
    'yuyv': _YUYV,
    **{f'bayer_{p}8': _bayer(p, np.uint8) for p in ('rggb', 'bggr', 'gbrg', 'grbg')},
    **{f'bayer_{p}16': _bayer(p, np.uint16) for p in ('rggb', 'bggr', 'gbrg', 'grbg')},
}


def check_layout(message: Any, encodings: Mapping[str, Encoding] = ENCODINGS) -> Encoding:
    """The encoding of an image message whose fields fit each other.

    Parameters
    ----------
    message:
        a `sensor_msgs/Image`, or any object with its fields.
    encodings:
        those that are allowed, by name.

    Raises
    ------
    ImageError
        naming the field: an encoding not in `encodings`, a width or height of zero, an odd
        width in YUV 4:2:2, a `step` shorter than a row or splitting a sample, or `data` that is
        not `height * step` bytes.

    """
    encoding = encodings.get(message.encoding)
    if encoding is None:
        raise ImageError(
            f"encoding '{message.encoding}' is not known; needed is one of {', '.join(encodings)}"
        )
    height, width = message.height, message.width
    if height == 0 or width == 0:
        raise ImageError(f'image of size {width}x{height}; width and height must be above zero')
    if encoding.even_width and width % 2:
        raise ImageError(f"width {width} in '{message.encoding}', which needs an even width")
    sample = np.dtype(encoding.dtype).itemsize
    row = width * encoding.channels * sample
    if message.step < row or message.step % sample:
        raise ImageError(
            f"step {message.step} for {width} pixels of '{message.encoding}'; "
            f'needed is at least {row}' + (f' and a multiple of {sample}' if sample > 1 else '')
        )
    if len(message.data) != height * message.step:
        raise ImageError(
            f'data of {len(message.data)} bytes; height {height} times step {message.step} '
            f'needs {height * message.step}'
        )
    return encoding


def pixels_of(message: Any, encoding: Encoding) -> np.ndarray:
    """The samples of an image message whose layout has been checked, in native byte order.

    Returns [H,W,C] of the encoding's type, contiguous; it shares memory with the message where
    there is neither padding nor another byte order.
    """
    dtype = np.dtype(encoding.dtype)
    # bool: is_bigendian is a uint8 in the message and any non-zero value means yes.
    stored = dtype.newbyteorder('>' if bool(message.is_bigendian) else '<')
    pixel = encoding.channels * dtype.itemsize
    image = np.ndarray(
        (message.height, message.width, encoding.channels),
        dtype=stored,
        buffer=memoryview(message.data).cast('B'),
        strides=(message.step, pixel, dtype.itemsize),
    )
    return np.ascontiguousarray(image, dtype=dtype)


def rgb_from_message(message: Any) -> np.ndarray:
    """The pixels of an image message, as `cv_bridge` would convert them to `rgb8`.

    Row padding and byte order are honoured, 16-bit samples are scaled by 255/65535, Bayer patterns
    are demosaiced bilinearly, YUV is BT.601 in limited range. Where nothing has to be converted
    the result shares memory with the message.

    Returns
    -------
    numpy.ndarray
        uint8 [H,W,3], RGB.

    Raises
    ------
    ImageError
        as `check_layout`.

    """
    encoding = check_layout(message)
    image = pixels_of(message, encoding)
    if encoding.to_rgb is not None:
        image = cv2.cvtColor(image, encoding.to_rgb)
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=255.0 / 65535.0)
    return image


@dataclass(frozen=True)
class Payload:
    """What an image or cloud message needs besides its header: bytes in the quick form for rclpy.

    rclpy takes an `array.array` unchecked in 0.1 ms; a numpy array or memoryview of the same size
    costs it 20 to 200 ms.
    """

    data: array
    step: int
    is_bigendian: bool


def payload(pixels: np.ndarray) -> Payload:
    """Pack an array [H,W] or [H,W,C] of any fixed-size type as message data, row by row."""
    pixels = np.ascontiguousarray(pixels)
    data = array('B')
    data.frombytes(pixels.reshape(-1).view(np.uint8).data)
    big = pixels.dtype.byteorder == '>' or (
        pixels.dtype.byteorder == '=' and sys.byteorder == 'big'
    )
    return Payload(data, pixels.nbytes // pixels.shape[0], big)


def fill_image(message: Any, pixels: np.ndarray, encoding: str) -> Any:
    """Put an array into a `sensor_msgs/Image` and return the message.

    Parameters
    ----------
    message:
        an empty `sensor_msgs/Image`; its header is left as it is.
    pixels:
        [H,W] or [H,W,C] in the element type that `encoding` names.
    encoding:
        `'rgb8'`, `'32FC1'`, ...; stored as it is.

    """
    packed = payload(pixels)
    message.height, message.width = pixels.shape[:2]
    message.encoding = encoding
    message.is_bigendian = int(packed.is_bigendian)
    message.step = packed.step
    message.data = packed.data
    return message

"""sensor_msgs/CompressedImage, JPEG or PNG, to RGB arrays; without cv_bridge."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np

from dvd_ros.messages.image_conversion import ENCODINGS, ImageError

# An image of more pixels is refused before it is unpacked: a few bytes may claim to be gigabytes.
_MOST_PIXELS = 64_000_000
# PNG's deflate packs at most 1032 bytes into one; JPEG less. Who claims more has no such image.
_MOST_PACKED = 1032
_PNG = b'\x89PNG\r\n\x1a\n'
# JPEG markers of a frame's header: SOF0 .. SOF15 without DHT, JPG and DAC.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def rgb_from_compressed(message: Any) -> np.ndarray:
    """The pixels of a compressed image, or any object with its fields `format` and `data`.

    JPEG and PNG of 8 bit (or 16, in PNG), grey, colour or with alpha. What was a Bayer pattern
    before (`format` as image_transport writes it: `bayer_rggb8; png compressed ...`) is
    demosaiced. Turning by EXIF is not honoured: cameras calibrate what they send.

    Returns
    -------
    numpy.ndarray
        uint8 [H,W,3], RGB.

    Raises
    ------
    ImageError
        where it is neither, is cut off or broken, has no pixels or more than 64 million.

    """
    data = np.frombuffer(memoryview(message.data).cast('B'), np.uint8)
    width, height = _size(data)
    if not 0 < width * height <= _MOST_PIXELS:
        raise ImageError(f'compressed image of {width}x{height}; it must have 1 to '
                         f'{_MOST_PIXELS} pixels')
    if width * height > _MOST_PACKED * data.size:
        raise ImageError(f'compressed image of {width}x{height} does not decode: {data.size} bytes '
                         'cannot hold it')
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    except (cv2.error, MemoryError) as error:
        raise ImageError(f'compressed image does not decode: {error}') from error
    if image is None or image.shape[:2] != (height, width) or image.dtype not in (
            np.uint8, np.uint16):
        raise ImageError(f'compressed image of {len(data)} bytes does not decode')
    # Broken data was seen to give a picture nevertheless: what decodes is taken.
    pattern = message.format.split(';')[0].strip().lower()
    if image.ndim == 2:
        mosaic = ENCODINGS.get(pattern) if pattern.startswith('bayer_') else None
        code = mosaic.to_rgb if mosaic is not None else None
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if code is None else code)
    else:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else
                             cv2.COLOR_BGR2RGB)
    return cv2.convertScaleAbs(image, alpha=255.0 / 65535.0) if image.dtype == np.uint16 else image


def _size(data: np.ndarray) -> tuple[int, int]:
    """(width, height) by the header of a PNG or JPEG; ImageError where it is neither."""
    head = data[:24].tobytes()
    if head.startswith(_PNG) and head[12:16] == b'IHDR' and len(head) == 24:
        return struct.unpack('>II', head[16:24])
    if head.startswith(b'\xff\xd8\xff'):
        at = 2
        while at + 9 <= data.size and data[at] == 0xFF:
            marker = int(data[at + 1])
            if marker in _FRAME_HEADERS:
                height, width = struct.unpack('>HH', data[at + 5:at + 9].tobytes())
                return width, height
            if marker == 0xFF:
                at += 1
            elif marker in _WITHOUT_LENGTH:
                at += 2
            else:
                at += 2 + max(2, int(data[at + 2]) << 8 | int(data[at + 3]))
        raise ImageError(f'JPEG of {data.size} bytes without a frame header')
    begin = head[:4].hex(' ') or 'nothing'
    raise ImageError(f'compressed image begins with {begin}; needed is JPEG or PNG')

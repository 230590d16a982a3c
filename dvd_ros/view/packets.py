"""The binary messages of the live view, made of arrays.

A packet is the length of its header (4 bytes, little endian), the header (JSON, UTF-8) and the
parts that the header's `parts` gives the lengths of.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from dvd_ros.evaluation.contact_sheet import colour_depth

# Depth Z is sent as the 16-bit number round(1000 ln(Z / 1 mm)), steps of 0.1 %; 0 is no depth and
# this is +Inf, too far.
TOO_FAR = 65535
_NEAREST, _STEPS = 1e-3, 1000.0
_JPEG_QUALITY, _PNG_LEVEL = 80, 1
# The pixels that the range of the colours is taken from.
_SAMPLE = 64


def packet(header: Mapping[str, Any], *parts: bytes) -> bytes:
    """A packet; numbers of the header that are not finite become null, which JSON has for them."""
    text = json.dumps(_plain({**header, 'parts': [len(part) for part in parts]}),
                      allow_nan=False).encode()
    return b''.join([struct.pack('<I', len(text)), text, *parts])


def frame_packet(image: np.ndarray | None, depth: np.ndarray | None,
                 header: Mapping[str, Any]) -> bytes:
    """An image and its depth, either of which may be missing.

    Parameters
    ----------
    image:
        uint8 [H,W,3] RGB; sent as JPEG.
    depth:
        float32 [H,W], metres, NaN none and +Inf too far; sent as PNG, the code of each pixel in
        red (high byte) and green (low byte). The two sizes need not be equal.
    header:
        what else is told. `image` and `depth` (whether they are there), `near` and `far` (metres,
        where most of the depth lies; null without depth) are added.

    """
    parts = []
    near, far = math.nan, math.nan
    if image is not None:
        parts.append(_encoded('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
                              cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
    if depth is not None:
        codes = depth_codes(depth)
        # OpenCV's order is blue, green, red.
        planes = [np.zeros_like(codes, np.uint8), (codes & 255).astype(np.uint8),
                  (codes >> 8).astype(np.uint8)]
        parts.append(_encoded('.png', cv2.merge(planes), cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL))
        near, far = shown_range(depth)
    return packet({**header, 'kind': 'frame', 'image': image is not None,
                   'depth': depth is not None, 'near': near, 'far': far}, *parts)


def depth_codes(depth: np.ndarray) -> np.ndarray:
    """The codes, uint16 [H,W], of depth, float [H,W] in metres."""
    depth = np.asarray(depth, np.float32)
    there = (depth > 0.0) & (depth < np.inf)
    codes = np.rint(_STEPS * np.log(np.where(there, depth, 1.0) / _NEAREST))
    codes = np.where(there, np.clip(codes, 1, TOO_FAR - 1), 0).astype(np.uint16)
    codes[depth == np.inf] = TOO_FAR
    return codes


def shown_range(depth: np.ndarray) -> tuple[float, float]:
    """(near, far) in metres between which nearly all depth lies; NaN where there is none."""
    height, width = depth.shape
    sample = depth[::max(1, height // _SAMPLE), ::max(1, width // _SAMPLE)]
    sample = sample[(sample > 0.0) & (sample < np.inf)]
    if not sample.size:
        return math.nan, math.nan
    near, far = (float(value) for value in np.percentile(sample, (1.0, 99.0)))
    return near, max(far, 1.05 * near)


def cloud_packet(points: np.ndarray, colours: np.ndarray, header: Mapping[str, Any]) -> bytes:
    """A cloud: one part, for each point x, y, z as half floats, 2 bytes of nothing, RGB, 1 byte.

    Parameters
    ----------
    points:
        float [N,3], metres in an optical frame (x right, y down, z ahead).
    colours:
        uint8 [N,3], RGB.
    header:
        what else is told. `count` and `centre` (median, metres; null without points) are added.

    """
    # What no half float can hold; about 65 km.
    kept = np.abs(points).max(axis=1, initial=0.0) < np.finfo(np.float16).max
    points, colours = points[kept], colours[kept]
    rows = np.zeros(len(points), np.dtype([('xyz', '<f2', 3), ('pad', 'u1', 2), ('rgb', 'u1', 3),
                                           ('end', 'u1')]))
    rows['xyz'], rows['rgb'] = points, colours
    centre = np.median(points, axis=0).tolist() if len(points) else None
    return packet({**header, 'kind': 'cloud', 'count': len(points), 'centre': centre},
                  rows.tobytes())


def colour_table() -> list[list[int]]:
    """256 colours, RGB, from far to near: those that colour_depth gives inverse depth."""
    unit = np.maximum(np.arange(256), 1e-3)[None] / 255.0
    return colour_depth(1.0 / unit, 1.0, math.inf)[0].tolist()


def _encoded(form: str, pixels: np.ndarray, setting: int, value: int) -> bytes:
    done, data = cv2.imencode(form, pixels, [setting, value])
    if not done:
        raise ValueError(f'OpenCV cannot write {form} of {pixels.shape}')
    return data.tobytes()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value

"""Point clouds of other sensors to arrays, whatever the layout of their fields; numpy only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

# sensor_msgs/PointField: datatype -> element type.
_TYPES = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 8: 'f8'}


class CloudError(ValueError):
    """A point cloud message cannot be read: no x, y, z, or sizes that do not fit each other."""


def points_from_cloud(message: Any, most: int = 32768) -> np.ndarray:
    """The points of a `sensor_msgs/PointCloud2`, or any object with its fields.

    Of more than `most` only some are taken, evenly: converting all of a large lidar's would keep
    the node from receiving images. The step is odd, so that of interleaved rings none is left out.

    Fields may come in any order, of any number type and byte order, with gaps between them, and
    with padding after points and rows. Points that are not finite are left out, and so is
    (0, 0, 0), with which some drivers say that a beam did not come back.

    Returns
    -------
    numpy.ndarray
        [N,3], metres in the frame of the message; float64 where a field is, else float32.

    Raises
    ------
    CloudError
        naming what is missing or does not fit.

    """
    points, there, _ = _sampled(message, most)
    return points[there]


def coloured_points_from_cloud(message: Any, most: int = 32768) -> tuple[np.ndarray, np.ndarray]:
    """The points of a cloud as points_from_cloud gives them, and their colours.

    Returns
    -------
    tuple of numpy.ndarray
        points [N,3], and uint8 [N,3] RGB: those of the field `rgb` or `rgba`, 4 bytes 0xXXRRGGBB
        in the byte order of the message; white where there is no such field.

    Raises
    ------
    CloudError
        as points_from_cloud.

    """
    points, there, values = _sampled(message, most)
    packed = next((field for field in message.fields if field.name in ('rgb', 'rgba')
                   and field.datatype in (5, 6, 7) and field.offset + 4 <= message.point_step),
                  None)
    if packed is None or not len(points):
        return points[there], np.full((int(there.sum()), 3), 255, np.uint8)
    bits = values(packed.offset, np.dtype(f'{_order(message)}u4'))[there]
    return points[there], np.stack([bits >> shift & 255 for shift in (16, 8, 0)],
                                   axis=-1).astype(np.uint8)


def _sampled(message: Any, most: int) -> tuple[
        np.ndarray, np.ndarray, Callable[[int, np.dtype], np.ndarray]]:
    """Points [N,3] with those that are none, a mask of those that are, and a reader of fields.

    The reader gives the values [N] of the field at an offset, of a type, of the same points.
    """
    coordinates = _coordinates(message)
    height, width = message.height, message.width
    step = message.point_step
    # A single row needs no row_step, which some drivers leave at zero.
    row = width * step if height <= 1 else message.row_step
    if row < width * step:
        raise CloudError(f'row_step {row} for {width} points of {step} bytes')
    needed = (height - 1) * row + width * step if height and width else 0
    if len(message.data) < needed:
        raise CloudError(f'data of {len(message.data)} bytes; {width}x{height} points of {step} '
                         f'bytes need {needed}')
    data = memoryview(message.data).cast('B')
    every = 1 if height * width <= most else math.ceil(height * width / most) | 1

    def values(offset: int, entry: np.dtype) -> np.ndarray:
        return np.ndarray((height, width), entry, data, offset, (row, step)).reshape(-1)[::every]

    exact = any(entry.itemsize == 8 for _, entry in coordinates)
    points = np.empty((math.ceil(height * width / every), 3), np.float64 if exact else np.float32)
    if needed:
        for index, (offset, entry) in enumerate(coordinates):
            points[:, index] = values(offset, entry)
    there = np.asarray(np.isfinite(points).all(axis=1))
    return points, there & points.any(axis=1), values


def _order(message: Any) -> str:
    return '>' if bool(message.is_bigendian) else '<'


def _coordinates(message: Any) -> list[tuple[int, np.dtype]]:
    """Offset in a point and element type of x, y and z."""
    fields = {field.name: field for field in message.fields}
    missing = [name for name in 'xyz' if name not in fields]
    if missing:
        raise CloudError(f'no field {", ".join(missing)}; there are {", ".join(fields) or "none"}')
    order = _order(message)
    result = []
    for name in 'xyz':
        field = fields[name]
        if field.datatype not in _TYPES:
            raise CloudError(f'field {name} is of the unknown datatype {field.datatype}')
        entry = np.dtype(order + _TYPES[field.datatype])
        if field.offset + entry.itemsize > message.point_step:
            raise CloudError(f'field {name} at {field.offset} of {entry.itemsize} bytes is outside '
                             f'of a point of {message.point_step}')
        result.append((field.offset, entry))
    return result

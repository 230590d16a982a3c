"""Point clouds of other sensors to arrays, whatever the layout of their fields; numpy only."""

from __future__ import annotations

import math
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
    exact = any(entry.itemsize == 8 for _, entry in coordinates)
    every = 1 if height * width <= most else math.ceil(height * width / most) | 1
    points = np.empty((math.ceil(height * width / every), 3), np.float64 if exact else np.float32)
    if not needed:
        return points
    data = memoryview(message.data).cast('B')
    for index, (offset, entry) in enumerate(coordinates):
        all_of_it = np.ndarray((height, width), entry, data, offset, (row, step))
        points[:, index] = all_of_it.reshape(-1)[::every]
    return points[np.isfinite(points).all(axis=1) & points.any(axis=1)]


def _coordinates(message: Any) -> list[tuple[int, np.dtype]]:
    """Offset in a point and element type of x, y and z."""
    fields = {field.name: field for field in message.fields}
    missing = [name for name in 'xyz' if name not in fields]
    if missing:
        raise CloudError(f'no field {", ".join(missing)}; there are {", ".join(fields) or "none"}')
    order = '>' if bool(message.is_bigendian) else '<'
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

"""Point clouds from depth images, organised like the image (REP-103 optical frame)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics


def rays(intrinsics: Intrinsics) -> np.ndarray:
    """Return the points at depth 1 of all pixels, float32 [H,W,3]: x right, y down, z = 1."""
    u = (np.arange(intrinsics.width) - intrinsics.cx) / intrinsics.fx
    v = (np.arange(intrinsics.height) - intrinsics.cy) / intrinsics.fy
    result = np.ones((intrinsics.height, intrinsics.width, 3), np.float32)
    result[..., 0] = u
    result[..., 1] = v[:, None]
    return result


def points_from_depth(depth: np.ndarray, intrinsics: Intrinsics) -> np.ndarray:
    """
    Turn a depth image into an organised cloud.

    ``depth`` is [H,W] metres along the optical axis. Returns float32 [H,W,3] metres in the
    optical frame (x right, y down, z forward); all three NaN where depth is not a positive
    finite number.

    Raises ValueError if depth and intrinsics differ in size.
    """
    depth = np.asarray(depth, np.float32)
    if depth.shape != (intrinsics.height, intrinsics.width):
        raise ValueError(f'depth is {list(depth.shape)}, the intrinsics are of '
                         f'[{intrinsics.height}, {intrinsics.width}]; use Intrinsics.scaled')
    depth = np.where(np.isfinite(depth) & (depth > 0.0), depth, np.float32(np.nan))
    return rays(intrinsics) * depth[..., None]


def pack_rgb(image: np.ndarray) -> np.ndarray:
    """
    Pack colours as point clouds carry them.

    ``image`` is uint8 [...,3] RGB. Returns float32 [...] whose bits are 0x00RRGGBB, the field
    ``rgb`` of sensor_msgs/PointCloud2 as PCL and RViz read it.
    """
    channels = image.astype(np.uint32)
    return (channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]).view(np.float32)


def write_ply(path: str | Path, points: np.ndarray, colours: np.ndarray) -> int:
    """
    Write a cloud as binary little-endian PLY and return the number of points written.

    ``points`` is [...,3] metres, ``colours`` uint8 [...,3] RGB of the same leading shape. Points
    with a coordinate that is not finite are left out.

    Raises ValueError if the shapes differ, OSError if the file cannot be written.
    """
    if points.shape != colours.shape or points.shape[-1] != 3:
        raise ValueError(f'points and colours must both be [...,3], got {list(points.shape)} '
                         f'and {list(colours.shape)}')
    keep = np.isfinite(points).all(axis=-1)
    vertices = np.empty(int(keep.sum()), [('xyz', '<f4', 3), ('rgb', 'u1', 3)])
    vertices['xyz'] = points[keep]
    vertices['rgb'] = colours[keep]
    fields = [f'property float {name}' for name in 'xyz']
    fields += [f'property uchar {name}' for name in ('red', 'green', 'blue')]
    header = ['ply', 'format binary_little_endian 1.0', 'comment metres, optical frame',
              f'element vertex {len(vertices)}', *fields, 'end_header', '']
    with open(path, 'wb') as file:
        file.write('\n'.join(header).encode('ascii'))
        file.write(vertices.tobytes())
    return len(vertices)

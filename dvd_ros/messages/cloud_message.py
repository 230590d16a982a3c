"""Depth to organised point clouds, as messages."""

from __future__ import annotations

import sys
from array import array
from typing import Any

import cv2
import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.messages.message_types import MessageTypes
from dvd_ros.messages.output_config import OutputConfig

_FIELDS = ('x', 'y', 'z', 'rgb')
_FLOAT32 = 7  # sensor_msgs/PointField.FLOAT32
_BYTES = 16
_FARTHEST = np.finfo(np.float32).max
_BIG = sys.byteorder == 'big'


def decimated(intrinsics: Intrinsics, every: int) -> Intrinsics:
    """The camera of every so manieth pixel of an image, the first one included."""
    return Intrinsics(-(-intrinsics.width // every), -(-intrinsics.height // every),
                      intrinsics.fx / every, intrinsics.fy / every,
                      intrinsics.cx / every, intrinsics.cy / every)


class CloudMaker:
    """Makes clouds of depth images; keeps the rays of the camera that it saw last."""

    def __init__(self, types: MessageTypes) -> None:
        self._make = types.PointCloud2
        self._fields = [
            types.PointField(name=name, offset=4 * index, datatype=_FLOAT32, count=1)
            for index, name in enumerate(_FIELDS)
        ]
        self._intrinsics: Intrinsics | None = None
        self._x = self._y = np.empty(0, np.float32)

    def make(self, depth: np.ndarray, image: np.ndarray, confidence: np.ndarray | None,
             intrinsics: Intrinsics, head: Any, config: OutputConfig) -> Any:
        """An organised cloud: x, y, z in metres and packed rgb, NaN (`is_dense` false) for holes.

        Parameters
        ----------
        depth:
            float32 [H,W], metres; NaN none, +Inf too far.
        image:
            uint8 [H,W,3] RGB.
        confidence:
            float32 [H,W] in 0..1; None: nothing is cut by it.
        intrinsics:
            of the depth image.
        config:
            decimation, limits of depth and of confidence.

        """
        every = config.cloud_decimation
        z = np.ascontiguousarray(depth[::every, ::every])
        height, width = z.shape
        self._aim(decimated(intrinsics, every))
        # Greater than the least, at most the farthest; neither NaN nor +Inf is.
        least = np.nextafter(np.float32(config.cloud_min_depth), np.float32(np.inf))
        kept = cv2.inRange(z, float(least), config.cloud_max_depth or float(_FARTHEST))
        if confidence is not None:
            kept[confidence[::every, ::every] < config.cloud_min_confidence] = 0
        holes = np.full_like(z, np.nan)
        z = cv2.copyTo(z, kept, holes)
        # The bits of rgb are 0x00RRGGBB, as PCL and RViz read it.
        colours = cv2.cvtColor(np.ascontiguousarray(image[::every, ::every]), cv2.COLOR_RGB2BGRA)
        packed = colours.view('<u4')[..., 0].astype(np.uint32, copy=False)
        packed &= np.uint32(0xFFFFFF)
        # The message's own memory is written: no copy is made of it.
        data = array('B', [0]) * (height * width * _BYTES)
        points = np.frombuffer(data, np.float32).reshape(height, width, 4)
        cv2.merge([z * self._x, z * self._y, z, packed.view(np.float32)], points)
        return self._make(
            header=head, height=height, width=width, fields=self._fields, is_bigendian=_BIG,
            point_step=_BYTES, row_step=_BYTES * width, data=data, is_dense=False,
        )

    def _aim(self, intrinsics: Intrinsics) -> None:
        if intrinsics != self._intrinsics:
            self._intrinsics = intrinsics
            self._x = ((np.arange(intrinsics.width) - intrinsics.cx)
                       / intrinsics.fx).astype(np.float32)
            self._y = ((np.arange(intrinsics.height) - intrinsics.cy)
                       / intrinsics.fy).astype(np.float32)[:, None]


class CloudRate:
    """Says which frames have a cloud, at most so many in a second of their stamps."""

    def __init__(self) -> None:
        self._due: int | None = None

    def due(self, stamp: int, rate: float) -> bool:
        """Whether the frame of this stamp (ns) has one, at `rate` clouds per second; 0: each."""
        if not rate:
            return True
        period = round(1e9 / rate)
        if self._due is None or abs(stamp - self._due) > 2 * period:
            self._due = stamp  # the first, or stamps that jumped
        # Half a period of a fast camera early, so that 30 Hz of 30 Hz is each.
        if stamp < self._due - period // 8:
            return False
        self._due += period
        return True

"""sensor_msgs/CameraInfo: to intrinsics, scaled to an image, and paired with images by stamp."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from dvd_ros.geometry import Intrinsics
from dvd_ros.messages.stamps import nanoseconds


def intrinsics_of(info: Any, width: int, height: int) -> Intrinsics:
    """The pinhole model of an image `width` x `height` that belongs to a CameraInfo.

    As in image_geometry the projection matrix P counts, and K only where P is empty. Region of
    interest, binning and any other difference between the calibrated and the actual size are
    taken into account.

    Raises
    ------
    ValueError
        if the camera is not calibrated (focal length zero) or the message has no size.

    """
    return camera_matrices(info, width, height)[1]


def camera_matrices(info: Any, width: int, height: int) -> tuple[Intrinsics, Intrinsics]:
    """The camera as it sees (K) and as it is rectified (P), for an image `width` x `height`.

    Each stands for the other where that is empty; else as `intrinsics_of`.

    Raises
    ------
    ValueError
        as `intrinsics_of`.

    """
    projection = (info.p[0], info.p[5], info.p[2], info.p[6])
    camera = (info.k[0], info.k[4], info.k[2], info.k[5])
    if info.p[0] == 0.0:
        projection = camera
    elif info.k[0] == 0.0:
        camera = projection
    roi = info.roi
    made = []
    for matrix in (camera, projection):
        fx, fy, cx, cy = (float(value) for value in matrix)
        if roi.width and roi.height:
            seen = Intrinsics(roi.width, roi.height, fx, fy, cx - roi.x_offset, cy - roi.y_offset)
        else:
            seen = Intrinsics(info.width, info.height, fx, fy, cx, cy)
        made.append(seen.scaled(width, height))
    return made[0], made[1]


class CameraInfos:
    """Remembers the CameraInfo messages of late and finds the one of an image."""

    def __init__(self, capacity: int) -> None:
        self._by_stamp: OrderedDict[int, Any] = OrderedDict()
        self._capacity = capacity
        self._lock = Lock()

    def add(self, info: Any) -> None:
        """Remember a message; beyond `capacity` the oldest is forgotten."""
        with self._lock:
            self._by_stamp.pop(nanoseconds(info.header.stamp), None)
            self._by_stamp[nanoseconds(info.header.stamp)] = info
            if len(self._by_stamp) > self._capacity:
                self._by_stamp.popitem(last=False)

    def find(self, stamp: int) -> Any:
        """The message of this stamp (ns), else the one received last, else None."""
        with self._lock:
            found = self._by_stamp.get(stamp)
            if found is None and self._by_stamp:
                found = next(reversed(self._by_stamp.values()))
            return found

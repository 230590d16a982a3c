"""The message classes that are written, whoever's they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class MessageTypes(NamedTuple):
    """Each makes a message of its type from fields by name; those left out have defaults.

    ROS 2's generated classes do (dvd_ros.ros.depth_messages.TYPES), and what stands in for them
    where there is no ROS 2 (dvd_ros.offline.bag_types).
    """

    Time: Callable[..., Any]
    Header: Callable[..., Any]
    Image: Callable[..., Any]
    CameraInfo: Callable[..., Any]
    PointCloud2: Callable[..., Any]
    PointField: Callable[..., Any]
    WindowAlignment: Callable[..., Any]
    MetricScale: Callable[..., Any]
    ScaleSource: Callable[..., Any]

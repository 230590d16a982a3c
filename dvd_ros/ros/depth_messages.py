"""DepthFrames to ROS 2 messages; plain functions of their arguments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from std_msgs.msg import Header

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.millimetres import millimetres
from dvd_ros.geometry.points import pack_rgb, points_from_depth
from dvd_ros.msg import MetricScale, ScaleSource, WindowAlignment
from dvd_ros.ros.image_conversion import fill_image, payload
from dvd_ros.ros.stamps import header
from dvd_ros.stream import DepthFrame, Frame

_CLOUD_FIELDS = [
    PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
    for index, name in enumerate(('x', 'y', 'z', 'rgb'))
]


@dataclass(frozen=True, eq=False)
class CameraFrame(Frame):
    """A Frame with the CameraInfo that came with it, or None."""

    camera_info: CameraInfo | None = None


def float_image(pixels: np.ndarray, head: Header) -> Image:
    """A 32FC1 image of float32 [H,W]."""
    return fill_image(Image(header=head), np.asarray(pixels, np.float32), '32FC1')


def millimetre_image(depth: np.ndarray, head: Header) -> Image:
    """A 16UC1 image of depth [H,W] in metres; 0 where that is NaN, +Inf or beyond 65.535 m."""
    return fill_image(Image(header=head), millimetres(depth), '16UC1')


def cloud(done: DepthFrame, intrinsics: Intrinsics, head: Header) -> PointCloud2:
    """An organised cloud, height x width as the depth image: x, y, z in metres and packed rgb.

    `intrinsics` are those of the depth image. Points without depth are NaN (`is_dense` false).
    """
    height, width = done.depth.shape
    points = np.empty((height, width, 4), np.float32)
    points[..., :3] = points_from_depth(done.depth, intrinsics)
    points[..., 3] = pack_rgb(done.frame.image)
    packed = payload(points)
    return PointCloud2(
        header=head, height=height, width=width, fields=_CLOUD_FIELDS,
        is_bigendian=packed.is_bigendian, point_step=16, row_step=packed.step,
        data=packed.data, is_dense=False,
    )


def window_alignment(newest: DepthFrame, frames: int) -> WindowAlignment:
    """The alignment of a window of `frames` frames, from the newest of them."""
    fit = newest.alignment
    return WindowAlignment(
        header=header(newest.stamp, newest.frame.frame_id),
        window=newest.window, segment=newest.segment, frames=frames,
        new_frames=len(fit.disparity), scale=float(fit.scale), shift=float(fit.shift),
        scale_sigma=float(fit.scale_sigma),
        correlation=float(fit.correlation), cut=bool(fit.cut),
    )


def metric_scale(newest: DepthFrame) -> MetricScale:
    """The way from disparity to metres as it is at a frame."""
    scale = newest.scale
    return MetricScale(
        header=header(newest.stamp, newest.frame.frame_id), segment=newest.segment,
        metric=bool(scale.metric), nominal=bool(scale.nominal), reason=scale.reason,
        scale=float(scale.a), offset=float(scale.b),
        covariance=np.asarray(scale.covariance, np.float64).reshape(4),
        relative_sigma=float(scale.relative_sigma),
        sources=[
            ScaleSource(
                name=source.name, used=bool(source.used), status=source.status,
                observations=int(source.observations), age=float(source.age),
                relative_sigma=float(source.relative_sigma),
            )
            for source in scale.sources
        ],
    )

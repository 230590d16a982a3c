"""DepthFrames to ROS 2 messages; plain functions of their arguments."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from dvd_ros.geometry.millimetres import millimetres
from dvd_ros.msg import MetricScale, ScaleSource, WindowAlignment
from dvd_ros.ros.image_conversion import fill_image
from dvd_ros.ros.stamps import header
from dvd_ros.stream import DepthFrame


def float_image(pixels: np.ndarray, head: Header) -> Image:
    """A 32FC1 image of float32 [H,W]."""
    return fill_image(Image(header=head), np.asarray(pixels, np.float32), '32FC1')


def millimetre_image(depth: np.ndarray, head: Header) -> Image:
    """A 16UC1 image of depth [H,W] in metres; 0 where that is NaN, +Inf or beyond 65.535 m."""
    return fill_image(Image(header=head), millimetres(depth), '16UC1')


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

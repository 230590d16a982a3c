"""Depth frames to messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.millimetres import millimetres
from dvd_ros.messages.image_conversion import fill_image
from dvd_ros.messages.message_types import MessageTypes
from dvd_ros.stream import DepthFrame


class MessageMaker:
    """Makes messages of the classes in `types`; holds nothing else."""

    def __init__(self, types: MessageTypes) -> None:
        self.types = types

    def header(self, stamp: int, frame_id: str) -> Any:
        """A `std_msgs/Header` of a stamp in nanoseconds."""
        seconds, rest = divmod(stamp, 1_000_000_000)
        return self.types.Header(stamp=self.types.Time(sec=seconds, nanosec=rest),
                                 frame_id=frame_id)

    def float_image(self, pixels: np.ndarray, head: Any) -> Any:
        """A 32FC1 image of float32 [H,W]."""
        return fill_image(self.types.Image(header=head), np.asarray(pixels, np.float32), '32FC1')

    def millimetre_image(self, depth: np.ndarray, head: Any) -> Any:
        """A 16UC1 image of depth [H,W] in metres; 0 where that is NaN, +Inf or beyond 65.535 m."""
        return fill_image(self.types.Image(header=head), millimetres(depth), '16UC1')

    def window_alignment(self, newest: DepthFrame, frames: int) -> Any:
        """The alignment of a window of `frames` frames, from the newest of them."""
        fit = newest.alignment
        return self.types.WindowAlignment(
            header=self.header(newest.stamp, newest.frame.frame_id),
            window=newest.window, segment=newest.segment, frames=frames,
            new_frames=len(fit.disparity), scale=float(fit.scale), shift=float(fit.shift),
            scale_sigma=float(fit.scale_sigma),
            correlation=float(fit.correlation), cut=bool(fit.cut),
        )

    def metric_scale(self, newest: DepthFrame) -> Any:
        """The way from disparity to metres as it is at a frame."""
        scale = newest.scale
        return self.types.MetricScale(
            header=self.header(newest.stamp, newest.frame.frame_id), segment=newest.segment,
            metric=bool(scale.metric), nominal=bool(scale.nominal), reason=scale.reason,
            scale=float(scale.a), offset=float(scale.b),
            covariance=np.asarray(scale.covariance, np.float64).reshape(4),
            relative_sigma=float(scale.relative_sigma),
            sources=[
                self.types.ScaleSource(
                    name=source.name, used=bool(source.used), status=source.status,
                    observations=int(source.observations), age=float(source.age),
                    relative_sigma=float(source.relative_sigma),
                )
                for source in scale.sources
            ],
        )

    def camera_info(self, intrinsics: Intrinsics, model: Any) -> Any:
        """A CameraInfo without header for the image of these intrinsics.

        `model` is the camera's own message, of which distortion, rectification and the baseline
        (P's fourth column) are kept and scaled; None gives a camera without distortion.
        """
        k = (intrinsics.fx, 0.0, intrinsics.cx, 0.0, intrinsics.fy, intrinsics.cy, 0.0, 0.0, 1.0)
        info = self.types.CameraInfo(
            width=intrinsics.width, height=intrinsics.height, distortion_model='plumb_bob',
            d=[0.0] * 5, k=k, r=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        )
        tx = ty = 0.0
        if model is not None:
            info.distortion_model, info.d, info.r = model.distortion_model, model.d, model.r
            if model.p[0] != 0.0:
                tx = float(model.p[3]) * (intrinsics.fx / float(model.p[0]))
                ty = float(model.p[7]) * (intrinsics.fy / float(model.p[5]))
                info.k = _scaled_k(model, intrinsics)
        info.p = (k[0], 0.0, k[2], tx, 0.0, k[4], k[5], ty, 0.0, 0.0, 1.0, 0.0)
        return info


def _scaled_k(model: Any, intrinsics: Intrinsics) -> tuple[float, ...]:
    """K of the camera's message in the pixels of `intrinsics`, which were made from its P."""
    # As Python's floats, which overflow to infinity without a warning.
    k, p = [float(value) for value in model.k], [float(value) for value in model.p]
    sx, sy = intrinsics.fx / p[0], intrinsics.fy / p[5]
    # The same change of pixels, u' = sx * u + tx, that took P to the intrinsics.
    tx, ty = intrinsics.cx - sx * p[2], intrinsics.cy - sy * p[6]
    return (k[0] * sx, k[1] * sx, k[2] * sx + tx, 0.0, k[4] * sy, k[5] * sy + ty, 0.0, 0.0, 1.0)

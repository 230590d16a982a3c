"""The parameters of depth_node beside those of stream and scale."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from dvd_ros.option import option
from dvd_ros.ros.pose import pose_from_text

TRANSPORTS = ('raw', 'compressed')


@dataclass(frozen=True)
class DepthNodeConfig:
    """The network and how the node works."""

    autostart: bool = option(
        True, 'configure and activate at the start; false: wait for lifecycle transitions',
        fixed=True)
    model: str = option('mini', "depth model: 'mini' (shipped), 'dvd-1.0', 'dvd-1.1' or a folder")
    backend: str = option('auto', "what computes the network: 'auto', 'torch', ...")
    device: str = option('auto', "where it computes: 'auto', 'cpu', 'cuda', ...")
    codec: str = option(
        'full', "the model's own codec, its light one, or a file of one: 'full', 'light', ..."
    )
    lazy: bool = option(
        True, 'compute nothing while nobody listens to any topic under dvd/', live=True)
    queue: int = option(
        16, 'images that may wait while the network is busy; beyond, the oldest is dropped', 1, 1000
    )
    flush_after: float = option(
        2.0, 'seconds without an image after which the frames of an unfilled window are published;'
        ' 0: never', 0.0, 3600.0, live=True,
    )
    restart_delay: float = option(
        1.0, 'seconds until the model is loaded anew after two windows in a row have failed; '
        'doubled each time', 0.01, 3600.0, live=True)
    restart_longest: float = option(
        30.0, 'seconds that restart_delay grows to', 0.01, 3600.0, live=True)
    snapshot_folder: str = option(
        '', 'folder that service ~/snapshot writes to, and nowhere else; empty: the service '
        'refuses', fixed=True)
    snapshot_limit: int = option(
        100, 'snapshots that the folder may hold', 1, 1_000_000, fixed=True)

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError('model must name a model or a folder, got an empty string')
        if self.queue < 1:
            raise ValueError(f'queue must be at least 1 image, got {self.queue}')
        if not self.flush_after >= 0.0:
            raise ValueError(f'flush_after must be 0 or more seconds, got {self.flush_after}')
        if not 0.0 < self.restart_delay <= self.restart_longest:
            raise ValueError('restart needs 0 < restart_delay <= restart_longest seconds, got '
                             f'{self.restart_delay} and {self.restart_longest}')
        if self.snapshot_folder and not os.path.isabs(self.snapshot_folder):
            raise ValueError('snapshot_folder must be an absolute path, got '
                             f'{self.snapshot_folder!r}')


@dataclass(frozen=True)
class CameraConfig:
    """The images that come and the frame that they are in."""

    image_transport: str = option(
        'raw', "'raw': sensor_msgs/Image on topic image; 'compressed': JPEG or PNG on "
        'image/compressed')
    hfov: float = option(
        1.047, 'horizontal field of view in radians, used while no camera_info is received',
        0.01, 3.13,
    )
    undistort: bool = option(
        False, 'rectify the images by camera_info (plumb_bob, rational_polynomial, equidistant) '
        'and publish depth of the rectified image')
    camera_frame: str = option(
        '', "optical frame (z forward, x right, y down) of all that is published; empty: the "
        "image's")
    camera_parent: str = option(
        '', 'frame that the camera is mounted on: its static transform is published; empty: none '
        'is')
    camera_pose: str = option(
        '0 0 0 0 0 0', "where the camera is in camera_parent, 'x y z roll pitch yaw' or "
        "'x y z qx qy qz qw' in metres and radians, looking along x (x forward, y left, z up)")

    def __post_init__(self) -> None:
        if self.image_transport not in TRANSPORTS:
            raise ValueError(f'image_transport must be one of {", ".join(TRANSPORTS)}, got '
                             f'{self.image_transport!r}')
        if not 0.0 < self.hfov < math.pi:
            raise ValueError(f'hfov must be between 0 and pi radians, got {self.hfov}')
        try:
            pose_from_text(self.camera_pose)
        except ValueError as error:
            raise ValueError(f'camera_pose: {error}') from error


@dataclass(frozen=True)
class HealthConfig:
    """From where on the diagnostics warn and call it an error."""

    warn_latency: float = option(
        1.0, 'diagnostics WARN where 5 % of the depth came later than so many seconds after its '
        'image; 0: never', 0.0, 3600.0, live=True)
    error_latency: float = option(
        5.0, 'as warn_latency, for ERROR', 0.0, 3600.0, live=True)
    warn_dropped: float = option(
        0.0, 'diagnostics WARN where more than this share of the images of the last second was '
        'dropped', 0.0, 1.0, live=True)
    error_dropped: float = option(0.9, 'as warn_dropped, for ERROR', 0.0, 1.0, live=True)
    warn_silence: float = option(
        2.0, 'diagnostics WARN where no image came for so many seconds; 0: never', 0.0, 3600.0,
        live=True)
    error_silence: float = option(10.0, 'as warn_silence, for ERROR', 0.0, 3600.0, live=True)

    def __post_init__(self) -> None:
        for what in ('latency', 'silence', 'dropped'):
            warn, error = getattr(self, f'warn_{what}'), getattr(self, f'error_{what}')
            never = what != 'dropped' and 0.0 in (warn, error)
            if not never and not 0.0 <= warn <= error:
                raise ValueError(f'diagnostics need warn_{what} <= error_{what}, got {warn} and '
                                 f'{error}')

"""The parameters of depth_node that tell where its metres come from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dvd_ros.option import option
from dvd_ros.ros.pose import pose_from_text

SOURCES = ('depth', 'points', 'scan', 'range', 'ground')
TILTS = ('fixed', 'imu', 'tf')

_POSE = ("in the image's, 'x y z roll pitch yaw' or 'x y z qx qy qz qw' in metres and radians; "
         'empty: from TF, or the same frame')


@dataclass(frozen=True)
class ScaleParameters:
    """Sources of metres and where they are mounted."""

    scale_sources: tuple[str, ...] = option(
        ('nominal',), f'what measures metres, any of {", ".join(SOURCES)}; nominal: nothing does')
    scale_tolerance: float = option(
        0.1, 'how far apart the stamps of an image and a reading may be, seconds', 0.0, 10.0)
    depth_pose: str = option('', f'pose of the frame of scale/depth {_POSE}')
    points_pose: str = option('', f'pose of the frame of scale/points {_POSE}')
    scan_pose: str = option('', f'pose of the frame of scale/scan {_POSE}')
    range_box: str = option(
        '0.45 0.45 0.55 0.55', 'left, top, right and bottom of what the beam of scale/range meets, '
        "as parts (0..1) of the image's width and height")
    camera_height: float = option(
        0.0, 'height of the camera above the floor, metres; source ground needs it', 0.0, 1000.0)
    camera_tilt: str = option(
        'fixed', "where the camera's pitch and roll come from: fixed (the parameters), imu "
        '(gravity by topic imu) or tf (ground_frame)')
    camera_pitch: float = option(
        0.0, 'how far the camera looks down, radians; negative: up', -1.6, 1.6)
    camera_roll: float = option(
        0.0, 'how far the camera leans to the right, radians', -3.2, 3.2)
    ground_frame: str = option('base_footprint', 'TF frame whose z is up, for camera_tilt tf')
    imu_pose: str = option('', f'pose of the frame of imu {_POSE}')

    def __post_init__(self) -> None:
        unknown = [name for name in self.scale_sources if name not in (*SOURCES, 'nominal')]
        if unknown:
            raise ValueError(f'scale_sources must be of nominal, {", ".join(SOURCES)}, '
                             f'got {", ".join(map(repr, unknown))}')
        if not (self.scale_tolerance >= 0.0 and math.isfinite(self.scale_tolerance)):
            raise ValueError(
                f'scale_tolerance must be 0 or more seconds, got {self.scale_tolerance}')
        for name in ('depth_pose', 'points_pose', 'scan_pose', 'imu_pose'):
            if getattr(self, name):
                try:
                    pose_from_text(getattr(self, name))
                except ValueError as error:
                    raise ValueError(f'{name}: {error}') from error
        left, top, right, bottom = self.box
        if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
            raise ValueError("range_box must be 'left top right bottom' with 0 <= left < right "
                             f'<= 1 and 0 <= top < bottom <= 1, got {self.range_box!r}')
        if not (self.camera_height >= 0.0 and math.isfinite(self.camera_height)):
            raise ValueError(f'camera_height must be 0 or more metres, got {self.camera_height}')
        if 'ground' in self.sources and self.camera_height == 0.0:
            raise ValueError('camera_height must be the height of the camera above the floor in '
                             'metres where ground is a source, got 0')
        if self.camera_tilt not in TILTS:
            raise ValueError(f'camera_tilt must be one of {", ".join(TILTS)}, '
                             f'got {self.camera_tilt!r}')
        for name in ('camera_pitch', 'camera_roll'):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f'{name} must be finite radians, got {getattr(self, name)}')

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of what measures metres, each once, in the order given; empty: nothing does."""
        return tuple(dict.fromkeys(name for name in self.scale_sources if name != 'nominal'))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The range_box as numbers; four NaN where it is no box."""
        try:
            left, top, right, bottom = map(float, self.range_box.replace(',', ' ').split())
        except ValueError:
            return (math.nan,) * 4
        return left, top, right, bottom

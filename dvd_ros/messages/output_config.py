"""What is made of a depth frame: defined once, for node parameters and CLI options."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dvd_ros.option import option

DEPTH_ENCODINGS = ('32FC1', '16UC1')


@dataclass(frozen=True)
class OutputConfig:
    """What is published of a depth frame."""

    depth_encoding: str = option(
        '32FC1', "of the topic dvd/depth: '32FC1' (metres) or '16UC1' (millimetres, 0 invalid)",
        live=True)
    min_confidence: float = option(
        0.0, 'pixels of depth and cloud of less confidence are NaN', 0.0, 1.0, live=True)
    cloud_rate: float = option(
        0.0, 'clouds per second of stream time, at most; 0: one for each image', 0.0, 1000.0,
        live=True)
    cloud_decimation: int = option(
        1, 'every so manieth row and column of the depth image is in the cloud', 1, 64,
        live=True)
    cloud_min_depth: float = option(
        0.0, 'points nearer than this are NaN, metres along the optical axis', 0.0, 1e6,
        live=True)
    cloud_max_depth: float = option(
        0.0, 'points farther than this are NaN, metres; 0: no limit', 0.0, 1e6, live=True)
    cloud_min_confidence: float = option(
        0.0, 'points of less confidence are NaN', 0.0, 1.0, live=True)

    def __post_init__(self) -> None:
        if self.depth_encoding not in DEPTH_ENCODINGS:
            raise ValueError(f"depth_encoding must be '32FC1' or '16UC1', got "
                             f'{self.depth_encoding!r}')
        for name in ('min_confidence', 'cloud_min_confidence'):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f'{name} must be in 0..1, got {getattr(self, name)}')
        if not (self.cloud_rate >= 0.0 and math.isfinite(self.cloud_rate)):
            raise ValueError(f'cloud_rate must be 0 or more clouds per second, got '
                             f'{self.cloud_rate}')
        if self.cloud_decimation < 1:
            raise ValueError(f'cloud_decimation must be 1 or more, got {self.cloud_decimation}')
        if not self.cloud_min_depth >= 0.0 or not (
                self.cloud_max_depth == 0.0 or self.cloud_max_depth > self.cloud_min_depth):
            raise ValueError('the cloud needs 0 <= cloud_min_depth < cloud_max_depth metres, or '
                             f'cloud_max_depth 0 for no limit, got {self.cloud_min_depth} and '
                             f'{self.cloud_max_depth}')

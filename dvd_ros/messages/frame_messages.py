"""All messages of a depth frame, by the names of their topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.messages.cloud_message import CloudMaker, CloudRate
from dvd_ros.messages.message_maker import MessageMaker
from dvd_ros.messages.message_types import MessageTypes
from dvd_ros.messages.output_config import OutputConfig
from dvd_ros.stream import DepthFrame

# Name below the namespace -> type.
OUTPUTS = {
    'depth': 'sensor_msgs/msg/Image',
    'camera_info': 'sensor_msgs/msg/CameraInfo',
    'points': 'sensor_msgs/msg/PointCloud2',
    'disparity': 'sensor_msgs/msg/Image',
    'confidence': 'sensor_msgs/msg/Image',
    'alignment': 'dvd_ros/msg/WindowAlignment',
    'scale': 'dvd_ros/msg/MetricScale',
}
Wanted = Callable[[str], bool]


class FrameMessages:
    """
    Makes the messages of depth frames that come in order; what is not wanted is not computed.

    Parameters
    ----------
    types:
        the message classes.
    window:
        frames of a full window.
    hfov:
        horizontal field of view in radians for frames without intrinsics.
    config:
        what is made of a frame; `config` may be set at any time.

    """

    def __init__(self, types: MessageTypes, window: int, hfov: float,
                 config: OutputConfig) -> None:
        self.config = config
        self._make = MessageMaker(types)
        self._cloud = CloudMaker(types)
        self._cloud_rate = CloudRate()
        self._window = window
        self._hfov = hfov
        self._segment = -1

    def of_batch(self, batch: Sequence[DepthFrame],
                 wanted: Wanted) -> Iterator[tuple[DepthFrame, Iterator[tuple[str, Any]]]]:
        """
        Give each frame with its messages, (name in OUTPUTS, message), of those that are `wanted`.

        Those of a window come with the last of its frames. A message is made when it is taken;
        all of a frame have to be before the next frame is asked for.
        """
        for index, done in enumerate(batch):
            ends = index + 1 == len(batch) or batch[index + 1].window != done.window
            yield done, chain(self._of_frame(done, wanted),
                              self._of_window(done, wanted) if ends else ())

    def _of_frame(self, done: DepthFrame, wanted: Wanted) -> Iterator[tuple[str, Any]]:
        """Give what belongs to the frame itself."""
        make, config = self._make, self.config
        head = make.header(done.stamp, done.frame.frame_id)
        height, width = done.depth.shape
        known = done.frame.intrinsics or Intrinsics.from_hfov(
            done.frame.image.shape[1], done.frame.image.shape[0], self._hfov
        )
        intrinsics = known.scaled(width, height)
        if wanted('camera_info'):
            info = make.camera_info(
                intrinsics,
                getattr(done.frame, 'camera_info', None) if done.frame.intrinsics else None,
            )
            info.header = head
            yield 'camera_info', info
        depth = done.depth
        if config.min_confidence:
            depth = np.where(done.confidence < config.min_confidence, np.float32(np.nan), depth)
        if wanted('depth'):
            yield 'depth', (make.float_image if config.depth_encoding == '32FC1' else
                            make.millimetre_image)(depth, head)
        if wanted('disparity'):
            yield 'disparity', make.float_image(done.disparity, head)
        if wanted('confidence'):
            yield 'confidence', make.float_image(done.confidence, head)
        if wanted('points') and self._cloud_rate.due(done.stamp, config.cloud_rate):
            confidence = done.confidence if config.cloud_min_confidence else None
            yield 'points', self._cloud.make(depth, done.frame.image, confidence, intrinsics, head,
                                             config)

    def _of_window(self, newest: DepthFrame, wanted: Wanted) -> Iterator[tuple[str, Any]]:
        """Give what belongs to a window, of the newest frame that was made ready with it."""
        # The first window of a segment has new frames only; every later one is filled up.
        begins = newest.segment != self._segment
        self._segment = newest.segment
        if wanted('alignment'):
            frames = len(newest.alignment.disparity) if begins else self._window
            yield 'alignment', self._make.window_alignment(newest, frames)
        if wanted('scale'):
            yield 'scale', self._make.metric_scale(newest)

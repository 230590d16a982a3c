"""The video_node of the demo: all of its images are seen, and it can end after some seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import rclpy
from rclpy.duration import Duration

from dvd_ros.capture import Capture
from dvd_ros.ros.parameters import declare, option
from dvd_ros.ros.run_node import run_node
from dvd_ros.ros.video_node import VideoNode
from dvd_ros.stream import Frame

AUDIENCE = {'depth_node', 'record_node'}
# DDS takes up to three seconds to bring two processes together, and as long to notice that a
# message was lost and send it again; more where they are not scheduled. Seconds.
_PATIENCE = 60.0


@dataclass(frozen=True)
class DemoVideoConfig:
    """What DemoVideoNode needs besides a VideoNodeConfig."""

    seconds: float = option(0.0, 'end after so long; 0: at the end of the source', 0.0, 1e6)


class DemoVideoNode(VideoNode):
    """A VideoNode that begins when every node of AUDIENCE subscribes, and ends when all has come.

    `wait_for_subscriber` is content with one, while the other would miss what comes first; and
    what is lost on the way at the end is not sent again by a process that has gone.
    """

    def __init__(self) -> None:
        super().__init__()
        seconds = declare(self, DemoVideoConfig).seconds
        if seconds:
            stretch = 1.0
            if self._config.rate and not self._capture.live:
                stretch = self._capture.rate / self._config.rate
            self._capture = ShortCapture(self._capture, seconds / stretch)

    def run(self) -> int:
        """Wait for the audience, play, wait for acknowledgement; 1 where one does not come."""
        log = self.get_logger()
        end = time.monotonic() + _PATIENCE
        while rclpy.ok() and (absent := AUDIENCE - self._present()):
            if time.monotonic() > end:
                log.error(f'{", ".join(sorted(absent))} did not subscribe in {_PATIENCE:.0f} s')
                return 1
            time.sleep(0.05)
        status = super().run()
        for publisher in self.publishers:
            if rclpy.ok() and not publisher.wait_for_all_acked(Duration(seconds=_PATIENCE)):
                log.error(f"messages on '{publisher.topic_name}' did not arrive")
                return 1
        return status

    def _present(self) -> set[str]:
        return {found.node_name for found in self.get_subscriptions_info_by_topic(
            self.resolve_topic_name('image'))}


class ShortCapture(Capture):
    """The first ``seconds`` of another capture, by its stamps."""

    def __init__(self, whole: Capture, seconds: float) -> None:
        self.name, self.rate, self.live = whole.name, whole.rate, whole.live
        self.intrinsics, self.has_truth = whole.intrinsics, whole.has_truth
        self._whole = whole
        self._seconds = seconds

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; raises as the whole capture does."""
        first: int | None = None
        for frame in self._whole:
            first = frame.stamp if first is None else first
            if frame.stamp - first >= self._seconds * 1e9:
                return
            yield frame

    def truth(self, index: int) -> np.ndarray | None:
        """Return the true depth; see Capture.truth."""
        return self._whole.truth(index)


def main(args: list[str] | None = None) -> int:
    """Run the node as a process; the exit status."""
    return run_node(DemoVideoNode, 'video_node', args)


if __name__ == '__main__':
    raise SystemExit(main())

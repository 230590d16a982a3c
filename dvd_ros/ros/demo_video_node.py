"""The video_node of the demo, which begins when all who must see the first image are there."""

from __future__ import annotations

import time

import rclpy

from dvd_ros.ros.run_node import run_node
from dvd_ros.ros.video_node import VideoNode

AUDIENCE = {'depth_node', 'record_node'}
# DDS takes up to three seconds to bring two processes together, more where they are not scheduled.
_PATIENCE = 60.0


class DemoVideoNode(VideoNode):
    """A VideoNode that begins once every node of AUDIENCE subscribes its images.

    `wait_for_subscriber` is content with one, while the other would miss what comes first: the
    depth node the images, or the recorder, who then cannot tell which image is which.
    """

    def run(self) -> int:
        """Wait, then play; 1 where somebody does not come."""
        end = time.monotonic() + _PATIENCE
        while rclpy.ok() and (absent := AUDIENCE - self._present()):
            if time.monotonic() > end:
                self.get_logger().error(f'{", ".join(sorted(absent))} did not subscribe '
                                        f'the images in {_PATIENCE:.0f} s')
                return 1
            time.sleep(0.05)
        return super().run()

    def _present(self) -> set[str]:
        return {found.node_name for found in self.get_subscriptions_info_by_topic(
            self.resolve_topic_name('image'))}


def main(args: list[str] | None = None) -> int:
    """Run the node as a process; the exit status."""
    return run_node(DemoVideoNode, 'video_node', args)


if __name__ == '__main__':
    raise SystemExit(main())

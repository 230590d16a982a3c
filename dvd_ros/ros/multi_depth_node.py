"""multi_depth_node: a depth node for each of several cameras, in one process, with one network.

ros2 run dvd_ros multi_depth_node front rear --ros-args -r /front/image:=/front_camera/image_raw
"""

from __future__ import annotations

import os
import sys
from typing import Any

from rclpy.utilities import remove_ros_args

from dvd_ros.regressor import RegressorPool, load_regressor
from dvd_ros.ros.depth_node import DepthNode, spin
from dvd_ros.ros.run_node import run_node


class DepthNodes:
    """A DepthNode in the namespace of each name; those that ask for the same model share it.

    A window is computed at a time, in the order in which they are complete (SharedRegressor).
    Raises ValueError where there is no name or one comes twice, and as DepthNode.
    """

    def __init__(self, names: list[str]) -> None:
        if not names or len(set(names)) != len(names):
            raise ValueError('multi_depth_node needs a name for each camera, each another one, got '
                             f'{names}: ros2 run dvd_ros multi_depth_node front rear')
        pool = RegressorPool()

        def load(model: str, **settings: Any) -> Any:
            key = (model, *sorted(settings.items()))
            return pool.lend(key, lambda: load_regressor(model, **settings))

        self._nodes: list[DepthNode] = []
        try:
            for name in names:
                self._nodes.append(DepthNode(name, load))
        except Exception:
            self.stop()
            raise

    def run(self) -> int:
        """Spin them all; 1 where one cannot start or its worker died."""
        return spin(self._nodes)

    def stop(self) -> bool:
        """End all; False where one is still computing."""
        stopped = [node.stop() for node in self._nodes]
        return all(stopped)


def main(args: list[str] | None = None) -> int:
    """Run the nodes as a process; the exit status."""
    os.environ.setdefault('RMW_FASTRTPS_PUBLICATION_MODE', 'ASYNCHRONOUS')  # as in depth_node
    names = remove_ros_args(sys.argv if args is None else args)[1:]
    return run_node(lambda: DepthNodes(names), 'multi_depth_node', args)


if __name__ == '__main__':
    raise SystemExit(main())

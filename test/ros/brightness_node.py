"""depth_node with a network that takes bright for near, so that its disparity is known exactly."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


class Brightness:
    """A small regressor: disparity is the mean of red, green and blue."""

    name, window, size = 'brightness', 13, None

    def predict(self, images):
        return images.mean(axis=-1, dtype=np.float32) / 255


if __name__ == '__main__':
    from dvd_ros.ros import depth_node

    depth_node.load_regressor = lambda *_, **__: Brightness()
    raise SystemExit(depth_node.main())

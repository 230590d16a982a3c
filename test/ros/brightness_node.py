"""depth_node with a network that takes bright for near, so that its disparity is known exactly.

With names as arguments it is multi_depth_node with that network.

The model 'missing' cannot be loaded. Where all images of a window are black it fails, as a network
on a broken device does; so does loading it for the second time, in the namespace /faulty.
"""

import itertools
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


class Brightness:
    """A small regressor: disparity is the mean of red, green and blue."""

    name, window, size, on_stage = 'brightness', 13, None, None

    def prepare(self, image):
        return image.copy()

    def predict_prepared(self, prepared):
        images = np.stack(prepared)
        if not images.any():
            raise RuntimeError('all black')
        return images.mean(axis=-1, dtype=np.float32) / 255


_loads = itertools.count(1)


def load(model, **_):
    print('loads', model, flush=True)
    if model == 'missing':
        raise FileNotFoundError('no such model')
    if next(_loads) == 2 and any('/faulty' in word for word in sys.argv):
        raise RuntimeError('the device is gone')
    return Brightness()


if __name__ == '__main__':
    from dvd_ros.ros import depth_node, multi_depth_node

    depth_node.load_regressor = multi_depth_node.load_regressor = load
    named = sys.argv[1:2] not in ([], ['--ros-args'])
    raise SystemExit((multi_depth_node if named else depth_node).main())

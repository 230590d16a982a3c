"""A cheap model, and frames for it whose depth can be traced back to them."""

import numpy as np

from dvd_ros.stream import Frame

SECOND = 10 ** 9
STEP = SECOND // 30


class Luminance:
    """A model that gives red as disparity, and notes the stamps it saw through the image."""

    name = 'luminance'
    size = None

    def __init__(self, window=81):
        self.window = window
        self.lengths = []
        self.fail = False

    def predict(self, images):
        self.lengths.append(len(images))
        assert images.dtype == np.uint8
        if self.fail:
            raise RuntimeError('out of memory')
        return images[..., 0].astype(np.float32) / 255.0


def frame(number, stamp=None, size=(6, 8), frame_id='camera', intrinsics=None):
    # The image carries its number, so that disparity can be traced back to its own frame.
    image = np.zeros((*size, 3), np.uint8)
    image[..., 0] = np.arange(size[1]) * 16
    image[..., 1] = number % 251
    return Frame(image, number * STEP if stamp is None else stamp, frame_id, intrinsics)


def feed(stream, frames):
    return [done for item in frames for done in stream.push(item)]

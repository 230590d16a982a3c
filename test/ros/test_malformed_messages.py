"""Malformed messages by the thousand: only the documented errors, and never a wrong shape.

DVD_ROS_FUZZ=10000 sets how many of each kind there are (default 600); DVD_ROS_FUZZ_SEED the first.
"""

import os
import struct
from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip('sensor_msgs.msg', reason='ROS 2 is not installed here')
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest  # noqa: E402

from dvd_ros.messages.camera_info import intrinsics_of  # noqa: E402
from dvd_ros.messages.compressed_conversion import rgb_from_compressed  # noqa: E402
from dvd_ros.messages.depth_conversion import metres_from_message  # noqa: E402
from dvd_ros.messages.image_conversion import ENCODINGS, ImageError  # noqa: E402
from dvd_ros.ros.bridge import choose_converter  # noqa: E402
from dvd_ros.ros.camera_frame_reader import CameraFrameReader  # noqa: E402
from dvd_ros.ros.depth_messages import camera_info  # noqa: E402
from dvd_ros.ros.depth_parameters import CameraConfig  # noqa: E402

COUNT = int(os.environ.get('DVD_ROS_FUZZ', '600'))
SEED = int(os.environ.get('DVD_ROS_FUZZ_SEED', '0'))
ODD = (0, 1, 2, 3, 7, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e-320, 1e308, -1e308, float('nan'), float('inf'), -float('inf'))
NAMES = (*ENCODINGS, '32FC1', '16UC1', '8UC3', '', 'RGB8', 'nv12', 'rgb8\0', 'x' * 3000, '\udcff')
SIZES = ((8, 6), (1, 1), (7, 5), (64, 1))


def rng_of(kind, number):
    return np.random.default_rng([SEED, sum(kind.encode()), number])


def pick(rng, values):
    return values[rng.integers(len(values))]


def image(rng):
    """An image whose fields nearly fit each other, or do not at all."""
    width, height = pick(rng, SIZES)
    encoding = pick(rng, NAMES)
    layout = ENCODINGS.get(encoding)
    step = width * (layout.channels * np.dtype(layout.dtype).itemsize if layout else 4)
    step += int(pick(rng, (0, 0, 0, 1, 3, 8)))
    fields = {'width': width, 'height': height, 'encoding': encoding, 'step': step,
              'is_bigendian': int(pick(rng, (0, 0, 1, 255)))}
    size = step * height
    for name in ('width', 'height', 'step'):
        if rng.random() < 0.15:
            fields[name] = int(pick(rng, ODD))
    if rng.random() < 0.3:
        size = int(pick(rng, (0, 1, size - 1, size + 1, 2 * size, 17)))
    fields['data'] = array('B', rng.integers(0, 256, max(size, 0), np.uint8).tobytes())
    return SimpleNamespace(**fields) if '\udcff' in encoding else Image(**fields)


def compressed(rng):
    """A JPEG or PNG that was cut, overwritten or stretched, or no picture at all."""
    width, height = pick(rng, SIZES)
    kind = pick(rng, ('.jpg', '.png'))
    channels = pick(rng, ((), (3,), (4,))) if kind == '.png' else pick(rng, ((), (3,)))
    dtype = pick(rng, (np.uint8, np.uint16)) if kind == '.png' else np.uint8
    pixels = rng.integers(0, np.iinfo(dtype).max, (height, width, *channels), dtype)
    data = bytearray(cv2.imencode(kind, pixels)[1].tobytes())
    how = rng.integers(7)
    if how == 0:
        data = data[:rng.integers(len(data))]
    elif how == 1:
        for at in rng.integers(0, len(data), rng.integers(1, 20)):
            data[at] = rng.integers(256)
    elif how == 2:
        data = bytearray(rng.integers(0, 256, rng.integers(200), np.uint8).tobytes())
    elif how == 3 and kind == '.png':
        data[16:24] = struct.pack('>II', int(pick(rng, ODD)), int(pick(rng, ODD)))
    elif how == 4:
        at = rng.integers(len(data))
        data[at:at] = rng.integers(0, 256, rng.integers(1, 300), np.uint8).tobytes()
    elif how == 5:
        data = data[:2] + bytearray(rng.integers(0, 256, 50, np.uint8).tobytes()) + data[2:]
    return CompressedImage(format=pick(rng, ('jpeg', 'png', '', 'bayer_rggb8; png', 'bayer_;',
                                             'bayer_grbg16; jpeg compressed ', ';;;')),
                           data=array('B', bytes(data)))


def info(rng):
    """A camera_info of which some numbers are out of all bounds."""
    def numbers(base):
        values = np.array(base, float)
        for at in np.flatnonzero(rng.random(len(values)) < 0.08):
            values[at] = pick(rng, NUMBERS)
        return values

    def size(value):
        return value if rng.random() < 0.85 else int(pick(rng, ODD))

    roi = RegionOfInterest()
    if rng.random() < 0.3:
        roi = RegionOfInterest(x_offset=size(2), y_offset=size(1), width=size(4), height=size(4))
    count = int(pick(rng, (0, 1, 4, 5, 8, 12, 14, 20)))
    return CameraInfo(
        width=size(8), height=size(6), k=numbers([9, 0, 4, 0, 9, 3, 0, 0, 1]),
        p=numbers([8, 0, 4, 0, 0, 8, 3, 0, 0, 0, 1, 0]), r=numbers(np.eye(3).ravel()),
        d=[float(x) for x in numbers(rng.normal(0, 0.1, count))], roi=roi,
        binning_x=size(1), binning_y=size(1),
        distortion_model=pick(rng, ('plumb_bob', 'rational_polynomial', 'equidistant', '', 'odd')))


def test_images_are_read_or_refused():
    to_rgb = choose_converter()[0]
    outcomes = {True: 0, False: 0}
    for number in range(COUNT):
        message = image(rng_of('image', number))
        for read in (to_rgb, metres_from_message):
            try:
                got = read(message)
            except ImageError:
                outcomes[False] += 1
                continue
            assert got.shape[:2] == (message.height, message.width), number
            outcomes[True] += 1
    assert min(outcomes.values()) > COUNT // 20, outcomes


def test_compressed_images_are_read_or_refused():
    outcomes = {True: 0, False: 0}
    for number in range(COUNT):
        message = compressed(rng_of('compressed', number))
        try:
            got = rgb_from_compressed(message)
        except ImageError:
            outcomes[False] += 1
            continue
        assert (got.dtype, got.ndim, got.shape[2]) == (np.uint8, 3, 3), number
        outcomes[True] += 1
    assert min(outcomes.values()) > COUNT // 20, outcomes


def test_camera_infos_are_used_or_refused():
    outcomes = {True: 0, False: 0}
    for number in range(COUNT):
        message = info(rng_of('info', number))
        try:
            found = intrinsics_of(message, 8, 6)
        except ValueError:
            outcomes[False] += 1
            continue
        assert (found.width, found.height) == (8, 6), number
        camera_info(found, message)
        outcomes[True] += 1
    assert min(outcomes.values()) > COUNT // 20, outcomes


@pytest.mark.parametrize('undistort', [False, True])
def test_frames_are_made_or_refused(undistort):
    """The whole way of a message to a frame of the stream, with whatever came as camera_info."""
    outcomes = {True: 0, False: 0}
    for number in range(COUNT):
        rng = rng_of('frame', number)
        told = []
        reader = CameraFrameReader(CameraConfig(undistort=undistort), choose_converter()[0]
                                   if number % 50 == 0 else _own, 4, told.append)
        reader.add_info(info(rng))
        message = image(rng)
        message = message if number % 2 else Image(
            width=8, height=6, encoding='rgb8', step=24, data=array('B', bytes(144)))
        if isinstance(message, SimpleNamespace):
            continue
        try:
            frame = reader.read(message)
        except ImageError:
            outcomes[False] += 1
            continue
        assert frame.image.shape == (message.height, message.width, 3), number
        assert len(told) <= 2
        outcomes[True] += 1
    assert min(outcomes.values()) > COUNT // 20, outcomes


def _own(message):
    from dvd_ros.messages.image_conversion import rgb_from_message

    return rgb_from_message(message)

"""CameraInfo to rectified frames: binning, region of interest, every distortion model."""

import numpy as np
import pytest

pytest.importorskip('sensor_msgs.msg', reason='ROS 2 is not installed here')
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest  # noqa: E402

from dvd_ros.messages.camera_info import intrinsics_of  # noqa: E402
from dvd_ros.messages.image_conversion import ImageError, fill_image, rgb_from_message  # noqa: E402
from dvd_ros.ros.camera_frame_reader import CameraFrameReader  # noqa: E402
from dvd_ros.ros.depth_parameters import CameraConfig  # noqa: E402

D = [-0.3, 0.1, 0.0, 0.0, 0.0]


def camera(**changed):
    return CameraInfo(**{
        'width': 160, 'height': 120, 'distortion_model': 'plumb_bob', 'd': D,
        'k': np.array([100.0, 0, 80, 0, 100, 60, 0, 0, 1]), 'r': np.eye(3).ravel(),
        'p': np.array([90.0, 0, 79.5, -9, 0, 90, 59.5, 0, 0, 0, 1, 0])} | changed)


def reader(info, told=None, **changed):
    made = CameraFrameReader(CameraConfig(undistort=True, **changed), rgb_from_message, 4,
                             (told if told is not None else []).append)
    if info is not None:
        made.add_info(info)
    return made


def message(width=160, height=120):
    """The picture of a lens: rings, at equal steps of the angle's tangent before distortion."""
    u, v = np.meshgrid((np.arange(width) + 0.5) * 160 / width - 0.5,
                       (np.arange(height) + 0.5) * 120 / height - 0.5)
    x, y = (u - 80) / 100, (v - 60) / 100
    distorted = np.hypot(x, y)
    radius = distorted.copy()
    for _ in range(30):  # r_d = r (1 + k1 r^2 + k2 r^4)
        radius = distorted / (1 + D[0] * radius**2 + D[1] * radius**4)
    grey = np.clip(250 * radius, 0, 255).astype(np.uint8)
    return fill_image(Image(), np.repeat(grey[..., None], 3, -1), 'rgb8')


def expected(intrinsics):
    u, v = np.meshgrid(np.arange(intrinsics.width), np.arange(intrinsics.height))
    radius = np.hypot((u - intrinsics.cx) / intrinsics.fx, (v - intrinsics.cy) / intrinsics.fy)
    return np.clip(250 * radius, 0, 255)


@pytest.mark.parametrize(('width', 'height', 'binning'), [(160, 120, 0), (80, 60, 2)])
def test_the_rectified_image_is_that_of_the_published_camera(width, height, binning):
    info = camera(binning_x=binning, binning_y=binning)
    frame = reader(info).read(message(width, height))
    assert frame.intrinsics == intrinsics_of(info, width, height)
    seen = frame.image[..., 0] > 0
    off = np.abs(frame.image[..., 0].astype(float) - expected(frame.intrinsics))[seen]
    assert np.percentile(off, 99) < 6.0
    plain = frame.camera_info
    assert (plain.width, plain.height) == (width, height)
    assert not any(plain.d)
    assert np.allclose(np.reshape(plain.p, (3, 4))[:, :3], np.reshape(plain.k, (3, 3)))
    assert plain.p[3] == pytest.approx(-9 * width / 160)


def test_a_region_of_interest_is_rectified_as_the_part_that_it_is():
    whole = reader(camera()).read(message())
    image = message()
    pixels = rgb_from_message(image)[20:100, 30:130]
    roi = RegionOfInterest(x_offset=30, y_offset=20, width=100, height=80)
    part = reader(camera(roi=roi)).read(fill_image(Image(), np.ascontiguousarray(pixels), 'rgb8'))
    assert part.intrinsics.cx == pytest.approx(49.5)
    difference = np.abs(part.image.astype(int) - whole.image[20:100, 30:130])
    assert difference[8:-8, 8:-8].max() <= 1


def test_what_cannot_be_rectified_is_refused_and_what_needs_not_is_left():
    with pytest.raises(ImageError, match='no message on camera_info; undistort needs it'):
        reader(None).read(message())
    with pytest.raises(ImageError, match='not known'):
        reader(camera(distortion_model='odd')).read(message())
    told = []
    plain = camera(d=[0.0] * 5, p=np.zeros(12))
    image = message()
    made = reader(plain, told)
    for _ in range(2):
        assert np.array_equal(made.read(image).image, rgb_from_message(image))
    assert len(told) == 1


def test_depth_may_be_in_a_frame_of_another_name():
    image = message()
    image.header.frame_id = 'camera_link'
    assert reader(camera()).read(image).frame_id == 'camera_link'
    assert reader(camera(), camera_frame='optical').read(image).frame_id == 'optical'

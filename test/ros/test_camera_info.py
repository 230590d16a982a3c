"""CameraInfo to intrinsics and back, for all that may differ between calibration and image."""

import numpy as np
import pytest

pytest.importorskip('sensor_msgs.msg', reason='ROS 2 is not installed here')
from sensor_msgs.msg import CameraInfo, RegionOfInterest  # noqa: E402

from dvd_ros.geometry import Intrinsics  # noqa: E402
from dvd_ros.messages.camera_info import CameraInfos, intrinsics_of  # noqa: E402
from dvd_ros.messages.stamps import nanoseconds
from dvd_ros.ros.depth_messages import (
    camera_info,  # noqa: E402
    header,  # noqa: E402
)


def calibrated(**changed):
    """A rectified right camera of a stereo pair: K and P differ, P has a baseline."""
    return CameraInfo(**{
        'width': 640, 'height': 480, 'distortion_model': 'plumb_bob',
        'd': [0.1, 0.01, 0.0, 0.0, 0.0],
        'k': np.array([520.0, 0, 310, 0, 530, 250, 0, 0, 1]),
        'r': np.eye(3).ravel(),
        'p': np.array([500.0, 0, 320, -60, 0, 510, 240, 0, 0, 0, 1, 0]),
    } | changed)


def test_projection_counts_and_k_where_there_is_none():
    assert intrinsics_of(calibrated(), 640, 480) == Intrinsics(640, 480, 500, 510, 320, 240)
    bare = calibrated(p=np.zeros(12))
    assert intrinsics_of(bare, 640, 480) == Intrinsics(640, 480, 520, 530, 310, 250)


def test_region_of_interest_moves_the_principal_point():
    roi = RegionOfInterest(x_offset=100, y_offset=40, width=320, height=240)
    got = intrinsics_of(calibrated(roi=roi), 320, 240)
    assert got == Intrinsics(320, 240, 500, 510, 220, 200)


def test_binned_image_is_scaled():
    got = intrinsics_of(calibrated(binning_x=2, binning_y=2), 320, 240)
    assert (got.fx, got.fy) == (250, 255)
    assert (got.cx, got.cy) == (320.5 / 2 - 0.5, 240.5 / 2 - 0.5)


@pytest.mark.parametrize('changed', [
    {'k': np.zeros(9), 'p': np.zeros(12)}, {'width': 0, 'height': 0},
])
def test_a_camera_that_is_not_calibrated_is_an_error(changed):
    with pytest.raises(ValueError, match='intrinsics need'):
        intrinsics_of(calibrated(**changed), 640, 480)


@pytest.mark.parametrize('roi', [
    RegionOfInterest(), RegionOfInterest(x_offset=64, y_offset=48, width=512, height=384),
])
def test_the_same_point_is_seen_in_the_same_place(roi):
    """A direction falls on the same spot of the picture before and after, through K and P."""
    original = calibrated(roi=roi)
    width, height = 160, 120
    made = camera_info(intrinsics_of(original, width, height), original)
    seen = (roi.width or 640, roi.height or 480)
    for name, shape in (('k', (3, 3)), ('p', (3, 4))):
        old, new = (np.reshape(getattr(info, name), shape) for info in (original, made))
        direction = np.array([0.2, -0.1, 1.0, 1.0][:shape[1]])
        u, v, w = old @ direction
        spot = ((u / w - roi.x_offset + 0.5) / seen[0], (v / w - roi.y_offset + 0.5) / seen[1])
        u, v, w = new @ direction
        assert spot == pytest.approx(((u / w + 0.5) / width, (v / w + 0.5) / height))
    assert (made.width, made.height) == (width, height)
    assert list(made.d) == list(original.d)
    assert made.roi == RegionOfInterest()


def test_scaling_back_gives_the_intrinsics():
    intrinsics = Intrinsics(320, 240, 300.0, 310.0, 155.0, 118.0)
    assert intrinsics_of(camera_info(intrinsics, None), 320, 240) == intrinsics


def test_infos_are_found_by_stamp_else_the_newest():
    infos = CameraInfos(3)
    assert infos.find(1) is None
    for stamp in (1, 2, 3, 4):
        infos.add(CameraInfo(header=header(stamp, ''), width=stamp))
    assert infos.find(3).width == 3
    assert infos.find(99).width == 4
    assert infos.find(1).width == 4  # forgotten


@pytest.mark.parametrize('stamp', [0, 1, 999_999_999, 1_000_000_000, 1_795_288_427_859_074_086])
def test_stamps_survive(stamp):
    assert nanoseconds(header(stamp, '').stamp) == stamp

"""The cloud of a depth image: points, colours, decimation, limits and rate."""

import numpy as np
import pytest

pytest.importorskip('sensor_msgs.msg', reason='ROS 2 is not installed here')
from std_msgs.msg import Header  # noqa: E402

from dvd_ros.geometry import Intrinsics, pack_rgb, points_from_depth  # noqa: E402
from dvd_ros.messages.cloud_message import CloudMaker, CloudRate  # noqa: E402
from dvd_ros.messages.output_config import OutputConfig  # noqa: E402
from dvd_ros.ros.depth_messages import TYPES  # noqa: E402

CAMERA = Intrinsics(9, 6, 12.0, 13.0, 4.5, 2.0)


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 8.0, (6, 9)).astype(np.float32)
    depth[0, 0], depth[0, 1] = np.nan, np.inf
    return depth, rng.integers(0, 256, (6, 9, 3), dtype=np.uint8), rng.random((6, 9), np.float32)


def made(scene, confidence=False, maker=None, **changed):
    depth, image, sure = scene
    message = (maker or CloudMaker(TYPES)).make(depth, image, sure if confidence else None, CAMERA,
                                           Header(frame_id='cam'), OutputConfig(**changed))
    assert len(message.data) == message.height * message.row_step
    return message, np.frombuffer(message.data, np.float32).reshape(
        message.height, message.width, 4)


def test_points_and_colours_are_those_of_the_depth_image(scene):
    maker = CloudMaker(TYPES)
    for _ in range(2):  # the second time with the rays of the first
        message, points = made(scene, maker=maker)
        assert (message.height, message.width, message.is_dense) == (6, 9, False)
        expected = points_from_depth(scene[0], CAMERA)
        assert np.allclose(points[..., :3], expected, equal_nan=True, rtol=1e-6)
        assert np.array_equal(points[..., 3].view(np.uint32), pack_rgb(scene[1]).view(np.uint32))


def test_decimation_takes_every_nth_pixel_as_it_was(scene):
    whole, part = made(scene)[1], made(scene, cloud_decimation=4)[1]
    assert part.shape[:2] == (2, 3)
    assert np.allclose(part[..., :3], whole[::4, ::4, :3], equal_nan=True, rtol=1e-5)
    assert np.array_equal(part[..., 3].view(np.uint32), whole[::4, ::4, 3].view(np.uint32))


def test_limits_of_depth_and_confidence_make_holes(scene):
    depth, _, sure = scene
    points = made(scene, confidence=True, cloud_min_depth=2.0, cloud_max_depth=6.0,
                  cloud_min_confidence=0.4)[1]
    kept = (depth > 2.0) & (depth <= 6.0) & (sure >= 0.4)
    assert 0 < kept.sum() < depth.size
    assert np.array_equal(np.isfinite(points[..., :3]).all(-1), kept)
    assert not np.isfinite(points[..., :3]).any(-1)[~kept].any()


@pytest.mark.parametrize(('camera', 'rate', 'expected'), [
    (30, 0.0, 90), (30, 30.0, 90), (30, 10.0, 30), (30, 7.0, 21), (10, 30.0, 30)])
def test_the_rate_holds_on_the_average(camera, rate, expected):
    clouds = CloudRate()
    stamps = [round(i * 1e9 / camera) for i in range(3 * camera)]
    assert sum(clouds.due(stamp, rate) for stamp in stamps) == pytest.approx(expected, abs=1)
    # A clock set back, or forth, does not silence it.
    assert clouds.due(-5 * 10**9, rate)
    assert clouds.due(10**12, rate)


@pytest.mark.parametrize('changed', [
    {'cloud_min_depth': 3.0, 'cloud_max_depth': 2.0}, {'cloud_decimation': 0},
    {'min_confidence': 1.5}, {'cloud_rate': -1.0}, {'depth_encoding': '8UC1'}])
def test_a_bad_setting_is_named_with_its_value(changed):
    with pytest.raises(ValueError, match=str(list(changed.values())[-1])):
        OutputConfig(**changed)

"""The choice between cv_bridge and our converter, and that both read the same pixels."""

import sys
from types import ModuleType

import numpy as np
import pytest

from dvd_ros.messages.image_conversion import ENCODINGS, ImageError, fill_image, rgb_from_message

sensor_msgs = pytest.importorskip('sensor_msgs.msg', reason='ROS 2 is not installed here')
from dvd_ros.ros.bridge import choose_converter  # noqa: E402


def image(encoding, pad=0):
    layout = ENCODINGS[encoding]
    sample = np.random.default_rng(3).integers(
        0, np.iinfo(layout.dtype).max + 1, (12, 16 + pad, layout.channels), dtype=layout.dtype
    )
    message = fill_image(sensor_msgs.Image(), sample, encoding)
    message.width = 16
    return message


class StandIn:
    """A cv_bridge that reads rgb8 only, as partly broken copies do, and marks what it read."""

    def imgmsg_to_cv2(self, message, desired_encoding):
        assert desired_encoding == 'rgb8'
        if message.encoding != 'rgb8':
            raise KeyError(message.encoding)
        return np.full((message.height, message.width, 3), 77, np.uint8)


@pytest.fixture
def install(monkeypatch):
    def replace(bridge):
        module = ModuleType('cv_bridge')
        module.CvBridge = bridge
        monkeypatch.setitem(sys.modules, 'cv_bridge', module)

    return replace


@pytest.fixture(scope='module')
def real_bridge():
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        bridge.imgmsg_to_cv2(image('rgb8'), 'rgb8')
    except Exception as error:
        pytest.skip(f'cv_bridge does not work here: {type(error).__name__}: {error}')
    return bridge


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_same_pixels_as_cv_bridge(real_bridge, encoding):
    try:
        expected = real_bridge.imgmsg_to_cv2(image(encoding), 'rgb8')
    except Exception as error:
        pytest.skip(f'this cv_bridge does not convert {encoding}: {type(error).__name__}: {error}')
    assert np.array_equal(rgb_from_message(image(encoding)), expected)


@pytest.mark.parametrize('pad', [0, 3])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_choice_with_cv_bridge_reads_all(real_bridge, encoding, pad):
    to_rgb, told = choose_converter()
    assert told.startswith('cv_bridge')
    assert np.array_equal(to_rgb(image(encoding, pad)), rgb_from_message(image(encoding, pad)))


def test_absent_bridge_is_replaced(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    to_rgb, told = choose_converter()
    assert to_rgb is rgb_from_message
    assert 'does not import' in told


def test_bridge_that_breaks_on_import_is_replaced(install):
    def broken():
        raise AttributeError('_ARRAY_API not found')

    install(broken)
    assert choose_converter()[0] is rgb_from_message


def test_bridge_that_converts_nothing_is_replaced(install):
    install(lambda: object())
    to_rgb, told = choose_converter()
    assert to_rgb is rgb_from_message
    assert 'does not convert' in told


def test_bridge_reads_what_it_can_and_ours_the_rest(install):
    install(StandIn)
    to_rgb, told = choose_converter()
    assert (to_rgb(image('rgb8')) == 77).all()
    assert np.array_equal(to_rgb(image('yuyv')), rgb_from_message(image('yuyv')))
    assert 'yuyv' in told
    assert told.startswith('cv_bridge')


def test_bridge_is_not_given_rows_it_would_skew(install):
    install(StandIn)
    to_rgb, _ = choose_converter()
    assert np.array_equal(to_rgb(image('rgb8', 3)), rgb_from_message(image('rgb8', 3)))


def test_malformed_image_is_the_same_error_with_cv_bridge(install):
    install(StandIn)
    broken = image('rgb8')
    broken.step = 10
    with pytest.raises(ImageError, match='step 10'):
        choose_converter()[0](broken)

from dataclasses import fields

import numpy as np
import pytest

from dvd_ros.geometry import Intrinsics
from dvd_ros.stream import Frame, StreamConfig


@pytest.mark.parametrize(('setting', 'value'), [
    ('window', 12), ('window', 0), ('window', -3), ('overlap', 13), ('overlap', -1),
    ('stride', -1), ('stride', 9), ('rule', 'best'), ('latency', 'none'),
    ('max_gap', 0.0), ('max_gap', float('nan')),
    ('max_backstep', -0.1)])
def test_a_bad_setting_is_named_with_its_value(setting, value):
    with pytest.raises(ValueError) as error:
        StreamConfig(**{setting: value})
    assert str(value) in str(error.value) or repr(value) in str(error.value)
    assert setting in str(error.value)


def test_a_stride_leaves_the_overlap():
    assert StreamConfig(window=9, overlap=3, stride=6).stride == 6
    with pytest.raises(ValueError, match=r'1\.\.window-overlap = 1\.\.6 .*got 7'):
        StreamConfig(window=9, overlap=3, stride=7)


def test_every_setting_explains_itself():
    assert all(option.metadata['help'] for option in fields(StreamConfig))


@pytest.mark.parametrize('image', [
    np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8),
    np.zeros((4, 4, 3), np.float32), None])
def test_a_frame_needs_an_rgb_image(image):
    with pytest.raises(ValueError, match='image'):
        Frame(image, 0)


def test_a_frame_refuses_the_intrinsics_of_another_size():
    with pytest.raises(ValueError, match='scaled'):
        Frame(np.zeros((4, 6, 3), np.uint8), 0, '', Intrinsics(12, 8, 5.0, 5.0, 5.5, 3.5))

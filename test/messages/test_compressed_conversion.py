"""JPEG and PNG messages to RGB, and what is refused."""

import struct
from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dvd_ros.messages.compressed_conversion import rgb_from_compressed
from dvd_ros.messages.image_conversion import ImageError


def picture():
    """Flat quarters: JPEG keeps them, and so does demosaicing within."""
    image = np.empty((32, 48, 3), np.uint8)
    image[:16, :24], image[:16, 24:] = (200, 30, 40), (20, 180, 60)
    image[16:, :24], image[16:, 24:] = (10, 40, 220), (250, 250, 250)
    return image


def message(pixels, kind, text=None):
    data = array('B', cv2.imencode(f'.{kind}', pixels)[1].tobytes())
    return SimpleNamespace(format=kind if text is None else text, data=data)


@pytest.mark.parametrize('text', ['jpeg', 'rgb8; jpeg compressed bgr8', '', 'nonsense'])
def test_jpeg(text):
    got = rgb_from_compressed(message(picture()[..., ::-1], 'jpg', text))
    assert np.abs(got.astype(int) - picture())[4:12, 4:20].max() <= 4
    assert (got.shape, got.dtype) == ((32, 48, 3), np.uint8)


def test_png_is_exact_whatever_its_channels():
    rgb = picture()
    alpha = np.dstack([rgb[..., ::-1], np.full((32, 48), 7, np.uint8)])
    wide = rgb[..., ::-1].astype(np.uint16) * 257
    grey = rgb[..., :1].repeat(3, -1)
    for pixels, expected in ((rgb[..., ::-1], rgb), (alpha, rgb), (wide, rgb), (rgb[..., 0], grey),
                             (rgb[..., 0].astype(np.uint16) * 257, grey)):
        assert np.array_equal(rgb_from_compressed(message(pixels, 'png')), expected)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_is_demosaiced(pattern):
    rgb, mosaic = picture(), np.empty((32, 48), np.uint8)
    for index, colour in enumerate(pattern):
        y, x = divmod(index, 2)
        mosaic[y::2, x::2] = rgb[y::2, x::2, 'rgb'.index(colour)]
    text = f'bayer_{pattern}8; png compressed bayer_{pattern}8'
    got = rgb_from_compressed(message(mosaic, 'png', text))
    assert np.array_equal(got[4:12, 4:20], rgb[4:12, 4:20])


def broken(how):
    png, jpeg = (message(picture(), kind).data.tobytes() for kind in ('png', 'jpg'))
    huge = png[:16] + struct.pack('>II', 60000, 60000) + png[24:]
    return {'nothing': b'', 'text': b'hello, this is no image at all', 'cut': png[:60],
            'header alone': jpeg[:30], 'huge': huge,
            'empty': png[:16] + struct.pack('>II', 0, 9) + png[24:],
            'zeros': png[:30] + bytes(len(png) - 30), 'bmp': b'BM' + bytes(90)}[how]


@pytest.mark.parametrize(('how', 'told'), [
    ('nothing', 'begins with nothing'), ('text', 'needed is JPEG or PNG'), ('cut', 'not decode'),
    ('header alone', 'without a frame header'), ('huge', '60000x60000'), ('empty', '0x9'),
    ('zeros', 'not decode'), ('bmp', 'needed is JPEG or PNG')])
def test_what_is_no_image_is_refused(how, told):
    with pytest.raises(ImageError, match=told):
        rgb_from_compressed(SimpleNamespace(format='png', data=array('B', broken(how))))

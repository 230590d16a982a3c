"""Image messages to RGB: every encoding, padding, byte order, and what is refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from dvd_ros.messages.image_conversion import ENCODINGS, ImageError, fill_image, rgb_from_message

# Colours with a flat 2x2 neighbourhood, so that demosaicing and chroma subsampling keep them.
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def message(pixels, encoding, pad=0, big=False, changed=()):
    """An object with the fields of sensor_msgs/Image; `pad` bytes of rubbish end each row."""
    pixels = np.asarray(pixels)
    pixels = pixels.astype(pixels.dtype.newbyteorder('>' if big else '<'))
    rows = pixels.reshape(pixels.shape[0], -1).view(np.uint8)
    rows = np.concatenate([rows, np.full((len(rows), pad), 0xA5, np.uint8)], axis=1)
    fields = {
        'height': pixels.shape[0],
        'width': pixels.shape[1],
        'encoding': encoding,
        'is_bigendian': int(big),
        'step': rows.shape[1],
        'data': rows.tobytes(),
    }
    return SimpleNamespace(**(fields | dict(changed)))


def random_rgb(dtype=np.uint8):
    return np.random.default_rng(7).integers(0, np.iinfo(dtype).max + 1, (6, 8, 3), dtype=dtype)


def encoded(rgb, encoding):
    """RGB [H,W,3] laid out as the encoding says."""
    if 'bayer' in encoding:
        raw = np.empty(rgb.shape[:2], rgb.dtype)
        for index, colour in enumerate(encoding[6:10]):
            y, x = divmod(index, 2)
            raw[y::2, x::2] = rgb[y::2, x::2, 'rgb'.index(colour)]
        return raw
    if encoding in ('yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv'):
        # BT.601, limited range
        r, g, b = np.moveaxis(rgb.astype(float), -1, 0)
        y = 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
        u = 128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255
        v = 128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255
        chroma = np.where(np.arange(rgb.shape[1]) % 2, v, u)
        luma_first = encoding in ('yuv422_yuy2', 'yuyv')
        pair = (y, chroma) if luma_first else (chroma, y)
        return np.stack(pair, -1).round().astype(np.uint8)
    alpha = np.full((*rgb.shape[:2], 1), 9, rgb.dtype)
    orders = {'rgb': (rgb,), 'bgr': (rgb[..., ::-1],)}
    orders |= {'rgba': (rgb, alpha), 'bgra': (rgb[..., ::-1], alpha), 'mono': (rgb[..., :1],)}
    return np.concatenate(orders[encoding.rstrip('0123456789')], -1)


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('colour', [RED, GREEN, BLUE, WHITE])
def test_flat_colour_survives_every_encoding(encoding, colour):
    if 'mono' in encoding:
        colour = (colour[0],) * 3
    dtype = ENCODINGS[encoding].dtype
    flat = np.tile(np.array(colour, dtype) * (257 if dtype == np.uint16 else 1), (6, 8, 1))
    got = rgb_from_message(message(encoded(flat, encoding), encoding))
    assert got.shape == (6, 8, 3)
    assert got.dtype == np.uint8
    inner = got[2:-2, 2:-2].astype(int)
    assert np.abs(inner - colour).max() <= (2 if ENCODINGS[encoding].even_width else 0)


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'rgba8', 'bgra8'])
def test_colour_channels_are_exact(encoding):
    rgb = random_rgb()
    assert np.array_equal(rgb_from_message(message(encoded(rgb, encoding), encoding)), rgb)


@pytest.mark.parametrize('encoding', ['rgb16', 'bgr16', 'rgba16', 'bgra16'])
@pytest.mark.parametrize('big', [False, True])
def test_wide_samples_are_scaled_in_either_byte_order(encoding, big):
    rgb = random_rgb(np.uint16)
    got = rgb_from_message(message(encoded(rgb, encoding), encoding, big=big))
    assert np.array_equal(got, np.rint(rgb * (255 / 65535)).astype(np.uint8))


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_row_padding_is_skipped(encoding):
    pixels = encoded(random_rgb(ENCODINGS[encoding].dtype), encoding)
    tight = rgb_from_message(message(pixels, encoding))
    # 10 bytes: no whole number of pixels in most encodings, as cameras with aligned rows send it
    assert np.array_equal(rgb_from_message(message(pixels, encoding, pad=10)), tight)


def test_bayer_of_odd_size_is_read():
    raw = np.full((5, 7), 90, np.uint8)
    got = rgb_from_message(message(raw, 'bayer_gbrg8'))
    assert got.shape == (5, 7, 3)
    assert (got == 90).all()


def test_yuv_orders_differ():
    pixels = encoded(random_rgb(), 'uyvy')
    swapped = message(pixels[..., ::-1], 'yuyv')
    assert np.array_equal(rgb_from_message(message(pixels, 'uyvy')), rgb_from_message(swapped))


@pytest.mark.parametrize(
    ('changed', 'told'),
    [
        ({'encoding': 'nv99'}, "'nv99' is not known.*rgb8"),
        ({'encoding': ''}, 'not known'),
        ({'encoding': '8UC3'}, 'not known'),
        ({'width': 0}, '0x6'),
        ({'height': 0}, '8x0'),
        ({'step': 23}, 'step 23.*at least 24'),
        ({'step': 0}, 'step 0'),
        ({'data': b'\0' * 143}, '143 bytes.*144'),
        ({'data': b'\0' * 145}, '145 bytes.*144'),
        ({'data': b''}, '0 bytes'),
        ({'encoding': 'yuyv', 'width': 7}, 'even width$'),
        ({'encoding': 'mono16', 'step': 23, 'data': b'\0' * 138}, 'a multiple of 2'),
    ],
)
def test_malformed_image_is_refused_by_name(changed, told):
    with pytest.raises(ImageError, match=told):
        rgb_from_message(message(random_rgb(), 'rgb8', changed=changed))


def test_array_to_message_and_back():
    rgb = random_rgb()
    sent = fill_image(SimpleNamespace(), rgb[:, ::-1], 'rgb8')
    assert (sent.height, sent.width, sent.step, sent.is_bigendian) == (6, 8, 24, 0)
    assert sent.data.typecode == 'B'  # any other container costs rclpy tens of milliseconds
    assert np.array_equal(rgb_from_message(sent), rgb[:, ::-1])


def test_float_image_keeps_its_bits():
    depth = np.array([[1.5, np.nan], [np.inf, 0.25]], np.float32)
    sent = fill_image(SimpleNamespace(), depth, '32FC1')
    assert sent.step == 8
    assert np.array_equal(np.frombuffer(sent.data, np.float32), depth.ravel(), equal_nan=True)

"""depth_node as a process: what arrives over DDS for the images that this process publishes."""

import numpy as np
import pytest
from depth_camera import (
    FAR,
    NEAR,
    OVERLAP,
    SECOND,
    SIZE,
    WINDOW,
    Camera,
    intrinsics,
    picture,
    start,
)


@pytest.fixture(scope='module')
def node(start_node_for_session, tiny_model):
    process = start(start_node_for_session, '/front', tiny_model)
    process.wait_for_log('waiting for images')
    yield process
    process.kill()


@pytest.fixture(scope='module')
def primed(node, peer):
    camera = Camera(peer, '/front')
    camera.prime()
    return camera


@pytest.fixture
def camera(primed, node):
    """A camera whose node has published all that it has and begins a new segment."""
    primed.peer.linger(0.2)
    primed.peer.clear()
    yield primed
    assert node.alive(), node.log()
    primed._stamp += 10 * SECOND


def floats(message):
    return np.frombuffer(message.data, np.float32).reshape(message.height, message.width, -1)


def test_every_image_is_answered_once_in_order(camera):
    sent = [camera.send(picture(i)) for i in range(12)]
    camera.wait_for(12, 'depth', 'camera_info', 'points', 'disparity')
    camera.peer.linger(1.5)
    for name in ('depth', 'camera_info', 'points', 'disparity'):
        assert camera.stamps(name) == sent
        assert {message.header.frame_id for message in camera.got(name)} == {'cam_optical'}


def test_depth_is_metres_of_the_disparity(camera):
    for i in range(6):
        camera.send(picture(i))
    camera.wait_for(6, 'depth', 'disparity')
    for depth, disparity in zip(camera.got('depth'), camera.got('disparity'), strict=True):
        for image in (depth, disparity):
            assert (image.height, image.width) == SIZE
            assert image.encoding == '32FC1'
            assert image.step == 4 * SIZE[1]
            assert len(image.data) == image.height * image.step
        d, z = floats(disparity)[..., 0], floats(depth)[..., 0]
        assert d.std() > 0
        expected = 1 / (1 / FAR + d.astype(float) * (1 / NEAR - 1 / FAR))
        assert np.allclose(z, expected, rtol=1e-4, equal_nan=True)


def test_cloud_is_the_depth_seen_through_the_camera(camera):
    pictures = [picture(20 + i) for i in range(5)]
    for pixels in pictures:
        camera.send(pixels)
    camera.wait_for(5, 'points', 'depth', 'camera_info')
    for pixels, cloud, depth, info in zip(
        pictures, camera.got('points'), camera.got('depth'), camera.got('camera_info'), strict=True
    ):
        assert [field.name for field in cloud.fields] == ['x', 'y', 'z', 'rgb']
        assert (cloud.height, cloud.width) == SIZE
        assert not cloud.is_dense
        assert cloud.row_step == cloud.point_step * cloud.width
        x, y, z, rgb = np.moveaxis(floats(cloud), -1, 0)
        assert np.array_equal(z, floats(depth)[..., 0], equal_nan=True)
        v, u = np.mgrid[:SIZE[0], :SIZE[1]]
        k = np.reshape(info.k, (3, 3))
        assert np.allclose(k, intrinsics(SIZE[1], SIZE[0]))
        assert np.allclose(x, (u - k[0, 2]) / k[0, 0] * z, atol=1e-4, equal_nan=True)
        assert np.allclose(y, (v - k[1, 2]) / k[1, 1] * z, atol=1e-4, equal_nan=True)
        packed = np.ascontiguousarray(rgb).view(np.uint32)
        colours = np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], -1)
        assert np.array_equal(colours, pixels)


def test_every_encoding_arrives_as_the_same_picture(camera):
    rgb = picture(3)
    grey = np.repeat(rgb[..., :1], 3, -1)
    alpha = np.full((*SIZE, 1), 200, np.uint8)
    # a grey picture as YUV 4:2:2: luminance in the limited range, chrominance 128
    luma = (16 + grey[..., :1].astype(float) * 219 / 255).round().astype(np.uint8)
    neutral = np.full_like(luma, 128)
    wide = rgb.astype(np.uint16) * 257
    cases = {
        'rgb8': (rgb, rgb), 'bgr8': (rgb[..., ::-1], rgb), 'mono8': (grey[..., 0], grey),
        'rgba8': (np.concatenate([rgb, alpha], -1), rgb),
        'bgra8': (np.concatenate([rgb[..., ::-1], alpha], -1), rgb),
        'yuv422': (np.concatenate([neutral, luma], -1), grey),
        'uyvy': (np.concatenate([neutral, luma], -1), grey),
        'yuv422_yuy2': (np.concatenate([luma, neutral], -1), grey),
        'yuyv': (np.concatenate([luma, neutral], -1), grey),
        'rgb16': (wide, rgb), 'bgr16': (wide[..., ::-1], rgb), 'mono16': (wide[..., 0], grey),
    }
    for pattern in ('rggb', 'bggr', 'gbrg', 'grbg'):
        mosaic = np.empty(SIZE, np.uint8)
        for index, colour in enumerate(pattern):
            y, x = divmod(index, 2)
            mosaic[y::2, x::2] = rgb[y::2, x::2, 'rgb'.index(colour)]
        cases[f'bayer_{pattern}8'] = (mosaic, rgb)
        cases[f'bayer_{pattern}16'] = (mosaic.astype(np.uint16) * 257, rgb)
    for encoding, (pixels, _) in cases.items():
        camera.send(np.ascontiguousarray(pixels), encoding)
    camera.wait_for(len(cases), 'points')
    inner = np.zeros(SIZE, bool)
    for y in range(2, 6):  # away from the borders of the 8x8 blocks, which demosaicing blurs
        for x in range(2, 6):
            inner[y::8, x::8] = True
    for (encoding, (_, expected)), cloud in zip(cases.items(), camera.got('points'), strict=True):
        packed = np.ascontiguousarray(floats(cloud)[..., 3]).view(np.uint32)
        colours = np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], -1).astype(int)
        off = np.abs(colours - expected)[inner].max()
        assert off <= (1 if 'yuv' in encoding or encoding in ('uyvy', 'yuyv') else 0), encoding


def test_camera_info_is_scaled_to_the_image(camera):
    for i in range(5):
        camera.send(picture(i), calibrated=(2 * SIZE[1], 2 * SIZE[0]))
    camera.wait_for(5, 'camera_info', 'points')
    full = intrinsics(2 * SIZE[1], 2 * SIZE[0])
    for info in camera.got('camera_info'):
        assert (info.width, info.height) == SIZE[::-1]
        k, p = np.reshape(info.k, (3, 3)), np.reshape(info.p, (3, 4))
        for matrix in (k, p):
            assert np.allclose([matrix[0, 0], matrix[1, 1]], [full[0, 0] / 2, full[1, 1] / 2])
            # half as many pixels over the same picture, whose border is half a pixel outside
            assert np.allclose(matrix[:2, 2], (full[:2, 2] + 0.5) / 2 - 0.5)
        assert p[0, 3] == pytest.approx(-3.5)
        assert list(info.d) == [0.1, -0.2, 0.0, 0.0, 0.0]
        assert (info.roi.width, info.binning_x) == (0, 0)


def test_alignment_tells_of_every_window(camera):
    for i in range(WINDOW + 3 * (WINDOW - OVERLAP)):
        camera.send(picture(i))
    camera.wait_for(4, 'alignment')
    camera.wait_for(14)
    messages = camera.got('alignment')
    assert [message.new_frames for message in messages] == [5, 3, 3, 3]
    assert {message.frames for message in messages} == {WINDOW}
    assert np.diff([message.window for message in messages]).tolist() == [1, 1, 1]
    assert len({message.segment for message in messages}) == 1
    assert (messages[0].scale, messages[0].shift) == (1.0, 0.0)
    assert all(message.scale > 0 for message in messages)
    depth_stamps = camera.stamps('depth')
    assert camera.stamps('alignment') == [depth_stamps[i] for i in (4, 7, 10, 13)]
    assert camera.counts()['stride'] == WINDOW - OVERLAP


def test_end_of_a_finite_stream_is_published(camera):
    sent = [camera.send(picture(i)) for i in range(WINDOW + 1)]
    camera.wait_for(WINDOW + 1)
    assert camera.stamps('depth') == sent


def test_unreadable_images_are_counted_and_survived(camera, node):
    before = camera.counts()
    good = picture(1)
    sent = [camera.send(good) for _ in range(4)]
    for changed in (
        {'encoding': 'nv99'}, {'step': 5}, {'data': b'\0' * 100}, {'width': 0, 'height': 0},
        {'height': 0, 'data': b''}, {'encoding': ''}, {'width': 2**31, 'height': 2**31},
    ):
        camera.send(good, changed=changed, info=False)
    sent += [camera.send(good) for _ in range(4)]
    camera.wait_for(8)
    assert camera.stamps('depth') == sent
    after = camera.counts()
    assert after['received'] - before['received'] == 15
    assert after['dropped_unreadable'] - before['dropped_unreadable'] == 7
    assert after['published'] - before['published'] == 8
    assert "'nv99' is not known" in node.log()


def test_new_resolution_is_a_new_segment(camera):
    small, large = SIZE, (64, 96)
    sent = [camera.send(picture(i, small)) for i in range(7)]
    sent += [camera.send(picture(i, large)) for i in range(6)]
    camera.wait_for(13, 'depth', 'camera_info')
    assert camera.stamps('depth') == sent
    sizes = [(message.height, message.width) for message in camera.got('depth')]
    assert sizes == [small] * 7 + [large] * 6
    assert sizes == [(info.height, info.width) for info in camera.got('camera_info')]
    camera.wait_for(4, 'alignment')
    segments = [message.segment for message in camera.got('alignment')]
    # Besides, this network's windows contradict each other now and then, which begins one, too.
    assert segments == sorted(segments)
    assert segments[2] == segments[1] + 1


def test_stamps_that_repeat_or_run_back(camera, node):
    before = camera.counts()
    good = [camera.send(picture(i)) for i in range(5)]
    camera.send(picture(9), stamp=good[-1])
    camera.send(picture(9), stamp=good[-2])
    good += [camera.send(picture(i)) for i in range(3)]
    camera.wait_for(8)
    assert camera.stamps('depth') == good
    after = camera.counts()
    for cause in ('dropped_repeated_stamp', 'dropped_backward_stamp'):
        assert after[cause] - before.get(cause, 0) == 1
    assert 'image dropped: repeated stamp' in node.log()


def test_a_clock_set_back_begins_a_segment(camera):
    later = [camera.send(picture(i)) for i in range(5)]
    back = [camera.send(picture(i), stamp=later[0] - 100 * SECOND + i * 33_000_000)
            for i in range(5)]
    camera.wait_for(10, 'depth')
    assert camera.stamps('depth') == later + back
    camera.wait_for(2, 'alignment')
    assert np.diff([message.segment for message in camera.got('alignment')]).tolist() == [1]

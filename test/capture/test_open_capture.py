import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvd_ros.capture import open_capture, write_clip
from dvd_ros.geometry import Intrinsics

SHARED = Path(__file__).resolve().parents[3] / 'shared' / 'data'
CAMERA = Intrinsics(64, 48, 60.0, 60.0, 31.5, 23.5)


def pictures(count, height=48, width=64):
    """Smooth colourful images; the red channel grows with the number."""
    v, u = np.mgrid[0:height, 0:width]
    return np.stack([np.stack([np.full_like(u, 20 + 8 * number), u * 3, v * 4], axis=-1)
                     for number in range(count)]).astype(np.uint8)


def write_png(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1])


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'walk.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 12.5, (64, 48))
    for image in pictures(10):
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()
    return path


def test_video_gives_rgb_at_its_own_rate_and_again(video):
    capture = open_capture(video, frame_id='cam')
    assert (capture.name, capture.rate, capture.length) == ('walk', 12.5, 10)
    assert not capture.has_truth
    assert capture.truth(0) is None
    assert not capture.live
    for _ in range(2):
        frames = list(capture)
        assert [frame.stamp for frame in frames] == [80_000_000 * i for i in range(10)]
        assert {frame.frame_id for frame in frames} == {'cam'}
        for frame, image in zip(frames, pictures(10), strict=True):
            assert np.abs(frame.image.astype(int) - image).mean() < 4


def test_rate_may_be_set(video):
    capture = open_capture(str(video), rate=5.0)
    assert capture.rate == 5.0
    assert [frame.stamp for frame in capture][:2] == [0, 200_000_000]
    for rate in (0.0, -1.0, float('nan')):
        with pytest.raises(ValueError, match='rate'):
            open_capture(video, rate=rate)


def test_a_source_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.mp4'):
        open_capture(tmp_path / 'nowhere.mp4')
    with pytest.raises(OSError, match='/dev/video98'):
        open_capture('/dev/video98')
    with pytest.raises(OSError, match='camera 98'):
        open_capture('98')


@pytest.mark.parametrize('content', [b'', b'this is no video\n' * 100])
def test_a_video_that_does_not_open(tmp_path, content):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='broken.mp4.*video'):
        open_capture(path)


def test_a_video_cut_short_ends_early(video, tmp_path):
    cut = tmp_path / 'cut.avi'
    cut.write_bytes(video.read_bytes()[:video.stat().st_size * 4 // 5])
    assert 0 < len(list(open_capture(cut))) < 10


def test_image_folder_in_natural_order(tmp_path):
    for number, image in zip((1, 2, 10, 11), pictures(4), strict=True):
        write_png(tmp_path / f'view{number}.png', image)
    (tmp_path / 'notes.txt').write_text('not an image')
    capture = open_capture(tmp_path, rate=10)
    frames = list(capture)
    assert (capture.length, capture.rate, capture.intrinsics) == (4, 10, None)
    np.testing.assert_array_equal(np.stack([frame.image for frame in frames]), pictures(4))
    assert [frame.stamp for frame in frames] == [0, 10 ** 8, 2 * 10 ** 8, 3 * 10 ** 8]


def test_folder_without_images_says_what_it_needs(tmp_path):
    with pytest.raises(ValueError, match='associations.txt'):
        open_capture(tmp_path)


def test_jpeg_cut_short_is_no_image(tmp_path):
    """OpenCV alone fills it up in grey and says nothing."""
    path = tmp_path / '0.jpg'
    write_png(path, pictures(1)[0])
    assert next(iter(open_capture(tmp_path))).image.shape == (48, 64, 3)
    path.write_bytes(path.read_bytes() + b'\0' * 100)  # what some cameras write behind
    assert next(iter(open_capture(tmp_path))).image.shape == (48, 64, 3)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ValueError, match=r'0\.jpg cannot be read'):
        next(iter(open_capture(tmp_path)))


def test_damaged_image_is_named(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'nonsense')
    with pytest.raises(ValueError, match='a.png'):
        list(open_capture(tmp_path))


def make_rgbd(folder, lines, name='associations.txt', camera=True):
    for number, image in enumerate(pictures(3)):
        write_png(folder / f'rgb/{number}.png', image)
        depth = np.full((48, 64), 1500 + number, np.uint16)
        depth[:4] = 0
        (folder / 'depth').mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f'depth/{number}.png'), depth)
    (folder / name).write_text('# list\n' + '\n'.join(lines) + '\n')
    if camera:
        (folder / 'camera.json').write_text(json.dumps(
            {**vars(CAMERA), 'depth_scale': 1000}))


ROWS = [f'1311868164.36309{n}001 rgb/{n}.png 1311868164.373 depth/{n}.png' for n in range(3)]


def test_rgbd_folder_has_stamps_intrinsics_and_truth(tmp_path):
    make_rgbd(tmp_path, ROWS)
    capture = open_capture(tmp_path)
    frames = list(capture)
    assert [frame.stamp for frame in frames] == [1311868164_363090001 + 1000 * n for n in range(3)]
    assert capture.rate == pytest.approx(1e6)
    assert capture.has_truth
    assert frames[0].intrinsics == CAMERA
    truth = capture.truth(2)
    assert truth.dtype == np.float32
    assert np.isnan(truth[:4]).all()
    np.testing.assert_allclose(truth[4:], 1.502, rtol=1e-6)
    np.testing.assert_array_equal(frames[1].image, pictures(3)[1])


def test_rgbd_folder_listed_depth_first(tmp_path):
    make_rgbd(tmp_path, [f'9.0 depth/{n}.png {n}.5 rgb/{n}.png' for n in range(3)])
    capture = open_capture(tmp_path)
    assert [frame.stamp for frame in capture] == [500_000_000, 1_500_000_000, 2_500_000_000]
    assert capture.rate == pytest.approx(1.0)
    assert np.nanmax(capture.truth(1)) == pytest.approx(1.501)


def test_rgbd_folder_without_associations_pairs_by_time(tmp_path):
    make_rgbd(tmp_path, [f'{n}.000 rgb/{n}.png' for n in range(3)], 'rgb.txt', camera=False)
    (tmp_path / 'depth.txt').write_text('0.010 depth/0.png\n1.500 depth/1.png\n1.995 depth/2.png\n')
    capture = open_capture(tmp_path)
    assert capture.intrinsics is None
    assert capture.truth(1) is None
    assert np.nanmax(capture.truth(0)) == pytest.approx(0.3)      # TUM's 5000 units per metre
    assert np.nanmax(capture.truth(2)) == pytest.approx(1502 / 5000)


@pytest.mark.parametrize(('lines', 'named'), [
    (['0.0 rgb/0.png'], 'line 2.*4 columns'),
    ([ROWS[0], 'zero rgb/1.png 1.0 depth/1.png'], 'line 3'),
    ([], 'lists no frames')])
def test_damaged_list_is_named(tmp_path, lines, named):
    make_rgbd(tmp_path, lines)
    with pytest.raises(ValueError, match=named):
        open_capture(tmp_path)


def test_damaged_camera_and_depth_are_named(tmp_path):
    make_rgbd(tmp_path, ROWS)
    write_png(tmp_path / 'depth/0.png', pictures(1)[0])
    with pytest.raises(ValueError, match='0.png.*16-bit.*uint8'):
        open_capture(tmp_path).truth(0)
    (tmp_path / 'camera.json').write_text('{"width": 64}')
    with pytest.raises(ValueError, match='camera.json lacks.*height'):
        open_capture(tmp_path)


def room(frames):
    """Floor, wall and a ball that moves: depth in metres, with holes."""
    v, u = np.mgrid[0:48, 0:64]
    clip = []
    for number in range(frames):
        depth = np.minimum(4.0, 36.0 / np.maximum(v - 24, 1))
        depth[np.hypot(u - 20 - number, v - 20) < 8] = 1.2
        depth[:2, :3] = np.nan
        clip.append(depth)
    return np.stack(clip)


def test_clip_comes_back(tmp_path):
    size = write_clip(tmp_path / 'clip', pictures(12), room(12), CAMERA, 24.0, depth_step=1)
    assert size == sum(path.stat().st_size for path in (tmp_path / 'clip').iterdir()) < 60_000
    capture = open_capture(tmp_path / 'clip')
    frames = list(capture)
    assert (capture.name, capture.rate, capture.length) == ('clip', 24.0, 12) == (
        'clip', 24.0, len(frames))
    assert frames[3].intrinsics == CAMERA
    assert frames[3].stamp == 125_000_000
    truth = np.stack([capture.truth(index) for index in range(12)])
    assert truth.dtype == np.float32
    np.testing.assert_allclose(truth, room(12), rtol=2e-3)     # NaN where NaN
    for frame, image in zip(frames, pictures(12), strict=True):
        assert np.abs(frame.image.astype(int) - image).mean() < 5


@pytest.mark.parametrize('step', [2, 5])
def test_clip_depth_at_reduced_resolution(tmp_path, step):
    write_clip(tmp_path, pictures(3), room(3), CAMERA, 24.0, depth_step=step)
    truth = open_capture(tmp_path).truth(2)
    assert truth.shape == (48, 64)
    middle = step // 2
    np.testing.assert_allclose(truth[middle::step, middle::step],
                               room(3)[2][middle::step, middle::step], rtol=2e-3)


def test_clip_keeps_to_its_size_and_its_shapes(tmp_path):
    with pytest.raises(ValueError, match='bytes'):
        write_clip(tmp_path, pictures(3), room(3), CAMERA, 24.0, max_bytes=100)
    with pytest.raises(ValueError, match='depth must be'):
        write_clip(tmp_path, pictures(3), room(2), CAMERA, 24.0)
    with pytest.raises(ValueError, match='no valid pixel'):
        write_clip(tmp_path, pictures(3), np.zeros((3, 48, 64)), CAMERA, 24.0)
    with pytest.raises(ValueError, match='images must be'):
        write_clip(tmp_path, pictures(3).astype(float), room(3), CAMERA, 24.0)
    with pytest.raises(ValueError, match='intrinsics'):
        write_clip(tmp_path, pictures(3), room(3), CAMERA.scaled(32, 24), 24.0)
    with pytest.raises(ValueError, match='rate'):
        write_clip(tmp_path, pictures(3), room(3), CAMERA, 0.0)


def test_damaged_clip_depth_is_named(tmp_path):
    write_clip(tmp_path, pictures(3), room(3), CAMERA, 24.0)
    np.savez(tmp_path / 'clip_depth.npz', other=np.zeros(3))
    with pytest.raises(ValueError, match='clip_depth.npz'):
        open_capture(tmp_path)


@pytest.mark.parametrize(('name', 'rate', 'count', 'deepest'), [
    ('sevenscenes_redkitchen', 30.0, 120, 5.0), ('kitti_raw_city', 10.0, 48, 85.0)])
def test_real_recordings(name, rate, count, deepest):
    if not (SHARED / name).is_dir():
        pytest.skip(f'{name} is not in ../shared/data')
    capture = open_capture(SHARED / name)
    assert capture.rate == pytest.approx(rate, rel=1e-3)
    assert capture.length == count
    frame = next(iter(capture))
    truth = capture.truth(0)
    assert truth.shape == frame.size == (frame.intrinsics.height, frame.intrinsics.width)
    assert 0.3 < np.nanmin(truth)
    assert np.nanmax(truth) < deepest


def test_real_video():
    if not (SHARED / 'videos').is_dir():
        pytest.skip('videos are not in ../shared/data')
    capture = open_capture(SHARED / 'videos' / 'kitti360_seq_0000.mp4')
    assert capture.rate == pytest.approx(11.85, abs=0.01)
    assert len(list(capture)) == capture.length == 85

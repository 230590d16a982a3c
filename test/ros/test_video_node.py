"""video_node as a process: a recording arrives as a camera's topics."""

import cv2
import numpy as np
import pytest

FPS, COUNT, SIZE = 20.0, 12, (48, 64)


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """An mp4 of which picture i is grey of value 20 * i."""
    path = tmp_path_factory.mktemp('video') / 'grey.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), FPS, SIZE[::-1])
    if not writer.isOpened():
        pytest.skip('this OpenCV cannot write mp4')
    for i in range(COUNT):
        writer.write(np.full((*SIZE, 3), 20 * i, np.uint8))
    writer.release()
    return str(path)


@pytest.fixture
def listen(peer):
    """Subscribe to what a video_node in a namespace publishes."""
    from sensor_msgs.msg import CameraInfo, Image

    def subscribe(namespace):
        from rclpy.qos import qos_profile_sensor_data

        for kind, name in ((Image, 'image'), (CameraInfo, 'camera_info')):
            peer.subscribe(kind, f'{namespace}/{name}', qos_profile_sensor_data)
        return lambda name: peer.received[f'{namespace}/{name}']

    return subscribe


def stamps_of(messages):
    from dvd_ros.messages.stamps import nanoseconds

    return [nanoseconds(message.header.stamp) for message in messages]


def level(message):
    """Which picture of the video an image message shows."""
    return round(np.frombuffer(message.data, np.uint8).mean() / 20)


def test_a_video_is_published_as_a_camera(start_node, peer, listen, video):
    got = listen('/film')
    node = start_node('video_node', '-r', '__ns:=/film', source=video, frame_id='film_optical',
                      wait_for_subscriber=60.0, rate=10.0, hfov=1.0)
    peer.wait(lambda: not node.alive(), 'the end of the video')
    peer.linger(0.5)
    assert node.wait() == 0, node.log()
    images = got('image')
    assert f'end of the source: {COUNT} images published' in node.log()
    # Best effort may lose an image on a busy machine, but never its place and time.
    assert len(images) >= COUNT - 2
    shown = [level(message) for message in images]
    assert shown == sorted(set(shown))
    elapsed = np.array(stamps_of(images)) - stamps_of(images)[0]
    assert np.array_equal(elapsed, (np.array(shown) - shown[0]) * 100_000_000)
    for message in images:
        assert (message.height, message.width, message.encoding) == (*SIZE, 'rgb8')
        assert message.header.frame_id == 'film_optical'
    infos = dict(zip(stamps_of(got('camera_info')), got('camera_info'), strict=True))
    paired = [infos[stamp] for stamp in stamps_of(images) if stamp in infos]
    assert len(paired) >= COUNT - 4
    focal = SIZE[1] / 2 / np.tan(0.5)
    for info in paired:
        assert (info.height, info.width) == SIZE
        assert info.k[0] == pytest.approx(focal)
        assert info.p[0] == pytest.approx(focal)
        assert info.header.frame_id == 'film_optical'


def test_a_loop_goes_on_until_it_is_interrupted(start_node, peer, listen, video):
    got = listen('/loop')
    node = start_node('video_node', '-r', '__ns:=/loop', source=video, loop=True, rate=50.0)
    peer.wait(lambda: len(got('image')) > 2 * COUNT, 'a third turn')
    assert node.stop() == 0, node.log()
    assert 'Traceback' not in node.log()
    stamps = stamps_of(got('image'))
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize(
    ('content', 'told'), [(None, 'there is no'), (b'no video at all', 'does not open')]
)
def test_a_source_that_does_not_open_is_one_clear_line(start_node, tmp_path, content, told):
    path = tmp_path / 'broken.mp4'
    if content:
        path.write_bytes(content)
    node = start_node('video_node', source=str(path))
    assert node.wait() == 1
    assert told in node.log()
    assert 'Traceback' not in node.log()


def test_no_source_is_said(start_node):
    node = start_node('video_node')
    assert node.wait() == 1
    assert 'source:=' in node.log()


def test_it_waits_for_its_audience_and_ends_when_told(start_node, peer, listen, video):
    got = listen('/short')
    node = start_node('video_node', '-r', '__ns:=/short', source=video, loop=True, rate=20.0,
                      seconds=1.0, wait_for_subscriber=60.0, audience=peer.node.get_name())
    peer.wait(lambda: not node.alive(), 'the end of the second')
    assert node.wait() == 0, node.log()
    # 12 images a turn at 20 Hz: the second ends within the second turn.
    assert 'end of the source: 20 images published' in node.log()
    assert len(got('image')) >= 18


def test_a_listener_that_does_not_come_is_named(start_node, peer, listen, video):
    listen('/awaited')
    node = start_node('video_node', '-r', '__ns:=/awaited', source=video, wait_for_subscriber=2.0,
                      audience='somebody_else')
    assert node.wait() == 1
    assert 'was not subscribed by somebody_else in' in node.log()


def test_nobody_listening_is_an_error_where_one_waits(start_node, video):
    node = start_node('video_node', '-r', '__ns:=/alone', source=video, wait_for_subscriber=0.5)
    assert node.wait() == 1
    assert 'was not subscribed by anybody in' in node.log()


def test_a_whole_video_becomes_depth(start_node, tiny_model, peer, video):
    from sensor_msgs.msg import CameraInfo, Image

    for kind, name in ((Image, 'depth'), (CameraInfo, 'camera_info')):
        peer.subscribe(kind, f'/chain/dvd/{name}')
    camera = ('-r', '__ns:=/chain')
    depth = start_node('depth_node', *camera, model=tiny_model, device='cpu', window=5, overlap=2,
                       queue=100)
    depth.wait_for_log('waiting for images')
    player = start_node('video_node', *camera, source=video, wait_for_subscriber=60.0)
    assert player.wait() == 0, player.log()
    got = peer.received['/chain/dvd/depth']
    # Frames that fill no window come after flush_after; as above, best effort may lose some.
    peer.wait(lambda: len(got) >= COUNT - 2, 'depth of the whole video')
    peer.linger(3.0)
    stamps = stamps_of(got)
    assert stamps == sorted(set(stamps))
    assert stamps_of(peer.received['/chain/dvd/camera_info']) == stamps
    assert all((message.height, message.width) == SIZE for message in got)
    assert depth.stop() == 0, depth.log()


def rgbd_folder(folder):
    """A TUM RGB-D folder of four pictures whose depth is 2 m everywhere."""
    lines = []
    for kind in ('rgb', 'depth'):
        (folder / kind).mkdir()
    for i in range(4):
        name = f'{i:06d}.png'
        cv2.imwrite(str(folder / 'rgb' / name), np.full((*SIZE, 3), 60 * i, np.uint8))
        cv2.imwrite(str(folder / 'depth' / name), np.full(SIZE, 10_000, np.uint16))
        lines.append(f'{i / FPS:.6f} rgb/{name} {i / FPS:.6f} depth/{name}')
    (folder / 'associations.txt').write_text('\n'.join(lines) + '\n')
    return str(folder)


def test_a_share_of_the_depth_comes_as_from_a_depth_camera(start_node, peer, listen, tmp_path):
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image

    got = listen('/rgbd')
    peer.subscribe(Image, '/rgbd/scale/depth', qos_profile_sensor_data)
    node = start_node('video_node', '-r', '__ns:=/rgbd', source=rgbd_folder(tmp_path),
                      depth_share=0.25, wait_for_subscriber=60.0, rate=5.0)
    peer.wait(lambda: not node.alive(), 'the end of the folder')
    peer.linger(0.5)
    assert node.wait() == 0, node.log()
    depths = peer.received['/rgbd/scale/depth']
    assert set(stamps_of(depths)) & set(stamps_of(got('image')))
    for message in depths:
        metres = np.frombuffer(message.data, np.float32)
        assert np.nanmax(np.abs(metres - 2.0)) < 1e-3
        assert 0.2 < np.isfinite(metres).mean() < 0.3


def test_a_share_of_depth_needs_depth(start_node, video):
    node = start_node('video_node', source=video, depth_share=0.1)
    assert node.wait() == 1
    assert 'RGB-D folder' in node.log()

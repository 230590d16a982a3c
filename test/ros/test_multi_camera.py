"""Several cameras: the list of them, and the process in which they share a network."""

import re

import numpy as np
import pytest
import yaml

from dvd_ros.ros.camera_list import Camera, read_cameras

SECOND = 10**9
SIZE = (24, 32)


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / 'cameras.yaml'
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return write


def test_camera_info_is_looked_for_beside_the_image(written):
    front, rear = read_cameras(written({'cameras': [
        {'name': 'front', 'image': '/front/image_raw'},
        {'name': 'rear', 'image': '/r/image', 'camera_info': '/r/info', 'parameters': {'far': 9.0},
         'remap': {'scale/points': '/lidar'}},
    ]}))
    assert front == Camera('front', '/front/image_raw')
    assert front.remappings == [('image', '/front/image_raw'),
                                ('camera_info', '/front/camera_info')]
    assert rear.remappings == [('image', '/r/image'), ('camera_info', '/r/info'),
                               ('scale/points', '/lidar')]
    assert rear.parameters == {'far': 9.0}


def test_parameters_of_a_camera_are_those_of_its_node(tmp_path):
    """Sections of other nodes and of other cameras do not count; its own values go first."""
    path = tmp_path / 'front.yaml'
    path.write_text(yaml.safe_dump({
        '/**/video_node': {'ros__parameters': {'hfov': 9.0, 'rate': 5.0}},
        '/**': {'ros__parameters': {'use_sim_time': True, 'near': 3.0}},
        '/**/depth_node': {'ros__parameters': {'near': 0.2, 'far': 7.0}},
        '/rear/depth_node': {'ros__parameters': {'far': 99.0}},
        'depth_node': {'ros__parameters': {'far': 98.0}}}))
    camera = Camera('front', '/image', params_file=str(path), parameters={'hfov': 1.2})
    assert camera.node_parameters() == {'use_sim_time': True, 'near': 0.2, 'far': 7.0, 'hfov': 1.2}
    assert Camera('rear', '/image', parameters={'far': 9.0}).node_parameters() == {'far': 9.0}
    path.write_text('[1, 2]')
    with pytest.raises(ValueError, match='is no file of parameters'):
        camera.node_parameters()


@pytest.mark.parametrize(('content', 'said'), [
    ('cameras: [', 'is no YAML'),
    ('', "needs a list 'cameras'"),
    ({'cameras': []}, "needs a list 'cameras'"),
    ({'cameras': ['front']}, 'camera 1 has no image and no name'),
    ({'cameras': [{'name': 'front'}]}, 'camera 1 has no image'),
    ({'cameras': [{'name': 'a', 'image': '/a', 'hfov': 1}]}, 'camera a has hfov; there are'),
    ({'cameras': [{'name': 'a', 'image': '/a'}] * 2}, 'two cameras of the name a'),
    ({'cameras': [{'name': '../a', 'image': '/a'}]}, 'no name of a namespace'),
    ({'cameras': [{'name': 'a', 'image': 3}]}, 'image of camera a'),
    ({'cameras': [{'name': 'a', 'image': '/a', 'parameters': [1]}]}, 'parameters of camera a'),
])
def test_a_list_that_is_wrong_is_explained(written, content, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        read_cameras(written(content))


class GreyCamera:
    """A camera of one grey level."""

    def __init__(self, peer, name, level):
        from sensor_msgs.msg import Image

        self._publisher = peer.node.create_publisher(Image, f'/{name}/image', 50)
        self._frame, self._level, self._stamp = f'{name}_optical', level, 1000 * SECOND

    def send(self, count):
        from sensor_msgs.msg import Image

        from dvd_ros.messages.image_conversion import fill_image
        from dvd_ros.ros.depth_messages import header

        for _ in range(count):
            self._stamp += SECOND // 30
            pixels = np.full((*SIZE, 3), self._level, np.uint8)
            self._publisher.publish(fill_image(
                Image(header=header(self._stamp, self._frame)), pixels, 'rgb8'))


def test_cameras_in_one_process_share_a_network(start_node, peer, tmp_path):
    """Each has its own images, parameters and depth; the model is loaded once for those alike."""
    from sensor_msgs.msg import Image

    file = tmp_path / 'right.yaml'
    file.write_text(yaml.safe_dump({'/right/depth_node': {'ros__parameters': {'far': 40.0}}}))
    node = start_node(
        'brightness_node', 'left', 'right', '--ros-args', '--params-file', str(file),
        window=5, overlap=1, stride=4, cuts=False, flush_after=0.5, near=1.0)
    cameras = {'left': GreyCamera(peer, 'left', 100), 'right': GreyCamera(peer, 'right', 100)}
    for name in cameras:
        peer.subscribe(Image, f'/{name}/dvd/depth')

    def both():
        for camera in cameras.values():
            camera.send(4)
        peer.linger(0.3)
        return all(len(peer.received[f'/{name}/dvd/depth']) >= 8 for name in cameras)

    peer.wait(both, 'depth of both cameras')
    value = 100 / 255
    for name, far in (('left', 20.0), ('right', 40.0)):
        message = peer.received[f'/{name}/dvd/depth'][-1]
        assert message.header.frame_id == f'{name}_optical'
        depth = np.frombuffer(message.data, np.float32)
        assert depth == pytest.approx(1.0 / (value + (1 - value) / far), rel=1e-3)
    assert node.log().count('loads mini') == 1, node.log()
    assert node.stop() == 0, node.log()
    assert 'Traceback' not in node.log()


@pytest.mark.parametrize('names', [(), ('front', 'front')])
def test_names_that_are_missing_or_repeated_are_refused(start_node, names):
    node = start_node('multi_depth_node', *names, '--ros-args')
    assert node.wait() == 1
    assert 'needs a name for each camera' in node.log()
    assert 'Traceback' not in node.log()

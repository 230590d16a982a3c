"""view_node as a process beside a depth_node: what a browser gets of topics of the real DDS."""

import asyncio
import http.client
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

SIZE = (48, 64)
SECOND = 1_000_000_000
MALICE = '<b onclick=x>&'
CONFIG = Path(__file__).resolve().parents[2] / 'config' / 'depth.yaml'


@pytest.fixture(scope='module')
def nodes(start_node_for_session):
    """depth_node and view_node in a namespace; the view's port."""
    pytest.importorskip('aiohttp', reason='aiohttp is not installed here')
    camera = ('-r', '__ns:=/watched', '--params-file', str(CONFIG))
    depth = start_node_for_session('brightness_node', *camera, window=5, overlap=2, near=1.0,
                                   far=10.0)
    view = start_node_for_session('view_node', *camera, port=0)
    depth.wait_for_log('waiting for images')
    view.wait_for_log('is at http')
    assert '/watched/depth_node' in view.log()
    return depth, view, int(re.search(r'http://127.0.0.1:(\d+)/', view.log())[1])


class Film:
    """Publishes images of one picture, with camera_info, in the namespace of the nodes."""

    def __init__(self, peer):
        from sensor_msgs.msg import CameraInfo, Image

        self._peer = peer
        self._image = peer.node.create_publisher(Image, '/watched/image', 10)
        self._info = peer.node.create_publisher(CameraInfo, '/watched/camera_info', 10)
        self._stamp = 5_000 * SECOND
        coarse = np.random.default_rng(1).integers(60, 256, (6, 8, 3)).astype(np.uint8)
        self.picture = cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_NEAREST)

    def listeners(self):
        return [name for name, _ in self._names() if name == 'view_node']

    def _names(self):
        found = self._peer.node.get_subscriptions_info_by_topic('/watched/dvd/depth')
        return [(one.node_name, one.node_namespace) for one in found]

    def send(self):
        from sensor_msgs.msg import CameraInfo, Image

        from dvd_ros.messages.image_conversion import fill_image
        from dvd_ros.ros.depth_messages import header

        self._stamp += SECOND // 10
        head = header(self._stamp, MALICE)
        info = CameraInfo(header=head, width=SIZE[1], height=SIZE[0])
        info.k = np.array([50.0, 0, 32, 0, 50, 24, 0, 0, 1])
        self._info.publish(info)
        self._image.publish(fill_image(Image(header=head), self.picture, 'rgb8'))


@pytest.fixture(scope='module')
def film(peer):
    return Film(peer)


def unpack(data):
    size = int.from_bytes(data[:4], 'little')
    header, rest, parts = json.loads(data[4:4 + size]), data[4 + size:], []
    for length in header['parts']:
        parts.append(rest[:length])
        rest = rest[length:]
    return header, parts


def test_the_page_is_there_and_guarded(nodes):
    port = nodes[2]
    for host, status in (('localhost', 200), ('evil.example', 421)):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
        connection.request('GET', '/', headers={'Host': host})
        answer = connection.getresponse()
        assert answer.status == status
        assert ('view.js' in answer.read().decode()) == (status == 200)
        connection.close()


def test_a_browser_gets_image_depth_cloud_and_state(nodes, film, peer):
    from dvd_ros.view.packets import depth_codes

    assert film.listeners() == [], 'nothing is subscribed while nobody looks on'
    wanted, wholes = {}, []

    async def look():
        import aiohttp

        async with aiohttp.ClientSession() as session, session.ws_connect(
                f'http://127.0.0.1:{nodes[2]}/live') as socket:
            end = asyncio.get_running_loop().time() + 90
            while asyncio.get_running_loop().time() < end:
                film.send()
                peer.spin()
                await asyncio.sleep(0.05)
                try:
                    data = await asyncio.wait_for(socket.receive_bytes(), 0.05)
                except asyncio.TimeoutError:
                    continue
                header, parts = unpack(data)
                wanted[header['kind']] = header, parts
                if header['kind'] == 'frame' and header['image'] and header['depth']:
                    wholes.append((header, parts))
                told = wanted.get('state', ({},))[0]
                state, samples = told.get('state', {}), told.get('samples')
                if wholes and 'cloud' in wanted and state.get('statuses') \
                        and state['alignment'] and state['scale'] and state['camera'] \
                        and samples[-1]['metric_scale'] is not None:
                    return
        pytest.fail(f'not all came: {sorted(wanted)}, {len(wholes)} with depth')

    asyncio.run(look())
    header, (jpeg, png) = wholes[-1]
    assert header['frame_id'] == MALICE
    assert (header['width'], header['height']) == SIZE[::-1]
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(image.astype(float) - film.picture).mean() < 12.0
    disparity = film.picture.mean(axis=-1) / 255
    expected = depth_codes(1 / (disparity * (1 - 0.1) + 0.1)).astype(float)
    read = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).astype(float)
    assert np.abs(read[..., 2] * 256 + read[..., 1] - expected).max() < 4  # steps of 0.1 %

    cloud, (rows,) = wanted['cloud']
    assert cloud['count'] == SIZE[0] * SIZE[1]
    assert len(rows) == 12 * cloud['count']
    points = np.frombuffer(rows, '<f2').reshape(-1, 6)[:, :3].astype(np.float32)
    colours = np.frombuffer(rows, np.uint8).reshape(-1, 12)[:, 8:11]
    assert np.array_equal(colours, film.picture.reshape(-1, 3))
    assert points[0, 0] == pytest.approx(-32 / 50 * points[0, 2], rel=2e-3)

    state = wanted['state'][0]['state']
    assert state['node'] == '/watched/depth_node'
    assert {one['name'] for one in state['statuses']} == {'depth', 'model', 'scale'}
    assert state['level'] in ('OK', 'WARN')
    assert (state['camera']['fx'], state['camera']['frame_id']) == (50.0, MALICE)
    assert state['alignment']['frames'] == 5
    assert state['scale']['nominal'] is True
    assert wanted['state'][0]['samples'][-1]['metric_scale'] == pytest.approx(0.9)

    peer.wait(lambda: film.listeners() == [], 'the end of the subscriptions')


def test_it_ends_cleanly(nodes):
    view = nodes[1]
    assert view.stop() == 0, view.log()
    assert 'Traceback' not in view.log()


@pytest.mark.parametrize(('values', 'told'), [
    ({'allow_host': ['http://robot']}, 'allow_host needs a host name'),
    ({'host': '203.0.113.1'}, 'cannot listen on 203.0.113.1 port 8642'),
])
def test_a_bad_start_is_one_clear_line(start_node, values, told):
    pytest.importorskip('aiohttp', reason='aiohttp is not installed here')
    node = start_node('view_node', **values)
    assert node.wait() == 1
    assert told in node.log()
    assert 'Traceback' not in node.log()

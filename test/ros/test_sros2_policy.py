"""The SROS 2 policy names what the nodes have on the graph: no more, no less."""

import re
import socket
from pathlib import Path
from xml.etree import ElementTree

import pytest

POLICY = Path(__file__).resolve().parents[2] / 'config' / 'sros2_policy.xml'
# By use_sim_time, by tf2_ros, by image_transport: not there in the node that is looked at.
ELSEWHERE = {'/clock', '/tf', '/tf_static', '/image/compressed'}
KINDS = ('publisher', 'subscriber', 'service')


def profiles():
    return {profile.get('node'): profile for profile in ElementTree.parse(POLICY).iter('profile')}


def allowed(node):
    """Full names by kind, as the profile of a node has them."""
    names = {kind: set() for kind in KINDS}
    for group in profiles()[node]:
        for attribute, kind in (('publish', 'publisher'), ('subscribe', 'subscriber'),
                                ('reply', 'service')):
            if group.get(attribute) == 'ALLOW':
                names[kind] |= {entry.text.replace('~', f'/{node}') if entry.text[0] == '~'
                                else '/' + entry.text.lstrip('/') for entry in group}
    return names


@pytest.mark.parametrize(('node', 'program', 'settings'), [
    ('depth_node', 'brightness_node', {
        'scale_sources': ['depth', 'points', 'scan', 'range', 'ground'], 'camera_height': 1.0,
        'camera_tilt': 'imu'}),
    ('video_node', 'video_node', {'loop': True, 'depth_share': 0.5}),
    ('view_node', 'view_node', {'port': 0}),
])
def test_policy_is_what_is_on_the_graph(start_node, peer, tmp_path, node, program, settings):
    if node == 'video_node':
        settings = settings | {'source': _rgbd(tmp_path)}
    if node == 'view_node':
        pytest.importorskip('aiohttp', reason='aiohttp is not installed here')
    process = start_node(program, **settings)
    expected = allowed(node)
    # view_node subscribes while somebody looks on.
    viewer = _viewer(process) if node == 'view_node' else None

    def graph():
        if (node, '/') not in peer.node.get_node_names_and_namespaces():
            return None
        return {kind: {name for name, _ in getattr(
            peer.node, f'get_{kind}_names_and_types_by_node')(node, '/')} for kind in KINDS}

    def complete():
        found = graph()
        return found and all(expected[kind] - ELSEWHERE <= found[kind] for kind in KINDS)

    try:
        peer.wait(complete, 'all that the policy names')
    finally:
        found = graph()
        print(process.log(), {kind: (found or {}).get(kind, set()) ^ expected[kind]
                              for kind in KINDS})
    peer.linger(0.5)
    for kind, names in graph().items():
        assert names <= expected[kind]
    if viewer is not None:
        viewer.close()
    assert process.stop() == 0


def test_a_client_may_hear_all_depth_and_call_our_services():
    client, node = profiles()['client'], allowed('depth_node')
    heard = {'/' + entry.text.lstrip('/') for group in client if group.get('subscribe')
             for entry in group}
    assert {name for name in node['publisher'] if name.startswith('/dvd/')} <= heard
    called = {'/' + entry.text for group in client if group.get('request') for entry in group}
    assert called <= node['service']


def _viewer(process):
    """The socket of a browser that looks on at a view node."""
    process.wait_for_log('is at http')
    port = int(re.search(r'is at http://[^:]+:(\d+)/', process.log())[1])
    viewer = socket.create_connection(('127.0.0.1', port))
    viewer.sendall(b'GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n'
                   b'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                   b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
    return viewer


def _rgbd(folder):
    """An RGB-D folder of two images, for a video node that publishes depth as well."""
    import cv2
    import numpy as np

    for kind, pixels in (('rgb', np.full((24, 32, 3), 90, np.uint8)),
                         ('depth', np.full((24, 32), 2000, np.uint16))):
        (folder / kind).mkdir()
        lines = []
        for number in range(2):
            cv2.imwrite(str(folder / kind / f'{number}.png'), pixels)
            lines.append(f'{number}.0 {kind}/{number}.png')
        (folder / f'{kind}.txt').write_text('\n'.join(lines))
    return str(folder)

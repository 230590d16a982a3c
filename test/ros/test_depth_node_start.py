"""How depth_node starts and ends as a process, and what it does with its defaults."""

import signal

import numpy as np
import pytest
from depth_camera import SIZE, Camera, picture, start


def test_without_camera_info_a_field_of_view_is_assumed_and_said_once(
    start_node, tiny_model, peer
):
    hfov = 1.2
    node = start(start_node, '/bare', tiny_model, hfov=hfov)
    node.wait_for_log('waiting for images')
    camera = Camera(peer, '/bare')
    camera.send = _without_info(camera.send)
    camera.prime()
    sent = [camera.send(picture(i)) for i in range(7)]
    camera.wait_for(7, 'camera_info', 'depth')
    assert camera.stamps('camera_info') == sent
    for info in camera.got('camera_info'):
        focal = SIZE[1] / 2 / np.tan(hfov / 2)
        assert np.allclose(
            info.k, [focal, 0, (SIZE[1] - 1) / 2, 0, focal, (SIZE[0] - 1) / 2, 0, 0, 1]
        )
        assert not any(info.d)
    assert node.log().count('assuming a horizontal field of view') == 1
    assert node.log().count('metres are nominal') == 1
    assert node.stop() == 0, node.log()
    assert 'Traceback' not in node.log()


def _without_info(send):
    return lambda *arguments, **named: send(*arguments, **named, info=False)


def test_defaults_over_best_effort_lose_nothing_that_is_not_counted(start_node, tiny_model, peer):
    node = start_node('depth_node', '-r', '__ns:=/plain', model=tiny_model, device='cpu')
    node.wait_for_log('waiting for images')
    camera = Camera(peer, '/plain')
    camera.prime()
    before = camera.counts()
    sent = []
    for i in range(30):
        sent.append(camera.send(picture(i, (64, 96))))
        peer.linger(0.1)
    peer.wait(lambda: camera.counts()['received'] > before['received'], 'images received')
    after = camera.settle()
    change = {key: after[key] - before.get(key, 0) for key in after}
    dropped = sum(value for key, value in change.items() if key.startswith('dropped_'))
    camera.wait_for(change['published'])
    stamps = camera.stamps('depth')
    assert change['received'] >= 25  # best effort over LARGE_DATA loses at most a few
    assert len(stamps) == change['published'] == change['received'] - dropped
    assert stamps == [stamp for stamp in sent if stamp in set(stamps)]
    assert node.stop(signal.SIGTERM) == 0, node.log()
    assert 'Traceback' not in node.log()


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_full_work_is_a_clean_end(start_node, tiny_model, peer, how):
    name = f'/busy{int(how)}'
    node = start(start_node, name, tiny_model)
    node.wait_for_log('waiting for images')
    camera = Camera(peer, name)
    camera.prime()
    for i in range(60):
        camera.send(picture(i))
    camera.wait_for(3)  # in the middle of a window that is being published
    assert node.stop(how) == 0, node.log()
    assert 'Traceback' not in node.log()


@pytest.mark.parametrize(
    ('changed', 'told'),
    [
        ({'window': 12}, 'window must be 4n+1'),
        ({'overlap': 5}, 'overlap must be'),
        ({'stride': 4}, 'stride must be'),
        ({'near': 3.0, 'far': 2}, 'near < far'),
        ({'rule': 'magic'}, 'rule must be one of'),
        ({'hfov': 4.0}, 'hfov'),
        ({'scale_sources': ['depth', 'lidar']}, 'scale_sources must be of'),
        ({'depth_encoding': '8UC1'}, 'depth_encoding must be'),
        ({'window': 'many'}, 'INTEGER'),
        ({'model': '/no/such/model'}, 'no model'),
    ],
)
def test_a_start_that_cannot_be_is_one_clear_line(start_node, tiny_model, changed, told):
    node = start(start_node, '/wrong', tiny_model, **changed)
    assert node.wait() == 1
    assert told in node.log()
    assert 'Traceback' not in node.log()

"""depth_node as a managed process: lifecycle, live parameters, services, QoS, faults."""

import signal
import time
from array import array

import cv2
import numpy as np
import pytest
from managed_client import SECOND, SIZE, STEP, Client


@pytest.fixture(scope='module')
def listening(peer):
    from diagnostic_msgs.msg import DiagnosticArray

    peer.subscribe(DiagnosticArray, '/diagnostics')
    return peer


@pytest.fixture
def client(listening):
    from sensor_msgs.msg import Image

    made = []

    def make(name, listen='dvd/depth', **changed):
        made.append(Client(listening, name, **changed))
        if listen:
            listening.subscribe(Image, f'{name}/{listen}')
        return made[-1]

    return make


def reliable(*topics):
    return {f'qos_overrides.{topic}.subscription.{key}': value for topic in topics
            for key, value in (('reliability', 'reliable'), ('depth', 50))}


COMMON = {'window': 5, 'overlap': 1, 'stride': 4, 'cuts': False, 'flush_after': 0.5,
          'near': 1.0, 'far': 10.0}


def test_lifecycle_parameters_and_services(start_node, client, tmp_path):
    """One process through all its states."""
    from diagnostic_msgs.msg import DiagnosticStatus
    from rcl_interfaces.srv import DescribeParameters, ListParameters
    from std_srvs.srv import Trigger

    from dvd_ros.srv import SetMetricScale

    name = '/managed'
    node = start_node('brightness_node', '-r', f'__ns:={name}', autostart=False,
                      snapshot_folder=str(tmp_path / 'shots'), **COMMON,
                      **reliable('/managed/image'))
    node.wait_for_log('waiting to be configured')
    front = client(name)

    # -- unconfigured: any parameter, checked; what cannot be configured says why
    assert 'overlap must be in' in front.set(window=5, overlap=7)
    assert front.set(model='missing') == ''
    assert front.transition('configure') == (False, 'unconfigured')
    level, message, _ = front.diagnostics('model')
    assert level == DiagnosticStatus.ERROR
    assert 'no such model' in message
    assert front.call(Trigger, 'reset').message == 'the node is not active'
    assert front.set(model='mini') == ''
    assert front.transition('configure') == (True, 'inactive')
    assert 'while the node is unconfigured' in front.set(window=9)
    assert front.peer.node.count_subscribers(f'{name}/image') == 0
    assert front.transition('activate') == (True, 'active')

    # -- depth, and what may change while it flows
    near = front.answered()
    assert 'need 0 < near < far' in front.set(near=30.0)
    assert front.set(near=2.0, far=20.0) == ''
    front.answered()
    assert np.allclose(front.answered(), 2.0 * near, rtol=1e-4)
    assert front.set(near=1.0, far=10.0, latency='smooth', stride=2, cloud_rate=5.0,
                     warn_latency=0.5) == ''
    assert front.set(min_confidence=1.5)
    assert front.set(min_confidence=1.0, latency='low') == ''
    front.answered()
    assert np.isnan(front.answered()).all()
    assert front.set(min_confidence=0.0, stride=4) == ''
    assert front.diagnostics('depth')[2]['stride'] in ('2', '4')

    # -- every parameter tells what it is
    names = front.call(ListParameters, 'list_parameters').result.names
    ours = [one for one in names if not one.startswith(('qos', 'use_sim', 'start_type'))]
    for one in front.call(DescribeParameters, 'describe_parameters', names=ours).descriptors:
        assert one.description, one.name
        numeric = one.type in (2, 3)
        assert not numeric or one.integer_range or one.floating_point_range, one.name
        assert one.read_only == (one.name in ('autostart', 'snapshot_folder', 'snapshot_limit'))

    # -- services
    before = front.answered()
    number = front.diagnostics('depth')[2]['segment']
    answer = front.call(SetMetricScale, 'set_metric_scale', value=7.0, x=10, y=12)
    assert answer.success, answer.message
    after = front.answered()
    assert after[12, 10] == pytest.approx(7.0, rel=0.05)
    assert after[12, 25] / after[12, 10] == pytest.approx(before[12, 25] / before[12, 10], rel=0.05)
    assert front.diagnostics('scale')[1] == 'metric'
    for wrong in ({'value': -1.0}, {'value': 2.0, 'x': 999}, {'value': 2.0, 'mode': 7}):
        assert not front.call(SetMetricScale, 'set_metric_scale', **wrong).success
    answer = front.call(Trigger, 'snapshot', streaming=True)
    assert answer.success, answer.message
    assert np.load(f'{answer.message}/depth.npy').shape == SIZE
    front.send(2)
    assert front.call(Trigger, 'reset').success
    front.peer.wait(lambda: front.answered() is not None and
                    int(front.diagnostics('depth')[2]['segment']) > int(number), 'a segment')

    # -- down again, and up with another model, in the same process
    assert front.transition('deactivate') == (True, 'inactive')
    assert front.peer.node.count_publishers(f'{name}/dvd/depth') == 1
    assert float(front.diagnostics('depth')[2]['in_work']) == 0
    assert front.transition('activate') == (True, 'active')
    front.answered()
    assert front.transition('deactivate') == (True, 'inactive')
    assert front.transition('cleanup') == (True, 'unconfigured')
    front.peer.wait(lambda: front.peer.node.count_publishers(f'{name}/dvd/depth') == 0, 'no topic')
    assert front.set(window=9, overlap=3) == ''
    assert front.transition('configure') == (True, 'inactive')
    assert front.transition('activate') == (True, 'active')
    assert front.answered(9).shape == SIZE
    assert front.transition('active_shutdown') == (True, 'finalized')
    assert node.stop() == 0, node.log()
    assert 'Traceback' not in node.log()


def test_a_network_that_fails_is_loaded_anew(start_node, client):
    """Black images make it raise (see brightness_node), until it is loaded for the third time."""
    from diagnostic_msgs.msg import DiagnosticStatus

    node = start_node('brightness_node', '-r', '__ns:=/faulty', restart_delay=0.2,
                      restart_longest=1.0, **COMMON, **reliable('/faulty/image'))
    node.wait_for_log('waiting for images')
    front = client('/faulty')
    front.answered()

    def restarted():
        front.send(5, level=0)
        front.peer.linger(0.3)
        return node.log().count('the model is loaded anew') >= 2

    front.peer.wait(restarted, 'two restarts')
    level, message, _ = front.diagnostics('depth')
    assert (level, 'the network failed' in message) == (DiagnosticStatus.ERROR, True)
    front.answered()
    values = front.diagnostics('model')[2]
    assert int(values['restarts']) >= 1  # one attempt to load it failed
    assert int(values['faults']) >= 3
    counts = {key: float(value) for key, value in front.diagnostics('depth')[2].items()}
    assert counts['dropped_model_error'] >= 5
    assert node.stop() == 0, node.log()


def test_two_cameras_remaps_lazy_and_every_qos(start_node, client, listening):
    """Best effort and reliable at both ends; nothing is computed that nobody hears."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import CompressedImage, Image

    best = QoSProfile(depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)
    left = start_node('brightness_node', '-r', '__ns:=/left', '-r', 'image:=cam/raw', **COMMON)
    right = start_node('brightness_node', '-r', '__ns:=/right', '-r', 'image:=cam/raw',
                       image_transport='compressed', camera_frame='right_optical', **COMMON)
    for node in (left, right):
        node.wait_for_log('waiting for images')
    front = client('/left', listen=None, image='cam/raw')
    front.peer.wait(lambda: front._image.get_subscription_count(), 'a subscription')
    front.peer.wait(lambda: front.send(1) and float(
        front.diagnostics('depth')[2]['unheard']) > 0, 'images that nobody hears of')
    assert front.diagnostics('depth')[2]['windows'] == '0'
    # A reliable publisher to the node's best-effort subscription, which both subscribers hear.
    listening.subscribe(Image, '/left/dvd/depth', best)
    listening.subscribe(Image, '/left/dvd/disparity', 10)
    front.answered()
    listening.wait(lambda: front.got('dvd/disparity'), 'disparity, reliably')
    # A best-effort publisher of JPEG to the other camera.
    publisher = listening.node.create_publisher(CompressedImage, '/right/cam/raw/compressed', best)
    listening.subscribe(Image, '/right/dvd/depth')
    data = array('B', cv2.imencode('.jpg', np.full((*SIZE, 3), 120, np.uint8))[1].tobytes())
    stamp = 5000 * SECOND

    def answered():
        nonlocal stamp
        from dvd_ros.ros.depth_messages import header

        for _ in range(5):
            stamp += STEP
            publisher.publish(CompressedImage(header=header(stamp, 'x'), format='jpeg', data=data))
        listening.linger(0.5)
        return listening.received['/right/dvd/depth']

    answers = listening.wait(answered, 'depth of compressed images')
    assert answers[-1].header.frame_id == 'right_optical'
    assert (answers[-1].height, answers[-1].width) == SIZE
    assert {message.header.frame_id for message in front.got('dvd/depth')} == {'cam'}
    for node in (left, right):
        assert node.stop() == 0, node.log()


def test_simulated_time_that_starts_again(start_node, client, listening):
    """A short recording in a loop: each turn is a segment of its own, and none is refused."""
    from rosgraph_msgs.msg import Clock

    from dvd_ros.ros.depth_messages import header

    node = start_node('brightness_node', '-r', '__ns:=/sim', use_sim_time=True,
                      max_backstep=60.0, **COMMON, **reliable('/sim/image'))
    node.wait_for_log('waiting for images')
    clock = listening.node.create_publisher(Clock, '/clock', 10)
    front = client('/sim')

    def turn():
        """Ten images; as max_backstep is long, only the clock can tell that time ran back."""
        front.stamp = 100 * SECOND
        for _ in range(10):
            clock.publish(Clock(clock=header(front.stamp, '').stamp))
            listening.linger(0.02)
            front.send(1)
        listening.linger(1.0)
        return front.stamps()

    listening.wait(lambda: clock.get_subscription_count() and turn(), 'the first depth')
    segments = []
    for _ in range(2):
        listening.clear()
        turn()
        listening.wait(lambda: len(front.stamps()) >= 10, 'depth of a turn')
        segments.append(int(front.diagnostics('depth')[2]['segment']))
    assert segments[1] > segments[0]
    assert float(front.diagnostics('depth')[2].get('dropped_backward_stamp', 0)) == 0
    assert node.stop() == 0, node.log()


def test_killed_in_mid_stream_and_started_again(start_node, client):
    front = client('/killed')
    arguments = ('brightness_node', '-r', '__ns:=/killed')
    node = start_node(*arguments, **COMMON, **reliable('/killed/image'))
    node.wait_for_log('waiting for images')
    front.answered()
    front.send(7)
    assert node.stop(signal.SIGKILL) == -signal.SIGKILL
    front.send(20)  # to nobody
    node = start_node(*arguments, **COMMON, **reliable('/killed/image'))
    node.wait_for_log('waiting for images')
    began = time.monotonic()
    front.answered()
    assert time.monotonic() - began < 60.0
    front.send(3)
    assert node.stop(signal.SIGINT) == 0, node.log()
    assert 'Traceback' not in node.log()

"""Levels of the diagnostics by their thresholds."""

import time
from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')

from diagnostic_msgs.msg import DiagnosticStatus  # noqa: E402

from dvd_ros.ros.depth_diagnostics import DepthDiagnostics  # noqa: E402
from dvd_ros.ros.depth_parameters import HealthConfig  # noqa: E402
from dvd_ros.ros.depth_worker import Progress  # noqa: E402
from dvd_ros.ros.traffic import Traffic  # noqa: E402

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class Node:
    def __init__(self):
        self.sent = []

    def create_publisher(self, *_):
        return SimpleNamespace(publish=self.sent.append)

    def create_timer(self, *_, **__):
        return None

    def get_fully_qualified_name(self):
        return '/depth_node'

    def get_clock(self):
        from rclpy.clock import Clock

        return Clock()


class Pipeline:
    """What diagnostics see of one; `lost` images were dropped as too slow."""

    def __init__(self):
        self.traffic, self.progress = Traffic(), Progress()
        self.regressor = SimpleNamespace(name='mini')
        self.recovery = SimpleNamespace(restarts=0)
        self.worker = object()
        self.scale = SimpleNamespace(status=lambda *_: DiagnosticStatus(name='/depth_node: scale'))
        self.traffic.last_image = time.monotonic()

    def dropped(self):
        return {'too_slow': self.traffic.too_slow}

    def in_work(self):
        return 0


@pytest.fixture
def made():
    node, pipeline = Node(), Pipeline()
    state = ['active', '']
    diagnostics = DepthDiagnostics(node, lambda: pipeline, lambda: tuple(state), HealthConfig())

    def status(what='depth'):
        diagnostics.publish()
        found = {one.name: one for one in node.sent[-1].status}[f'/depth_node: {what}']
        return found.level, found.message, {pair.key: pair.value for pair in found.values}

    return SimpleNamespace(pipeline=pipeline, status=status, state=state, diagnostics=diagnostics)


def test_rates_and_drops_of_the_last_second(made):
    made.status()
    made.pipeline.traffic.received, made.pipeline.progress.published = 30, 20
    made.pipeline.traffic.too_slow = 10
    level, message, values = made.status()
    assert (level, message) == (WARN, '10 images dropped in the last second')
    assert float(values['rate_in']) > float(values['rate_out']) > 0
    assert values['dropped_too_slow'] == '10'
    assert made.status()[0] == OK  # the next second nothing was
    made.diagnostics.health = HealthConfig(warn_dropped=0.1, error_dropped=0.5)
    made.pipeline.traffic.received, made.pipeline.traffic.too_slow = 60, 40
    assert made.status()[0] == ERROR
    made.pipeline.traffic.received, made.pipeline.traffic.too_slow = 160, 41
    assert made.status()[0] == OK


def test_latency_and_silence(made):
    for seconds in (0.2, 0.2, 1e9, -5.0):  # the last two are of another clock
        made.pipeline.traffic.add_latency(seconds)
    level, _, values = made.status()
    assert (level, values['latency_p95_ms']) == (OK, '200.0')
    for _ in range(300):
        made.pipeline.traffic.add_latency(2.0)
    assert made.status()[:2] == (WARN, 'depth comes 2.00 s after its image')
    made.diagnostics.health = HealthConfig(warn_latency=0.0, error_latency=0.0)
    assert made.status()[0] == OK
    made.pipeline.traffic.last_image -= 5.0
    assert made.status()[0] == WARN
    made.pipeline.traffic.last_image -= 50.0
    level, message, _ = made.status()
    assert level == ERROR
    assert message.startswith('no image for 55')
    made.pipeline.worker = None
    assert made.status()[:2] == (OK, 'not active')


def test_faults_of_the_network_and_of_the_configuration(made):
    assert made.status('model')[:2] == (OK, 'active')
    made.pipeline.progress.fault = 'RuntimeError: gone'
    assert made.status()[:2] == (ERROR, 'the network failed: RuntimeError: gone')
    assert made.status('model')[0] == ERROR
    made.state[:] = ['unconfigured', 'cannot configure: no model']
    assert made.status('model')[1].startswith('cannot configure')

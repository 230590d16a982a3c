"""When parameters of a managed node may change, and what of it is applied, old rclpy and new."""

from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')

from dvd_ros.messages.output_config import OutputConfig  # noqa: E402
from dvd_ros.ros.depth_parameters import HealthConfig  # noqa: E402
from dvd_ros.ros.node_parameters import NodeParameters  # noqa: E402
from dvd_ros.stream import StreamConfig  # noqa: E402


class Node:
    """As rclpy's before Iron: there is no callback after a change."""

    def __init__(self, **given):
        self.values = given
        self.descriptors = {}
        self.after = lambda changed: None

    def declare_parameter(self, name, default, descriptor):
        self.descriptors[name] = descriptor
        self.values.setdefault(name, default)
        return self.get_parameter(name)

    def get_parameter(self, name):
        return SimpleNamespace(name=name, value=self.values[name])

    def add_on_set_parameters_callback(self, callback):
        self.check = callback

    def set(self, **values):
        changed = [SimpleNamespace(name=name, value=value) for name, value in values.items()]
        result = self.check(changed)
        if result.successful:
            self.values |= values
            self.after(changed)
        return result.reason


class NewNode(Node):
    def add_post_set_parameters_callback(self, callback):
        self.after = callback


@pytest.fixture(params=[Node, NewNode])
def made(request):
    applied, state = [], SimpleNamespace(unconfigured=False)
    node = request.param(window=5, overlap=2)
    parameters = NodeParameters(node, (StreamConfig, OutputConfig, HealthConfig),
                                lambda: state.unconfigured, applied.extend)
    return SimpleNamespace(node=node, parameters=parameters, applied=applied, state=state)


def test_live_parameters_are_applied_once_for_each_config(made):
    assert made.node.set(stride=3, latency='smooth', cloud_rate=5, other=1) == ''
    assert made.applied == [StreamConfig(window=5, overlap=2, stride=3, latency='smooth'),
                            OutputConfig(cloud_rate=5.0)]
    assert made.parameters.read(OutputConfig).cloud_rate == 5.0


@pytest.mark.parametrize(('values', 'told'), [
    ({'stride': 4}, 'stride must be'), ({'latency': 'none'}, 'latency must be one of'),
    ({'window': 9}, 'window may be set while the node is unconfigured'),
    ({'cloud_rate': 'fast'}, 'cloud_rate needs a number'), ({'cloud_rate': True}, 'a number'),
    ({'cloud_rate': 5.0, 'stride': -2}, 'stride'),
    ({'warn_latency': 9.0}, 'warn_latency <= error_latency')])
def test_what_is_refused_changes_nothing(made, values, told):
    assert told in made.node.set(**values)
    assert made.applied == []
    assert made.parameters.read(StreamConfig) == StreamConfig(window=5, overlap=2)


def test_all_may_change_while_the_node_is_unconfigured_if_it_makes_sense(made):
    made.state.unconfigured = True
    assert 'overlap' in made.node.set(overlap=5)
    assert made.node.set(window=9, overlap=5) == ''
    assert made.parameters.read(StreamConfig).most_new == 4


def test_what_is_given_at_the_start_is_checked_where_it_is_read(made):
    made.node.values['window'] = 6
    with pytest.raises(ValueError, match='window must be 4n'):
        made.parameters.read(StreamConfig)


def test_descriptors_tell_when_a_parameter_may_change(made):
    told = {name: one.additional_constraints for name, one in made.node.descriptors.items()}
    assert told['stride'] == 'may be set at any time'
    assert told['window'] == 'may be set while the node is unconfigured'

"""The launch file and the files it hands out: arguments, nodes, parameters, topics."""

import ast
import dataclasses
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / 'launch' / 'depth.launch.py'
CONFIG = ROOT / 'config'


def calls(tree, *names):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name) and node.func.id in names]


def test_every_argument_that_is_used_is_declared():
    tree = ast.parse(LAUNCH.read_text())
    declared, used = (
        {call.args[0].value for call in calls(tree, name) if isinstance(call.args[0], ast.Constant)}
        for name in ('argument', 'given')
    )
    assert used
    assert used <= declared
    # LARGE_DATA when unset: without it no image arrives over Fast DDS
    assert 'FASTDDS_BUILTIN_TRANSPORTS' in LAUNCH.read_text()


def test_parameter_file_holds_every_parameter_at_its_default():
    yaml = pytest.importorskip('yaml')
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    from dvd_ros.ros.depth_node import CONFIGS
    from dvd_ros.ros.parameters import VideoNodeConfig
    from dvd_ros.ros.view_node import ViewNodeConfig

    file = yaml.safe_load((CONFIG / 'depth.yaml').read_text())
    for node, configs, without in (
        ('depth_node', CONFIGS, set()),
        ('video_node', (VideoNodeConfig,), {'source'}),
        ('view_node', (ViewNodeConfig,), set()),
    ):
        defaults = {field.name: field.default for config in configs
                    for field in dataclasses.fields(config)}
        defaults = {name: list(value) if isinstance(value, tuple) else value
                    for name, value in defaults.items()}
        for name in without:
            del defaults[name]
        assert file[f'/**/{node}']['ros__parameters'] == defaults


def test_rviz_shows_topics_of_the_node():
    yaml = pytest.importorskip('yaml')
    layout = yaml.safe_load((CONFIG / 'depth.rviz').read_text())
    topics = [display['Topic']['Value'] for display in layout['Visualization Manager']['Displays']
              if 'Topic' in display]
    assert topics == ['dvd/points', 'dvd/depth', 'dvd/confidence', 'image']


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({}, ['depth_node']),
        ({'video': 'clip.mp4'}, ['depth_node', 'video_node']),
        ({'video': 'clip.mp4', 'rviz': 'true'}, ['depth_node', 'video_node', 'rviz2']),
        ({'view': 'true', 'view_port': '8000'}, ['depth_node', 'view_node']),
    ],
)
def test_launch_file_starts_the_nodes_that_are_asked_for(monkeypatch, given, expected):
    launch = pytest.importorskip('launch', reason='launch is not installed here')
    pytest.importorskip('launch_ros', reason='launch_ros is not installed here')
    import ament_index_python.packages

    monkeypatch.setattr(
        ament_index_python.packages, 'get_package_share_directory', lambda name: str(ROOT)
    )
    monkeypatch.delenv('FASTDDS_BUILTIN_TRANSPORTS', raising=False)
    spec = importlib.util.spec_from_file_location('depth_launch', LAUNCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    context = launch.LaunchContext()
    context.launch_configurations.update(given)
    started = []
    for entity in module.generate_launch_description().entities:
        if isinstance(entity, launch.actions.OpaqueFunction):
            started += entity.execute(context)
        else:
            entity.execute(context)
    assert [node.node_executable for node in started] == expected
    assert context.environment['FASTDDS_BUILTIN_TRANSPORTS'] == 'LARGE_DATA'

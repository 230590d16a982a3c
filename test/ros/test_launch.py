"""The launch file and the files it hands out: arguments, nodes, parameters, topics."""

import ast
import dataclasses
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / 'launch' / 'depth.launch.py'
CAMERAS = LAUNCH.with_name('multi_camera.launch.py')
CONFIG = ROOT / 'config'


def calls(tree, *names):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name) and node.func.id in names]


@pytest.mark.parametrize('file', [LAUNCH, CAMERAS], ids=lambda file: file.stem)
def test_every_argument_that_is_used_is_declared(file):
    tree = ast.parse(file.read_text())
    declared, used = (
        {call.args[0].value for call in calls(tree, name) if isinstance(call.args[0], ast.Constant)}
        for name in ('argument', 'given')
    )
    assert used
    assert used <= declared
    # LARGE_DATA when unset: without it no image arrives over Fast DDS
    assert 'FASTDDS_BUILTIN_TRANSPORTS' in file.read_text()


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
        ({'video': 'clip.mp4', 'rviz': 'true', 'enclave': '/dvd_ros'},
         ['depth_node', 'video_node', 'rviz2']),
        ({'view': 'true', 'view_port': '8000'}, ['depth_node', 'view_node']),
    ],
)
def test_launch_file_starts_the_nodes_that_are_asked_for(monkeypatch, given, expected):
    context, started = launched(LAUNCH, monkeypatch, given)
    assert [node.node_executable for node in started] == expected
    assert context.environment['FASTDDS_BUILTIN_TRANSPORTS'] == 'LARGE_DATA'


def launched(file, monkeypatch, given):
    """The context and the nodes of a launch file, run by the true packages."""
    launch = pytest.importorskip('launch', reason='launch is not installed here')
    pytest.importorskip('launch_ros', reason='launch_ros is not installed here')
    import ament_index_python.packages

    monkeypatch.setattr(
        ament_index_python.packages, 'get_package_share_directory', lambda name: str(ROOT)
    )
    monkeypatch.delenv('FASTDDS_BUILTIN_TRANSPORTS', raising=False)
    spec = importlib.util.spec_from_file_location(file.stem.replace('.', '_'), file)
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
    return context, started


@pytest.mark.parametrize(('shared', 'expected'), [
    ('false', ['depth_node', 'depth_node']), ('true', ['multi_depth_node'])])
def test_launch_file_starts_every_camera(monkeypatch, shared, expected):
    _, started = launched(CAMERAS, monkeypatch, {'shared': shared})
    assert [node.node_executable for node in started] == expected


def test_example_list_of_cameras_can_be_read():
    from dvd_ros.ros.camera_list import read_cameras

    assert [camera.name for camera in read_cameras(CONFIG / 'cameras.yaml')] == ['front', 'rear']

"""`dvd-ros view`: what it starts, and what it says where something is missing."""

import sys

import pytest

from dvd_ros.cli import view
from dvd_ros.cli.main import main


@pytest.fixture
def started(monkeypatch):
    """The command that the process would have become, as lists of words."""
    commands = []
    monkeypatch.setattr(view, 'find_spec', lambda name: object())
    monkeypatch.setattr(view.os, 'execv', lambda program, words: commands.append(words) or 0)
    monkeypatch.delenv('FASTDDS_BUILTIN_TRANSPORTS', raising=False)
    return commands


def test_it_becomes_the_node(started, monkeypatch):
    with pytest.raises(TypeError):  # execv came back, which it never does
        main(['view'])
    with pytest.raises(TypeError):
        main(['view', '--namespace', '/front/', '--host', '0.0.0.0', '--port', '9000',
              '--allow-host', 'robot.local', '--allow-host', '10.0.0.2', '--image', '/cam/image',
              '--node', 'other'])
    plain, full = started
    assert plain[0] == sys.executable
    assert 'view_node' in plain[2]
    assert plain[3:] == ['--ros-args', '-p', 'host:="127.0.0.1"', '-p', 'port:=8642',
                         '-p', 'node:="depth_node"']
    assert full[3:] == ['--ros-args', '-r', '__ns:=/front', '-p', 'host:="0.0.0.0"',
                        '-p', 'port:=9000', '-p', 'node:="other"',
                        '-p', 'allow_host:=["robot.local", "10.0.0.2"]',
                        '-r', 'image:=/cam/image']
    assert view.os.environ['FASTDDS_BUILTIN_TRANSPORTS'] == 'LARGE_DATA'


@pytest.mark.parametrize(('missing', 'told'), [
    ('rclpy', 'source ROS 2'), ('dvd_ros.msg', 'source ROS 2'),
    ('aiohttp', 'pip install -r requirements/view.txt')])
def test_what_is_missing_is_told(started, monkeypatch, capsys, missing, told):
    monkeypatch.setattr(view, 'find_spec', lambda name: None if name == missing else object())
    assert main(['view']) == 1
    assert told in capsys.readouterr().err
    assert started == []


def test_a_port_that_is_none_is_refused(started, capsys):
    assert main(['view', '--port', '70000']) == 1
    assert '0..65535' in capsys.readouterr().err

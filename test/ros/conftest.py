"""Real nodes as processes of their own, and a peer in this process that talks to them over DDS."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from dvd_ros.cli._nodes import free_domain

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds; the machine may be busy with other work


def wait_for(condition, what, seconds=PATIENCE, step=None):
    """Poll until `condition()` is true and return its value; `step()` is done in between."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f'{what}: not within {seconds:.0f} s')
        if step is None:
            time.sleep(0.05)
        else:
            step()
    return value


@pytest.fixture(scope='session')
def ros_environment(tmp_path_factory):
    """Environment variables of this process and of the nodes; skips where ROS 2 is not there."""
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    pytest.importorskip('dvd_ros.msg', reason='the messages are not built: bash scripts/setup.sh')
    added = {
        'ROS_DOMAIN_ID': os.environ.get('ROS_DOMAIN_ID') or free_domain(),
        'FASTDDS_BUILTIN_TRANSPORTS': os.environ.get('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA'),
        # Fast DDS then leaves LARGE_DATA aside, over whose TCP two ends now and then overlook each
        # other on a busy machine; images are small here.
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_LOG_DIR': str(tmp_path_factory.mktemp('ros_log')),
        'RCUTILS_LOGGING_USE_STDOUT': '0',
        'PYTHONUNBUFFERED': '1',
        'OMP_NUM_THREADS': '2',
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in added.items():
            patch.setenv(name, value)
        yield dict(os.environ)


class NodeProcess:
    """One node of dvd_ros in a process of its own; `log()` is all that it has printed."""

    def __init__(self, program, arguments, environment, log_file):
        self._log_file = log_file
        with log_file.open('wb') as output:
            self._process = subprocess.Popen(
                [sys.executable, *program, '--ros-args', *arguments],
                cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def log(self):
        return self._log_file.read_text(errors='replace')

    def alive(self):
        return self._process.poll() is None

    def wait_for_log(self, text):
        wait_for(
            lambda: text in self.log() or not self.alive(), f'{text!r} in the log of the node'
        )
        assert text in self.log(), f'the node ended:\n{self.log()}'

    def wait(self):
        """The exit status."""
        return self._process.wait(PATIENCE)

    def stop(self, how=signal.SIGINT):
        """Send a signal and return the exit status."""
        self._process.send_signal(how)
        return self.wait()

    def kill(self):
        if self.alive():
            self._process.kill()
        self._process.wait()


def parameters(**values):
    """ROS arguments that set parameters."""
    return [part for key, value in values.items() for part in ('-p', f'{key}:={json.dumps(value)}')]


@pytest.fixture(scope='session')
def start_node_for_session(ros_environment, tmp_path_factory):
    """Start a node process: start('depth_node', ros_arguments, parameter=value, ...).

    Of arguments, those before '--ros-args' are the program's own, where there is one.
    'brightness_node' is of this folder, every other one of dvd_ros.
    """
    logs = tmp_path_factory.mktemp('nodes')
    started = []

    def start(name, *arguments, **values):
        log_file = logs / f'{name}{len(started)}.log'
        own = Path(__file__).with_name(f'{name}.py')
        program = [str(own)] if own.exists() else ['-m', f'dvd_ros.ros.{name}']
        if '--ros-args' in arguments:
            split = arguments.index('--ros-args')
            program, arguments = [*program, *arguments[:split]], arguments[split + 1:]
        started.append(NodeProcess(
            program, [*arguments, *parameters(**values)], ros_environment, log_file
        ))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def start_node(start_node_for_session):
    """As start_node_for_session, but what a test has started ends with it."""
    started = []

    def start(*arguments, **values):
        started.append(start_node_for_session(*arguments, **values))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture(scope='session')
def tiny_model(golden, tmp_path_factory):
    """A model folder with the tiny golden network: a true DVD whose weights mean nothing."""
    pytest.importorskip('torch', reason='PyTorch is not installed here')
    from safetensors.numpy import save_file

    folder = tmp_path_factory.mktemp('models') / 'tiny'
    folder.mkdir()
    shutil.copy(golden('model.safetensors'), folder / 'dit.safetensors')
    shutil.copy(golden('config.json'), folder / 'config.json')
    with np.load(golden('vae_rounded.npz')) as file:
        names = [name for name in file.files if name.startswith('weight/')]
        save_file(
            {
                name.removeprefix('weight/'): file[name].astype(np.float32) * step
                for name, step in zip(names, file['step'], strict=True)
            },
            folder / 'vae.safetensors',
        )
    return str(folder)


class Peer:
    """A ROS 2 node in this process that publishes camera topics and keeps all that it receives."""

    def __init__(self):
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node(f'peer{os.getpid()}', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.received = defaultdict(list)

    def subscribe(self, kind, topic, qos=200):
        """Keep every message of a topic in `received[topic]`; reliable and deep by default."""
        self.node.create_subscription(kind, topic, self.received[topic].append, qos)

    def spin(self):
        self._executor.spin_once(timeout_sec=0.05)

    def wait(self, condition, what):
        return wait_for(condition, what, step=self.spin)

    def linger(self, seconds):
        """Receive for a while: for what must not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.spin()

    def clear(self):
        for messages in self.received.values():
            messages.clear()

    def close(self):
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()


@pytest.fixture(scope='module')
def peer(ros_environment):
    """A Peer for the tests of one file."""
    made = Peer()
    yield made
    made.close()

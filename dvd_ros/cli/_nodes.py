"""Nodes of dvd_ros as child processes of a command, apart from other ROS 2 traffic."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Without the current folder on the path, where any file may shadow a module.
_PROGRAM = ('import sys; sys.path = [p for p in sys.path if p]; '
            'from dvd_ros.ros.{node} import main; sys.exit(main())')
# How long nodes may take to end after SIGINT, seconds.
_PATIENCE = 8.0
_LAST_LINES = 12


def node_command(name: str, namespace: str = '', **parameters: Any) -> list[str]:
    """The command line of a node of dvd_ros with ROS parameters."""
    return [sys.executable, '-c', _PROGRAM.format(node=name), '--ros-args',
            *(('-r', f'__ns:=/{namespace.strip("/")}') if namespace.strip('/') else ()),
            *(part for key, value in parameters.items()
              for part in ('-p', f'{key}:={json.dumps(value)}'))]


class Nodes:
    """Nodes of dvd_ros as processes, each with its output in a file under ``log``."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._environment = os.environ | {
            'ROS_DOMAIN_ID': os.environ.get('ROS_DOMAIN_ID') or free_domain(),
            # Fast DDS's default transports lose every best-effort image.
            'FASTDDS_BUILTIN_TRANSPORTS':
                os.environ.get('FASTDDS_BUILTIN_TRANSPORTS') or 'LARGE_DATA',
            'ROS_LOG_DIR': str(log / 'ros'),
            'RCUTILS_LOGGING_USE_STDOUT': '0',
            'RCUTILS_COLORIZED_OUTPUT': '0',
            'PYTHONUNBUFFERED': '1',
        }
        self._processes: dict[str, subprocess.Popen] = {}

    def start(self, name: str, **parameters: Any) -> None:
        """Start a node with ROS parameters."""
        with self._stdout(name).open('wb') as out, self.log_file(name).open('wb') as err:
            # In a session of its own: Ctrl-C reaches this process only, which ends all in order.
            self._processes[name] = subprocess.Popen(
                node_command(name, **parameters),
                env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True)

    def started(self, name: str) -> bool:
        """Whether a node was started, be it that it has ended."""
        return name in self._processes

    def running(self, name: str) -> bool:
        """Whether a node's process is there."""
        return self._processes[name].poll() is None

    def check(self) -> None:
        """Raise OSError with its last words if a node has failed, or the depth node has ended."""
        for name, process in self._processes.items():
            status = process.poll()
            if status is None or (status == 0 and name != 'depth_node'):
                continue
            words = self.log_file(name).read_text(errors='replace').splitlines()[-_LAST_LINES:]
            print()
            raise OSError('\n'.join([f'{name} ended with status {status}; its last words:',
                                     *(f'  {word}' for word in words),
                                     f'whole log: {self.log_file(name)}']))

    def progress(self, name: str) -> dict[str, Any] | None:
        """The last whole line of JSON that a node has printed."""
        with self._stdout(name).open('rb') as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            lines = file.read().split(b'\n')
        return json.loads(lines[-2]) if len(lines) > 1 else None

    def end(self) -> None:
        """End all nodes, by force where they do not end by themselves."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        limit = time.monotonic() + _PATIENCE
        for process in self._processes.values():
            try:
                process.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _stdout(self, name: str) -> Path:
        return self._log / f'{name}.out'

    def log_file(self, name: str) -> Path:
        """Where the log of a node goes."""
        return self._log / f'{name}.log'


@contextmanager
def running_nodes(log: Path) -> Iterator[Nodes]:
    """Nodes that end with the block, also where SIGTERM or a closed terminal ends it."""
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt)
              for number in (signal.SIGTERM, signal.SIGHUP)}
    nodes = Nodes(log)
    try:
        yield nodes
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
        nodes.end()
        for number, handler in (*before.items(), (signal.SIGINT, kept)):
            signal.signal(number, handler)
        shutil.rmtree(log / 'ros', ignore_errors=True)


def free_domain() -> str:
    """A ROS_DOMAIN_ID whose discovery port nobody on this machine has bound."""
    for domain in random.SystemRandom().sample(range(1, 101), 100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('', 7400 + 250 * domain))
            except OSError:
                continue
            return str(domain)
    raise OSError('every ROS_DOMAIN_ID from 1 to 100 is in use on this machine; choose one by '
                  'setting ROS_DOMAIN_ID')

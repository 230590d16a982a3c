"""`dvd-ros view`: pictures, cloud and health of a depth node on the network, in a browser.

A robot without a screen serves a small page, to its own browsers unless told otherwise; from
elsewhere safest through a tunnel: ssh -L 8642:localhost:8642 ROBOT. Whoever may connect may look.
"""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from typing import Any

from dvd_ros.cli._nodes import node_command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros view`."""
    parser.add_argument('--namespace', default='', metavar='NS',
                        help='namespace of the depth node (default: none)')
    parser.add_argument('--node', default='depth_node', help='its name (default: depth_node)')
    parser.add_argument('--image', default='', metavar='TOPIC',
                        help='topic of its images (default: NS/image)')
    parser.add_argument('--host', default='127.0.0.1', metavar='ADDRESS',
                        help='address to listen on; 0.0.0.0: all of the network may look '
                             '(default: 127.0.0.1)')
    parser.add_argument('--port', type=int, default=8642,
                        help='port (default: 8642; 0: a free one)')
    parser.add_argument('--allow-host', action='append', default=[], metavar='NAME',
                        help='a name that browsers may call this machine by, as robot.local; '
                             'may be repeated')


def run(args: argparse.Namespace) -> int:
    """Become the view node; it ends with Ctrl-C."""
    if not 0 <= args.port <= 65535:
        raise ValueError(f'--port must be in 0..65535, got {args.port}')
    for module in ('rclpy', 'dvd_ros.msg'):
        if find_spec(module) is None:
            raise OSError(f'{module} is not there: source ROS 2 and this package, or, without an '
                          'installed one, run bash scripts/setup.sh && . scripts/env.sh')
    if find_spec('aiohttp') is None:
        raise OSError('aiohttp is not there: pip install -r requirements/view.txt, or, beside an '
                      'installed ROS 2, sudo apt install python3-aiohttp')
    parameters: dict[str, Any] = {'host': args.host, 'port': args.port, 'node': args.node}
    if args.allow_host:
        parameters['allow_host'] = args.allow_host
    command = node_command('view_node', args.namespace, **parameters)
    if args.image:
        command += ['-r', f'image:={args.image}']
    # Fast DDS's default transports lose every best-effort image.
    os.environ.setdefault('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    os.execv(command[0], command)

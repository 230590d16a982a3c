"""`dvd-ros train`: make the small shipped model from nothing, or a light codec for a model."""

from __future__ import annotations

import argparse

from dvd_ros.cli import _train_codec, _train_mini

_PARTS = {'mini': _train_mini, 'codec': _train_codec}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros train`."""
    actions = parser.add_subparsers(dest='action', metavar='WHAT', required=True)
    for name, module in _PARTS.items():
        text = (module.__doc__ or '').partition(': ')[2].strip()
        action = actions.add_parser(name, help=text, description=text)
        module.add_arguments(action)
        action.add_argument('--threads', type=int, default=0,
                            help='threads of torch (0: its choice)')
        action.add_argument('--device', default='',
                            help='cpu or cuda (default: cuda if there is)')


def run(args: argparse.Namespace) -> int:
    """Train; 0 when the result is written."""
    import torch

    if args.threads:
        torch.set_num_threads(args.threads)
    args.device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    return _PARTS[args.action].run(args)

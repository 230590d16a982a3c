"""`dvd-ros train`: a LoRA of DVD, the small model from nothing or further, or a light codec.

WHAT is a YAML file, or the name of one that ships: `dvd` (LoRA fine-tuning as in the paper),
`mini` (the small model, from rendered scenes), `tune` (a small model further, on other rendered
scenes); or `codec` (a light codec for a model, from any videos).
`dvd-ros train WHAT --help` tells the rest. On several GPUs or machines, by accelerate's own config:
accelerate launch -m dvd_ros.cli.main train CONFIG.yaml -o OUT
"""

from __future__ import annotations

import argparse

from dvd_ros.cli import _train_codec, _train_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros train`; those behind WHAT depend on it."""
    parser.add_argument('what', metavar='WHAT', help='CONFIG.yaml, dvd, mini, tune, or codec')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='...',
                        help='arguments of WHAT')


def run(args: argparse.Namespace) -> int:
    """Train; 0 when the result is written."""
    module = _train_codec if args.what == 'codec' else _train_config
    text = (module.__doc__ or '').partition(': ')[2].strip()
    parser = argparse.ArgumentParser(prog=f'dvd-ros train {args.what}', description=text)
    module.add_arguments(parser)
    parser.add_argument('--threads', type=int, default=0, help='threads of torch (0: its choice)')
    parser.add_argument('--device', default='',
                        help='cpu or cuda (default: cuda if there is)')
    parser.set_defaults(what=args.what)
    options = parser.parse_args(args.arguments)

    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    options.device = options.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        return module.run(options)
    except FloatingPointError as error:
        # All there is to know is in the message and the batch that it names.
        raise ValueError(str(error)) from error

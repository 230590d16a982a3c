"""The fields of a config dataclass as options of a command."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any, TypeVar

Config = TypeVar('Config')


def add_config(parser: argparse.ArgumentParser, config: type[Any]) -> None:
    """Add an option for each field: --max-gap for max_gap, --cuts and --no-cuts for a bool."""
    for entry in fields(config):
        name = f'--{entry.name.replace("_", "-")}'
        text = f'{entry.metadata["help"]} (default: {entry.default})'
        if isinstance(entry.default, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction,
                                default=entry.default, help=text)
        else:
            parser.add_argument(name, type=type(entry.default), default=entry.default,
                                metavar=entry.name.upper(), help=text)


def read_config(args: argparse.Namespace, config: type[Config]) -> Config:
    """Make the config of what was given; ValueError, naming it, for a bad value."""
    return config(**{entry.name: getattr(args, entry.name)
                     for entry in fields(config)})  # type: ignore[arg-type]

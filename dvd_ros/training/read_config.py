"""Reads a tree of dataclasses from YAML and from `key=value`, and says what is wrong in it."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

Config = TypeVar('Config')


def read_yaml(path: Path) -> dict[str, Any]:
    """Give the mapping of a YAML file; ValueError where it is none, FileNotFoundError."""
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except yaml.YAMLError as error:
        raise ValueError(f'{path} is not YAML: {error}') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path} holds {type(content).__name__}, needed are keys with values')
    return content


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write what `read_yaml` and `build` read back as the same config."""
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False, width=100), encoding='utf-8')


def plain(config: Any) -> Any:
    """Give a config as dicts, lists and numbers, fit for YAML and JSON."""
    if is_dataclass(config) and not isinstance(config, type):
        config = asdict(config)
    if isinstance(config, Mapping):
        return {str(name): plain(value) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [plain(value) for value in config]
    return config


def override(content: dict[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """
    Give the mapping with `section.key=value` set; values are YAML, list entries go by number.

    Raises ValueError naming an assignment without `=`, or one that leads through no section.
    """
    content = plain(content)
    for assignment in assignments:
        name, equals, text = assignment.partition('=')
        if not equals or not name:
            raise ValueError(f'--set {assignment}: needed is key=value, as in run.steps=100')
        *way, last = name.split('.')
        place: Any = content
        for part in way:
            place = _step(place, part, assignment) if isinstance(place, list) \
                else place.setdefault(part, {})
            if not isinstance(place, (dict, list)):
                raise ValueError(f'--set {assignment}: {part} is {place!r} and has no keys')
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f'--set {assignment}: {text!r} is not YAML: {error}') from error
        if isinstance(place, list):
            _step(place, last, assignment)
            place[int(last)] = value
        else:
            place[last] = value
    return content


def _step(place: list[Any], part: str, assignment: str) -> Any:
    if not part.isdigit() or int(part) >= len(place):
        raise ValueError(f'--set {assignment}: {part} is no entry of a list of {len(place)}, '
                         'which are counted from 0')
    return place[int(part)]


def build(kind: type[Config], content: Any, where: str = '') -> Config:
    """
    Make a dataclass of what YAML gave; nested dataclasses, lists and tuples of them too.

    Raises ValueError naming the key in full (`loss.anchor`) and what is near to an unknown one,
    or passing on what the dataclass itself says of its values.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f'{where or "the config"} is {content!r}, needed are the keys '
                         f'{_names(kind)}')
    hints = typing.get_type_hints(kind)
    for name in content:
        if name not in _names(kind):
            near = difflib.get_close_matches(str(name), _names(kind), 2, 0.5)
            raise ValueError(f'{_join(where, name)} is unknown'
                             + (f'; did you mean {" or ".join(near)}?' if near else
                                f'; known are {_names(kind)}'))
    lost = [entry.name for entry in fields(kind)  # type: ignore[arg-type]
            if entry.name not in content and entry.default is MISSING
            and entry.default_factory is MISSING]
    if lost:
        raise ValueError(f'{where or "the config"} lacks {", ".join(lost)}')
    usual = {entry.name: entry.default_factory() for entry in fields(kind)  # type: ignore[misc,arg-type]
             if entry.default_factory is not MISSING}
    values = {}
    for name, value in content.items():
        if is_dataclass(usual.get(name)) and isinstance(value, Mapping):
            # A section that is given in part keeps the rest of its own defaults.
            value = {**plain(usual[name]), **value}
        values[name] = _value(hints[name], value, _join(where, name))
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f'{where}: {error}' if where else str(error)) from error


def _names(kind: type[Any]) -> list[str]:
    return [entry.name for entry in fields(kind)]


def _join(where: str, name: str) -> str:
    return f'{where}.{name}' if where else str(name)


def _value(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (kind,) = (part for part in arguments if part is not type(None))
        return _value(kind, value, where)
    if is_dataclass(kind):
        return build(typing.cast(Any, kind), value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f'{where} is {value!r}, needed is a list')
        kinds = [arguments[0]] * len(value) if Ellipsis in arguments else list(arguments)
        if len(kinds) != len(value):
            raise ValueError(f'{where} has {len(value)} values, needed are {len(kinds)}')
        return tuple(_value(kind, part, f'{where}.{i}')
                     for i, (kind, part) in enumerate(zip(kinds, value, strict=True)))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ValueError(f'{where} is {value!r}, needed are keys with values')
        return dict(value)
    if kind is float:
        # YAML takes 1e-4 for a text: its numbers want a point.
        if isinstance(value, str):
            try:
                return float(value)
            except ValueError:
                pass
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif kind is int:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value):
            return int(value)
    elif isinstance(value, kind):
        return value
    raise ValueError(f'{where} is {value!r}, needed is {kind.__name__}')

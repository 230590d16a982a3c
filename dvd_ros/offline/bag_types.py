"""Message classes for bags where there is no ROS 2, by the library `rosbags`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

import dvd_ros
from dvd_ros.messages.message_types import MessageTypes

_OWN = ('ScaleSource', 'MetricScale', 'WindowAlignment')
_SCALARS: dict[str, Any] = {'string': '', 'bool': False, 'float32': 0.0, 'float64': 0.0}
# ROS's names of bytes; the other names of numbers are numpy's.
_BYTES = {'byte': 'uint8', 'octet': 'uint8', 'char': 'uint8'}


class BagTypes:
    """
    Reads and writes serialised messages of the types that depth needs.

    ``types`` makes messages from fields by name, as the classes of ROS 2 do. ``store`` is the
    rosbags type store; the standard messages in it are Humble's, which later releases share.

    Raises FileNotFoundError where the package's .msg files are not installed.
    """

    def __init__(self) -> None:
        self.store = get_typestore(Stores.ROS2_HUMBLE)
        own = {}
        for name in _OWN:
            own.update(get_types_from_msg(_definition(name), f'dvd_ros/msg/{name}'))
        self.store.register(own)
        self.types = MessageTypes(
            Time=self._maker('builtin_interfaces/msg/Time'),
            Header=self._maker('std_msgs/msg/Header'),
            **{name: self._maker(f'sensor_msgs/msg/{name}')
               for name in ('Image', 'CameraInfo', 'PointCloud2', 'PointField')},
            **{name: self._maker(f'dvd_ros/msg/{name}') for name in _OWN})

    def read(self, data: bytes | memoryview, kind: str) -> Any:
        """Give the message of a known type; raises ValueError where the bytes are none."""
        try:
            return self.store.deserialize_cdr(data, kind)
        except Exception as error:  # noqa: BLE001 (broken bytes raise what they come upon)
            raise ValueError(f'no {kind}: {error}') from error

    def write(self, message: Any, kind: str) -> memoryview:
        """Serialise a message of a known type; arrays may be any sequence."""
        self._convert(message, kind)
        return self.store.serialize_cdr(message, kind)

    def _maker(self, kind: str) -> Callable[..., Any]:
        return partial(self._make, kind)

    def _make(self, kind: str, **given: Any) -> Any:
        return self.store.types[kind](**{
            name: given[name] if name in given else self._default(*description)
            for name, description in self.store.fielddefs[kind][1]})

    def _default(self, node: Nodetype, what: Any) -> Any:
        if node == Nodetype.NAME:
            return self._make(what)
        if node == Nodetype.BASE:
            return _SCALARS.get(what[0], 0)
        element, length = what
        count = length if node == Nodetype.ARRAY else 0
        dtype = _dtype(*element)
        if dtype is None:
            return [self._default(*element) for _ in range(count)]
        return np.zeros(count, dtype)

    def _convert(self, message: Any, kind: Any) -> None:
        """Turn sequences of numbers into the numpy arrays that rosbags writes."""
        for name, (node, what) in self.store.fielddefs[kind][1]:
            value = getattr(message, name)
            if node == Nodetype.NAME:
                self._convert(value, what)
            elif node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
                dtype = _dtype(*what[0])
                if dtype is not None:
                    setattr(message, name, np.asarray(value, dtype))
                elif what[0][0] == Nodetype.NAME:
                    for item in value:
                        self._convert(item, what[0][1])


def _dtype(node: Nodetype, what: Any) -> np.dtype | None:
    """The element type of an array of numbers; None for strings and messages."""
    if node != Nodetype.BASE or what[0] == 'string':
        return None
    return np.dtype(_BYTES.get(what[0], what[0]))


def _definition(name: str) -> str:
    """The text of one of the package's own .msg files, of the source tree or as installed."""
    for folder in _places():
        file = folder / f'{name}.msg'
        if file.is_file():
            return file.read_text(encoding='utf-8')
    raise FileNotFoundError(f'msg/{name}.msg of dvd_ros is not there: looked for it beside the '
                            'package and under share/dvd_ros/msg of its prefix; install the '
                            'package again')


def _places() -> Iterator[Path]:
    package = Path(dvd_ros.__file__).resolve().parent
    yield package.parent / 'msg'
    prefixes = [*package.parents, *map(Path, filter(None, os.environ.get(
        'AMENT_PREFIX_PATH', '').split(os.pathsep)))]
    for prefix in prefixes:
        yield prefix / 'share' / 'dvd_ros' / 'msg'

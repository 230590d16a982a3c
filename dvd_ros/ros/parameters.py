"""Node parameters made from config dataclasses: each field is a parameter of the same name."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from dvd_ros.option import option

Config = TypeVar('Config')


def _descriptor(entry: Any, read_only: bool) -> ParameterDescriptor:
    default = entry.default
    descriptor = ParameterDescriptor(description=entry.metadata.get('help', ''),
                                     read_only=read_only)
    if not read_only:
        descriptor.additional_constraints = (
            'may be set at any time' if entry.metadata.get('live') else
            'may be set while the node is unconfigured')
    # A YAML file or command line that says `far: 20` means 20.0; ROS calls that another type.
    # So are a name alone and a list of it.
    descriptor.dynamic_typing = isinstance(default, float | tuple)
    low, high = entry.metadata.get('range', (None, None))
    if low is None and high is None:
        return descriptor
    if isinstance(default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(
                from_value=-math.inf if low is None else float(low),
                to_value=math.inf if high is None else float(high),
            )
        ]
    else:
        descriptor.integer_range = [
            IntegerRange(
                from_value=-(2**63) if low is None else int(low),
                to_value=2**63 - 1 if high is None else int(high),
            )
        ]
    return descriptor


def declare(node: Any, config: type[Config], managed: bool = False) -> Config:
    """Declare every field of a config dataclass on a node and return the config as it was set.

    The field's default is the parameter's, its `metadata['help']` the description and
    `metadata['range']`, where there is one, the range. A tuple is a list of strings. The
    parameters are read-only: the node takes them at its start. Those of a `managed` node that are
    not `fixed` may be set later; NodeParameters says when.

    Raises
    ------
    ValueError
        the config's own complaint, or that a number was needed and something else was given.
    rclpy.exceptions.ParameterException
        a value of another type or out of its range.

    """
    return config(**declare_values(node, config, managed))


def declare_values(node: Any, config: type[Any], managed: bool = False) -> dict[str, Any]:
    """Declare as `declare` does; the values, of which a config may not be made yet."""
    values: dict[str, Any] = {}
    for entry in fields(config):
        default: Any = entry.default
        read_only = not managed or bool(entry.metadata.get('fixed'))
        value = node.declare_parameter(
            entry.name, list(default) if isinstance(default, tuple) else default,
            _descriptor(entry, read_only),
        ).value
        values[entry.name] = as_field(entry, value)
    return values


def as_field(entry: Any, value: Any) -> Any:
    """A parameter's value as the config field has it; ValueError where it is of another type."""
    default = entry.default
    if isinstance(default, tuple):
        return _names(entry.name, value)
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f'parameter {entry.name} needs a number, got {value!r}')
        return float(value)
    return value


def _names(parameter: str, value: Any) -> tuple[str, ...]:
    """The strings of a list, or of one string where commas separate them."""
    if value is None:  # an empty list in a file has no type, which ROS 2 takes for no value at all
        return ()
    if isinstance(value, str):
        value = [word.strip() for word in value.split(',') if word.strip()]
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f'parameter {parameter} needs a list of strings, got {value!r}')
    return tuple(value)


@dataclass(frozen=True)
class VideoNodeConfig:
    """What video_node plays and how."""

    source: str = option(
        '', 'video file, camera device (0, /dev/video0), image folder or TUM RGB-D folder'
    )
    rate: float = option(0.0, "images per second; 0: the source's own", 0.0, 1000.0)
    loop: bool = option(False, 'start again at the end')
    frame_id: str = option('camera_optical_frame', 'optical frame of the images')
    hfov: float = option(
        1.047, 'horizontal field of view in radians, used where the source has no intrinsics',
        0.01, 3.13,
    )
    wait_for_subscriber: float = option(
        0.0, 'seconds to wait for a subscriber before the first image; 0: do not wait', 0.0, 86400.0
    )
    audience: str = option(
        '', 'names of the nodes to wait for, separated by commas; empty: any one subscriber'
    )
    seconds: float = option(0.0, 'end after so long; 0: at the end of the source', 0.0, 1e6)
    depth_share: float = option(
        0.0, "share of the pixels of an RGB-D folder's depth that is published on scale/depth, as"
        ' a depth camera would; 0: no depth', 0.0, 1.0
    )
    exit_at_end: bool = option(True, 'end the process after the last image')

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError(
                'source must name a video file, device or folder, got an empty string; '
                'set it with -p source:=FILE'
            )
        if not (self.rate >= 0.0 and math.isfinite(self.rate)):
            raise ValueError(f'rate must be 0 or more images per second, got {self.rate}')
        if not 0.0 < self.hfov < math.pi:
            raise ValueError(f'hfov must be between 0 and pi radians, got {self.hfov}')
        if not self.wait_for_subscriber >= 0.0:
            raise ValueError(
                f'wait_for_subscriber must be 0 or more seconds, got {self.wait_for_subscriber}'
            )
        if not self.seconds >= 0.0:
            raise ValueError(f'seconds must be 0 or more, got {self.seconds}')
        if not 0.0 <= self.depth_share <= 1.0:
            raise ValueError(f'depth_share must be in 0..1, got {self.depth_share}')

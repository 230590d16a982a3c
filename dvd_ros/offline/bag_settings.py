"""What is made of a bag, and how it is told whether that has been done."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

import dvd_ros
from dvd_ros.messages.frame_messages import OUTPUTS
from dvd_ros.messages.output_config import OutputConfig
from dvd_ros.messages.ros_names import is_namespace
from dvd_ros.offline.bag_output import STORAGES
from dvd_ros.regressor import RELEASES, SHIPPED, model_folder, released_files
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.stream.config import StreamConfig

DEFAULT_TOPICS = ('depth', 'camera_info', 'alignment', 'scale')


@dataclass(frozen=True)
class BagSettings:
    """
    The options of `dvd-ros bag` that decide what is in the result.

    image, camera_info, scale_depth: topics; '' for the one that is found, or none. keep: 'all',
    'none' or patterns of topics, with commas. storage: one of STORAGES, '' as the input.

    Raises ValueError naming what is wrong.
    """

    image: str = ''
    camera_info: str = ''
    scale_depth: str = ''
    topics: tuple[str, ...] = DEFAULT_TOPICS
    keep: str = 'all'
    namespace: str = 'dvd'
    storage: str = ''
    model: str = 'mini'
    backend: str = 'auto'
    device: str = 'auto'
    codec: str = 'full'
    hfov: float = 1.047
    undistort: bool = False
    stream: StreamConfig = field(default_factory=StreamConfig)
    scale: ScaleConfig = field(default_factory=ScaleConfig)
    output: OutputConfig = field(default_factory=OutputConfig)

    def __post_init__(self) -> None:
        unknown = [name for name in self.topics if name not in OUTPUTS]
        if unknown or not self.topics:
            raise ValueError(f'--topics must be of {",".join(OUTPUTS)}, got '
                             f'{",".join(self.topics) or "none"}')
        if self.storage and self.storage not in STORAGES:
            raise ValueError(f'--storage must be {" or ".join(STORAGES)}, got {self.storage!r}')
        if not 0.0 < self.hfov < 3.14:
            raise ValueError(f'--hfov must be between 0 and pi radians, got {self.hfov}')
        if not is_namespace(self.namespace.strip('/')):
            raise ValueError('--namespace must be a name of ROS, letters, digits and _ with / '
                             f'between, got {self.namespace!r}')

    def topic(self, name: str) -> str:
        """The topic of one of OUTPUTS."""
        return f'/{self.namespace.strip("/")}/{name}'

    def keeps(self, topic: str) -> bool:
        """Whether an original topic stays."""
        if self.keep in ('all', 'none'):
            return self.keep == 'all'
        return any(fnmatchcase(topic, pattern.strip()) for pattern in self.keep.split(','))

    def record(self, recording: str) -> dict[str, Any]:
        """All that the result depends on, as JSON has it; ``recording`` identifies the input."""
        values = {'recording': recording, 'version': dvd_ros.__version__,
                  'weights': weights_of(self.model), **asdict(self)}
        for part in ('stream', 'scale', 'output'):
            values.update(values.pop(part))
        return json.loads(json.dumps(values))


def weights_of(model: str) -> str:
    """What tells a model's files from those of another: their names, sizes and times."""
    if model in RELEASES:
        files = list(released_files(model))
    else:
        place = model_folder(model)
        files = sorted(place.glob('*')) if place.is_dir() else [place]
    stats = [(file.name, file.stat()) for file in files if file.is_file()]
    # What ships is laid out anew at each installation: its times say nothing.
    text = ' '.join(f'{name}:{stat.st_size}' + (
        '' if model in SHIPPED else f':{stat.st_mtime_ns}') for name, stat in stats)
    return sha256(text.encode()).hexdigest()


def differences(made: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Name what differs between two records."""
    names = [name for name in sorted({*made, *wanted}) if made.get(name) != wanted.get(name)]
    long = {'recording', 'weights'}
    return ', '.join(f'another {name}' if name in long else
                     f'{name} {made.get(name)!r} instead of {wanted.get(name)!r}'
                     for name in names)

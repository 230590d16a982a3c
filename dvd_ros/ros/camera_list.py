"""The YAML list of cameras that multi_camera.launch.py starts depth for."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from dvd_ros.messages.ros_names import is_namespace


@dataclass(frozen=True)
class Camera:
    """
    One camera: its depth is /NAME/dvd/depth.

    image, camera_info: its topics. params_file: parameters of its node, '' for those of all.
    parameters: single ones, which go before the file's. remap: other topics of the node to those
    that there are, e.g. ``{scale/points: /lidar/points}``.
    """

    name: str
    image: str
    camera_info: str = ''
    params_file: str = ''
    parameters: dict[str, Any] = field(default_factory=dict)
    remap: dict[str, str] = field(default_factory=dict)

    @property
    def remappings(self) -> list[tuple[str, str]]:
        """Topic of the node, without namespace, and that which it becomes."""
        info = self.camera_info or self.image.rsplit('/', 1)[0] + '/camera_info'
        return [('image', self.image), ('camera_info', info), *self.remap.items()]

    def node_parameters(self) -> dict[str, Any]:
        """
        Give the parameters of its depth_node: `parameters`, before those of `params_file`.

        For a process with nodes of other cameras, to which the file as a whole would apply, too. Of
        the file those sections count that ROS 2 would take for this node, without nested
        namespaces. Raises FileNotFoundError, or ValueError for a file that is none of parameters.
        """
        values: dict[str, Any] = {}
        if self.params_file:
            path = Path(self.params_file)
            try:
                for node, section in (yaml.safe_load(path.read_text()) or {}).items():
                    if fnmatchcase(f'/{self.name}/depth_node', _pattern(node)):
                        values |= section.get('ros__parameters', {})
            except (yaml.YAMLError, AttributeError, TypeError) as error:
                raise ValueError(f'{path} is no file of parameters: {error!r}') from error
        return values | self.parameters


def read_cameras(path: str | Path) -> list[Camera]:
    """
    Read the list ``cameras`` of a file; its entries have the fields of Camera.

    Without ``camera_info`` it is taken from beside the image. Raises FileNotFoundError, or
    ValueError naming what is wrong.
    """
    try:
        content = yaml.safe_load(Path(path).read_text())
    except yaml.YAMLError as error:
        raise ValueError(f'{path} is no YAML: {error}') from error
    entries = content.get('cameras') if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path} needs a list 'cameras', each with name and image")
    known = {entry.name for entry in fields(Camera)}
    cameras: list[Camera] = []
    for number, entry in enumerate(entries, 1):
        lost = {'name', 'image'} - set(entry if isinstance(entry, dict) else ())
        if lost:
            raise ValueError(f'{path}: camera {number} has no {" and no ".join(sorted(lost))}')
        unknown = set(entry) - known
        if unknown:
            raise ValueError(f'{path}: camera {entry["name"]} has {", ".join(sorted(unknown))}; '
                             f'there are {", ".join(sorted(known))}')
        camera = Camera(**entry)
        _check(camera, path)
        if any(camera.name == other.name for other in cameras):
            raise ValueError(f'{path} has two cameras of the name {camera.name}')
        cameras.append(camera)
    return cameras


def _check(camera: Camera, path: str | Path) -> None:
    """Raise ValueError where a field is not of its kind."""
    if not is_namespace(str(camera.name)):
        raise ValueError(f'{path}: {camera.name!r} is no name of a namespace: letters, digits, _')
    for name, kind, what in (('image', str, 'a topic'), ('camera_info', str, 'a topic'),
                             ('params_file', str, 'a file'), ('parameters', dict, 'a mapping'),
                             ('remap', dict, 'a mapping')):
        value = getattr(camera, name)
        if not isinstance(value, kind) or (name == 'image' and not value):
            raise ValueError(
                f'{path}: {name} of camera {camera.name} has to be {what}, got {value!r}')


def _pattern(node: str) -> str:
    """A node's name in a file of parameters as a pattern; there `depth_node` is `/depth_node`."""
    return f'/{node.lstrip("/")}'.replace('/**/', '/*').replace('**', '*')

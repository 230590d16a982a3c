"""What an exported network's folder says about itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MANIFEST, WEIGHTS, FORMAT = 'manifest.json', 'weights.safetensors', 1


@dataclass(frozen=True)
class Graph:
    """
    One ONNX file.

    part: 'encoder', 'transformer' or 'decoder'. size: (H, W) of its images in pixels. input,
    output: shapes, all float32. sha256: of the file.
    """

    part: str
    file: str
    size: tuple[int, int]
    input: tuple[int, ...]
    output: tuple[int, ...]
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """
    The contents of manifest.json.

    weights: sha256 of the file of weights. beside: sha256 of other files in the folder that hold
    weights of the graphs, by name. ranges: (least, most) of the values that go in and
    come out. sources: sha256 of the files that the network was made from, by name. codec: 'full'
    or 'light'.
    """

    format: int
    name: str
    window: int
    multiple: int
    precision: str
    opset: int
    weights: str
    graphs: list[Graph]
    beside: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, list[float]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    codec: str = 'full'

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read a folder's manifest; ValueError where it is damaged or of another format."""
        path = folder / MANIFEST
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            known = content['format']
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise ValueError(f'{path} is not a manifest ({error!r}); export the model again: '
                             'dvd-ros export') from error
        if known != FORMAT:
            raise ValueError(f'{path} is of format {known}, this dvd_ros reads {FORMAT}; export '
                             'the model again: dvd-ros export')
        try:
            graphs = [Graph(**entry | {key: tuple(entry[key])
                                       for key in ('size', 'input', 'output')})
                      for entry in content.pop('graphs')]
            manifest = cls(graphs=graphs, **content)
            for name in (*manifest.beside, *(graph.file for graph in graphs)):
                # A model folder may come from anywhere: it must not lead out of itself.
                if name != Path(name).name:
                    raise ValueError(f'{path} names {name!r}, which is no file of its folder')
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f'{path} is incomplete ({error!r}); export the model again: '
                             'dvd-ros export') from error
        return manifest

    def to_dict(self) -> dict[str, Any]:
        """What `load` reads."""
        return asdict(self)

    def weights_identity(self) -> str:
        """sha256, hexadecimal, that differs where any file of weights does."""
        if not self.beside:
            return self.weights
        return hashlib.sha256(json.dumps([self.weights, self.beside]).encode()).hexdigest()

    def verify(self, folder: Path) -> None:
        """Raise FileNotFoundError or ValueError unless all files are those that were exported."""
        for name, expected in ((WEIGHTS, self.weights), *self.beside.items(),
                               *((g.file, g.sha256) for g in self.graphs)):
            path = folder / name
            if not path.is_file():
                raise FileNotFoundError(f'{path} is missing; export the model again: '
                                        'dvd-ros export')
            if digest(path) != expected:
                raise ValueError(f'{path} is not the file that {MANIFEST} was written for '
                                 '(damaged, cut short or from another export); export the model '
                                 'again: dvd-ros export')


def digest(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    total = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()

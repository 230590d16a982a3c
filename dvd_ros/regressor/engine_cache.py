"""
Where TensorRT engines lie, each beside a note (JSON) of what it was built for.

An engine is machine code for one GPU and one version of TensorRT, made from one ONNX file. It is
read only where all of that is still so, and only from a file that nobody else could have written,
because reading an engine amounts to running it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from dvd_ros.export_manifest import Graph, Manifest, digest
from dvd_ros.regressor.weights import cache_folder

_BUILD = 'dvd-ros engine build FOLDER'


@dataclass(frozen=True)
class EngineKey:
    """
    All that an engine depends on.

    onnx, weights: sha256 of the graph and of the files of weights. tensorrt: version. gpu: name.
    capability: as '8.7'. input, output: shapes. settings: of the builder, see BuildConfig.
    """

    onnx: str
    weights: str
    tensorrt: str
    gpu: str
    capability: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    settings: str

    @classmethod
    def of(cls, manifest: Manifest, graph: Graph, *, tensorrt: str, gpu: str, capability: str,
           settings: str) -> EngineKey:
        """Key of a graph of an export."""
        return cls(graph.sha256, manifest.weights_identity(), tensorrt, gpu, capability,
                   graph.input, graph.output, settings)

    def identity(self) -> str:
        """A name of 16 hexadecimal digits that no other key has."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def differences(self, other: dict[str, Any]) -> list[str]:
        """What a note's key has otherwise, in words."""
        mine = json.loads(json.dumps(asdict(self)))
        return [f'{name} {_short(other.get(name))}, here it is {_short(value)}'
                for name, value in mine.items() if other.get(name) != value]


def _short(value: object) -> str:
    text = str(value)
    return f'{text[:12]}...' if len(text) == 64 else text


@dataclass(frozen=True)
class Note:
    """What lies beside an engine. accuracy: the figures of its check; see engine_build."""

    path: Path
    name: str
    part: str
    precision: str
    key: dict[str, Any]
    size: int
    sha256: str
    accuracy: dict[str, Any]


class EngineCache:
    """
    Engines in one folder: `NAME.engine` with `NAME.json`, and TensorRT's timing caches.

    Files are written whole and then renamed, for their owner alone. An engine without its note
    does not count: the note is written last, once the engine has passed its check.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """folder: None is `engines` in the package's cache; see weights.cache_folder."""
        self.folder = cache_folder() / 'engines' if folder is None else folder

    def path(self, graph: Graph, key: EngineKey) -> Path:
        """Where the engine of a graph lies, or would."""
        return self.folder / f'{Path(graph.file).stem}_{key.identity()}.engine'

    def load(self, graph: Graph, key: EngineKey) -> bytes:
        """
        Give the engine's bytes.

        Raises FileNotFoundError where there is none, naming the nearest one and why it will not
        do; ValueError where the file is not what its note says, PermissionError where others could
        have written it. All say what to do.
        """
        path = self.path(graph, key)
        if not path.with_suffix('.json').is_file() or not path.is_file():
            raise FileNotFoundError(f'no TensorRT engine for {graph.file}{self._nearest(key)}: '
                                    f'{_BUILD}')
        note = self._read(path.with_suffix('.json'))
        if different := key.differences(note.key):
            raise ValueError(f'{path} was built for {"; ".join(different)}: delete it and '
                             f'{_BUILD}')
        if not note.accuracy.get('passed'):
            raise ValueError(f'{path} never passed its accuracy check: {_BUILD}')
        _check_private(path)
        data = path.read_bytes()
        if len(data) != note.size:
            raise ValueError(f'{path} has {len(data)} bytes of {note.size}, it was cut short: '
                             f'{_BUILD}')
        if hashlib.sha256(data).hexdigest() != note.sha256:
            raise ValueError(f'{path} is damaged, its sha256 is not the one noted: {_BUILD}')
        return data

    def settings(self, keys: Iterable[EngineKey]) -> str:
        """
        Settings with which the engines of all keys were built last.

        Those of the keys themselves where there are none: whoever runs engines does not care how
        hard the builder searched.
        """
        keys, notes = list(keys), list(self.notes())
        found: dict[str, float] = {}
        for settings in {str(note.key.get('settings')) for note in notes}:
            wanted = [json.loads(json.dumps(asdict(key) | {'settings': settings})) for key in keys]
            fit = [note.path for key in wanted for note in notes
                   if note.key == key and note.path.is_file()]
            if len(fit) >= len(keys):
                found[settings] = max(path.stat().st_mtime for path in fit)
        return max(found, key=lambda settings: found[settings], default=keys[0].settings)

    def stage(self, graph: Graph, key: EngineKey, data: bytes) -> Path:
        """Write a new engine under a name that nobody loads; `accept` makes it count."""
        return self._write(self.path(graph, key).with_suffix('.unchecked'), data)

    def accept(self, staged: Path, graph: Graph, key: EngineKey, *, name: str, precision: str,
               accuracy: dict[str, Any]) -> Path:
        """Let a staged engine count, with the figures of the check that it passed."""
        path = self.path(graph, key)
        content = {'name': name, 'part': graph.part, 'precision': precision, 'key': asdict(key),
                   'size': staged.stat().st_size, 'sha256': digest(staged), 'accuracy': accuracy}
        # Never an old note beside a new engine.
        path.with_suffix('.json').unlink(missing_ok=True)
        staged.replace(path)
        self._write(path.with_suffix('.json'), json.dumps(content, indent=1).encode())
        return path

    def remove(self, graph: Graph, key: EngineKey) -> None:
        """Delete an engine and its note; nothing where there is none."""
        path = self.path(graph, key)
        for each in (path.with_suffix('.json'), path, path.with_suffix('.unchecked')):
            each.unlink(missing_ok=True)

    def notes(self) -> Iterator[Note]:
        """All engines that have a note that can be read."""
        for path in sorted(self.folder.glob('*.json')):
            try:
                yield self._read(path)
            except ValueError:
                continue

    def load_timing(self, key: EngineKey) -> bytes:
        """TensorRT's timings of an earlier build on this GPU, b'' where there are none."""
        path = self._timing(key)
        if not path.is_file():
            return b''
        _check_private(path)
        return path.read_bytes()

    def save_timing(self, key: EngineKey, data: bytes) -> None:
        """Keep the timings, with which the next build takes minutes less."""
        self._write(self._timing(key), data)

    def _timing(self, key: EngineKey) -> Path:
        whose = hashlib.sha256(f'{key.tensorrt} {key.gpu} {key.capability}'.encode()).hexdigest()
        return self.folder / f'timing_{whose[:16]}.cache'

    def _nearest(self, key: EngineKey) -> str:
        """Why the engine of the same graph that differs least will not do, in words."""
        rest = ['; '.join(key.differences(note.key)) for note in self.notes()
                if note.key.get('onnx') == key.onnx and note.path.is_file()]
        return f' (there is one for {min(rest, key=len)})' if rest else ''

    def _read(self, path: Path) -> Note:
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            note = Note(path.with_suffix('.engine'), **content)
        except (ValueError, TypeError) as error:
            raise ValueError(f'{path} is no note of an engine ({error}): delete it and '
                             f'{_BUILD}') from error
        known = {field.name for field in fields(EngineKey)}
        if not isinstance(note.accuracy, dict) or set(note.key or ()) != known:
            raise ValueError(f'{path} is no note of an engine: delete it and {_BUILD}')
        return note

    def _write(self, path: Path, data: bytes) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        handle, scratch = tempfile.mkstemp(dir=self.folder, prefix=path.name, suffix='.part')
        try:
            with os.fdopen(handle, 'wb') as file:  # mkstemp gave it mode 0600
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(scratch).replace(path)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise
        return path


def _check_private(path: Path) -> None:
    """Raise PermissionError where another user could have written what is about to be run."""
    state = path.stat()
    if state.st_uid not in (os.getuid(), 0):
        raise PermissionError(f'{path} belongs to user {state.st_uid}, and an engine is run like a '
                              f'program: delete it and {_BUILD}, or chown it')
    if state.st_mode & 0o077:
        raise PermissionError(f'{path} is open to others (mode {state.st_mode & 0o777:o}), and an '
                              f'engine is run like a program: if it is yours, chmod 600 {path}')

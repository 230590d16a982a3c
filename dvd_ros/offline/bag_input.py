"""A rosbag2 recording that is read: its topics and its messages."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.storage_mcap import McapReader

from dvd_ros.messages.image_conversion import ENCODINGS
from dvd_ros.offline.bag_types import BagTypes

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
_ENDS = 65536


class BagInput:
    """
    An open bag; close it, or use it as a context manager.

    path: a bag's folder, or a .mcap or .db3 file. Raises ValueError, from all methods, where it
    is no bag or broken, saying what to do.
    """

    def __init__(self, path: Path, types: BagTypes) -> None:
        self.path = path
        self._types = types
        if not path.exists():
            raise ValueError(f'no bag at {path}')
        if path.is_dir() and not (path / 'metadata.yaml').is_file():
            parts = _storage_files(path)
            if not parts:
                raise ValueError(f'{path} is no bag: it has neither metadata.yaml nor .mcap or '
                                 '.db3 files')
            raise ValueError(f'{path} has no metadata.yaml, as of a recording that was cut off: '
                             f'`ros2 bag reindex {path}` makes it, or give {parts[0]} itself')
        with self._explained():
            self._reader = Reader(path)
            self._reader.open()

    def __enter__(self) -> BagInput:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    @property
    def name(self) -> str:
        """The name of the bag."""
        path = self.path.resolve()
        return path.name if path.is_dir() else path.stem

    @property
    def storage(self) -> str:
        """'mcap' or 'sqlite3'."""
        storage: Any = self._reader.storage
        parts = getattr(storage, 'storages', [storage])
        return 'mcap' if any(isinstance(part, McapReader) for part in parts) else 'sqlite3'

    @property
    def connections(self) -> list[Connection]:
        """All topics; one may be there several times, with other QoS."""
        return self._reader.connections

    def identity(self) -> str:
        """What tells this recording from others, wherever it lies: sizes and ends of its files."""
        digest = hashlib.sha256()
        for file in _storage_files(self.path) if self.path.is_dir() else [self.path]:
            size = file.stat().st_size
            digest.update(f'{file.name} {size} '.encode())
            with file.open('rb') as opened:
                digest.update(opened.read(_ENDS))
                opened.seek(max(0, size - _ENDS))
                digest.update(opened.read(_ENDS))
        return digest.hexdigest()

    def of(self, topic: str, kinds: Collection[str]) -> list[Connection]:
        """The connections of a topic; ValueError unless it is there and of one of the types."""
        found = [entry for entry in self.connections if entry.topic == topic]
        fitting = [entry for entry in found if entry.msgtype in kinds]
        if not fitting:
            got = f'is of type {found[0].msgtype}' if found else 'is not in the bag'
            raise ValueError(f'{topic} {got}; needed is {" or ".join(kinds)}, of which '
                             f'{self.path} has: {_names(self.topics(kinds)) or "none"}')
        return fitting

    def topics(self, kinds: Collection[str]) -> list[str]:
        """The names of the topics of some types that have messages."""
        return sorted({entry.topic for entry in self.connections
                       if entry.msgtype in kinds and entry.msgcount})

    def image_topic(self) -> str:
        """The only topic of colour images; ValueError, listing them, where that is not clear."""
        topics = [topic for topic in self.topics((IMAGE, COMPRESSED)) if self._shows_colour(topic)]
        if len(topics) == 1:
            return topics[0]
        if topics:
            raise ValueError(f'{self.path} has {len(topics)} image topics: {_names(topics)}; '
                             'choose one by --image')
        others = _names(sorted({entry.topic for entry in self.connections}))
        raise ValueError(f'{self.path} has no topic of colour images (one that does not look like '
                         f'it is taken by --image); its topics are: {others or "none"}')

    def camera_info_topic(self, image: str) -> str | None:
        """The camera_info beside an image topic, as image_transport has it; None: none is."""
        base = image.removesuffix('/compressed').rpartition('/')[0]
        return next((topic for topic in self.topics((CAMERA_INFO,))
                     if topic == f'{base}/camera_info'), None)

    def first(self, connections: list[Connection]) -> tuple[Connection, int, bytes] | None:
        """The first message of some topics, or None."""
        return next(self.messages(connections), None)

    def messages(self, connections: list[Connection]) -> Iterator[tuple[Connection, int, bytes]]:
        """Give (connection, log time in ns, data) in order of log times."""
        if not connections:
            return
        with self._explained():
            yield from self._reader.messages(connections)

    def _shows_colour(self, topic: str) -> bool:
        """Whether a topic is no depth image, by its first message."""
        found = self.first(self.of(topic, (IMAGE, COMPRESSED)))
        if found is None:
            return False
        connection, _, data = found
        try:
            message = self._types.read(data, connection.msgtype)
        except ValueError:
            return True  # said when it is read
        if connection.msgtype == COMPRESSED:
            return 'compressedDepth' not in message.format
        return message.encoding in ENCODINGS and message.encoding != 'mono16'

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what a broken file makes rosbags raise into ValueError with a way out."""
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:
            text = str(error) or type(error).__name__
            mcap = self.path.suffix == '.mcap' or (
                self.path.is_dir() and any(file.suffix == '.mcap'
                                           for file in _storage_files(self.path)))
            way = ('`mcap recover FILE -o REPAIRED.mcap` saves what is whole in a file that was '
                   'cut off; then give REPAIRED.mcap itself' if mcap else
                   '`sqlite3 FILE .recover | sqlite3 REPAIRED.db3` saves what is whole in a file '
                   'that was cut off; then give REPAIRED.db3 itself')
            raise ValueError(f'{self.path} cannot be read: {text.rstrip(".")}. {way}') from error


def _storage_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir()
                  if file.suffix in ('.mcap', '.db3', '.zstd') and file.is_file())


def _names(topics: list[str]) -> str:
    return ', '.join(topics)

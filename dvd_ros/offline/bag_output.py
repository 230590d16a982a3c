"""A rosbag2 recording that is written in the order of its log times."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.errors import WriterError
from rosbags.typesys.store import Typestore

STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
# The newest that Humble reads; later releases read it, too.
_VERSION: Final = 8
# What a message without any known definition gets: rosbag2 asks for something of this form.
_NO_HASH = 'RIHS01_' + 64 * '0'
_FOREVER = QosTime(9223372036, 854775807)
# As the node's publishers: reliable, which best-effort subscribers hear as well.
_RELIABLE = Qos(QosHistory.KEEP_LAST, 10, QosReliability.RELIABLE, QosDurability.VOLATILE,
                _FOREVER, _FOREVER, QosLiveliness.AUTOMATIC, _FOREVER, False)
# Messages wait for the depth of older images; more bytes than this do not.
_MOST_WAITING = 256 << 20


class BagOutput:
    """
    Takes messages of any order, holds them until `release` and writes them by log time.

    Parameters
    ----------
    folder
        The bag; it must not be there.
    storage
        One of STORAGES.
    store
        Knows the definitions of the types of `add`.

    Raises
    ------
    OSError
        Here and from all methods, where it cannot be written, as on a full disk.

    """

    def __init__(self, folder: Path, storage: str, store: Typestore) -> None:
        self._writer = Writer(folder, version=_VERSION, storage_plugin=STORAGES[storage])
        self._store = store
        self._waiting: list[tuple[int, int, Connection, Any]] = []
        self._copies: dict[str, Connection] = {}
        self._bytes = self._number = 0
        with _as_oserror():
            self._writer.open()

    def add(self, topic: str, kind: str) -> Connection:
        """Add a topic of a type that the store knows."""
        with _as_oserror():
            return self._writer.add_connection(topic, kind, typestore=self._store,
                                               offered_qos_profiles=[_RELIABLE])

    def copy(self, source: Connection) -> Connection:
        """Add a topic as it is in another bag, definition and QoS included."""
        assert isinstance(source.ext, ConnectionExtRosbag2)
        # Several publishers of one topic are one topic here.
        key = f'{source.topic} {source.msgtype} {source.ext}'
        if key not in self._copies:
            definition, digest, kind = source.msgdef.data, source.digest, source.msgtype
            if kind in self._store.fielddefs:
                definition = definition or self._store.generate_msgdef(kind, ros_version=2)[0]
                digest = digest or self._store.hash_rihs01(kind)
            with _as_oserror():
                self._copies[key] = self._writer.add_connection(
                    source.topic, kind, msgdef=definition, rihs01=digest or _NO_HASH,
                    serialization_format=source.ext.serialization_format,
                    offered_qos_profiles=source.ext.offered_qos_profiles)
        return self._copies[key]

    def push(self, connection: Connection, log_time: int, data: bytes | memoryview) -> None:
        """Take a serialised message; of equal log times the first to come is the first written."""
        heapq.heappush(self._waiting, (log_time, self._number, connection, data))
        self._number += 1
        self._bytes += len(data)
        while self._bytes > _MOST_WAITING:
            self._write_oldest()

    def release(self, until: int | None = None) -> None:
        """Write what is older than a log time in ns; None: all."""
        while self._waiting and (until is None or self._waiting[0][0] < until):
            self._write_oldest()

    def close(self, custom: dict[str, str]) -> None:
        """Write the rest and the metadata, of which ``custom`` is a part."""
        self.release()
        for key, value in custom.items():
            self._writer.set_custom_data(key, value)
        with _as_oserror():
            self._writer.close()

    def abort(self) -> None:
        """Leave the bag unfinished."""
        try:
            self._writer.abort()
        except (OSError, sqlite3.Error):
            pass  # whatever was wrong is known already

    def _write_oldest(self) -> None:
        log_time, _, connection, data = heapq.heappop(self._waiting)
        self._bytes -= len(data)
        with _as_oserror():
            self._writer.write(connection, log_time, data)


@contextmanager
def _as_oserror() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, WriterError) as error:
        raise OSError(f'cannot write the bag: {error}') from error

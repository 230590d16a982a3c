"""Arrays in npz files that are not compressed, read a frame at a time."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np


class StoredArray(NamedTuple):
    """Where an array [N,T,...] lies inside an npz: np.load would read 50 MB for one frame."""

    path: Path
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]

    @classmethod
    def of(cls, path: Path, name: str) -> StoredArray:
        """Find it; raises OSError, KeyError, ValueError or BadZipFile if it cannot be read."""
        with zipfile.ZipFile(path) as archive, path.open('rb') as file:
            entry = archive.getinfo(f'{name}.npy')
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f'{name} is compressed')
            file.seek(entry.header_offset + 26)
            name_bytes, extra_bytes = np.fromfile(file, '<u2', 2)
            file.seek(entry.header_offset + 30 + int(name_bytes) + int(extra_bytes))
            version = np.lib.format.read_magic(file)
            read = (np.lib.format.read_array_header_1_0 if version == (1, 0)
                    else np.lib.format.read_array_header_2_0)
            shape, fortran, dtype = read(file)
            if fortran:
                raise ValueError(f'{name} is in the order of Fortran')
            return cls(path, file.tell(), dtype, shape)

    def frame(self, clip: int, index: int) -> np.ndarray:
        """Read ``array[clip, index]``; raises OSError or ValueError if the file is cut short."""
        each = int(np.prod(self.shape[2:]))
        first = (clip * self.shape[1] + index) * each
        values = np.fromfile(self.path, self.dtype, each,
                             offset=self.offset + first * self.dtype.itemsize)
        return values.reshape(self.shape[2:])

"""HDF5 files, by h5py, which only the data sets that need it ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def h5py_module() -> Any:
    """Return h5py; ImportError says how to get it."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError('Hypersim and the labelled NYU Depth v2 are HDF5 files and need h5py: '
                          'pip install -r requirements/datasets.txt') from error
    return h5py


def read_array(path: Path, name: str = 'dataset', index: Any = ()) -> np.ndarray:
    """Read a part of an array; raises OSError or KeyError if the file or the array is not good."""
    with h5py_module().File(path, 'r') as file:
        return np.asarray(file[name][index])

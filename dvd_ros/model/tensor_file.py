"""Read tensors off disk without running code from the file."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or does not hold exactly the tensors the network needs."""


def read_tensors(path: str | Path) -> dict[str, torch.Tensor]:
    """
    Read a safetensors file or a zipped `.pth` (tensors only) to CPU tensors by name.

    The format is told by the file's first bytes, not by its name. Tensors may share memory
    with the file: copy them before it changes. Raises FileNotFoundError, or CheckpointError
    for anything that is damaged, of another format or would need unpickling of objects.
    """
    path = Path(path)
    if path.is_dir():
        raise CheckpointError(f'{path} is a folder; give the checkpoint file in it')
    with path.open('rb') as file:
        head = file.read(9)
    if len(head) == 9 and head[8:9] == b'{':
        return _read_safetensors(path)
    if zipfile.is_zipfile(path):
        return _read_zipped(path)
    raise CheckpointError(
        f'{path} is neither safetensors nor a zipped torch file'
        + (' but a bare pickle, which could run code when read' if head[:1] == b'\x80' else
           ' (is the download complete?)')
        + '; convert it to safetensors where you trust it')


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(str(path), framework='pt', device='cpu') as file:
            return {key: file.get_tensor(key) for key in file.keys()}
    except SafetensorError as error:
        raise CheckpointError(f'{path} is a damaged safetensors file ({error}); '
                              'download or write it again') from error


def _read_zipped(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f'{path} holds pickled objects other than tensors, which could run '
                              'code when read, and is refused; convert it to safetensors where '
                              'you trust it') from error
    except (RuntimeError, EOFError, OSError) as error:
        raise CheckpointError(f'{path} is a damaged torch file ({error}); '
                              'download or write it again') from error
    if isinstance(content, Mapping) and isinstance(content.get('model_state'), Mapping):
        content = content['model_state']
    if not isinstance(content, Mapping) or not all(
            isinstance(key, str) and isinstance(value, torch.Tensor)
            for key, value in content.items()):
        raise CheckpointError(f'{path} holds a {type(content).__name__}, not a plain dict of '
                              'tensors by name')
    return dict(content)

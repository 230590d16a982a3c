"""The weights of exported graphs: each once, in files that the graphs name as external data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

# Tensors below this stay in the graph, bytes.
_SMALL = 256
_KINDS = {'F32': 'FLOAT', 'F16': 'FLOAT16', 'BF16': 'BFLOAT16'}


class WeightStore:
    """
    The tensors of all graphs, each once, on their way into one safetensors file.

    half: keep float32 tensors as float16, cast when they are loaded. beside: safetensors files
    that will lie in the same folder, whose tensors are used where they are equal to the bit.
    """

    def __init__(self, half: bool, beside: Iterable[Path] = ()) -> None:
        self._half = half
        self._tensors: dict[str, bytearray] = {}
        self._kinds: dict[str, int] = {}
        self._named: dict[bytes, str] = {}
        self._places: dict[str, tuple[str, int, int]] = {}  # file, offset, length
        for path in beside:
            for name, kind, offset, length in _entries(path):
                if length >= _SMALL and kind is not None:
                    with path.open('rb') as file:
                        file.seek(offset)
                        key = _key(file.read(length), kind)
                    self._named[key] = f'{path.name}:{name}'
                    self._places[self._named[key]] = (path.name, offset, length)

    def take_weights(self, proto: Any, part: str) -> None:
        """Move the tensors out of a graph; in their place remains the name in the store."""
        from onnx import TensorProto, helper, numpy_helper
        casts = []
        for tensor in proto.graph.initializer:
            if len(tensor.raw_data) < _SMALL:
                continue
            kind, data = tensor.data_type, tensor.raw_data
            if self._half and kind == TensorProto.FLOAT:
                kind = TensorProto.FLOAT16
                data = numpy_helper.to_array(tensor).astype(np.float16).tobytes()
                inner = f'{tensor.name}.half'
                casts.append(helper.make_node('Cast', [inner], [tensor.name],
                                              to=TensorProto.FLOAT))
                tensor.name, tensor.data_type = inner, kind
            key = _key(data, kind)
            if key not in self._named:
                stored = f'{part}.{tensor.name}'
                while stored in self._tensors:
                    stored += '_'
                self._named[key] = stored
                self._tensors[stored] = bytearray(data)  # torch wants it writable
                self._kinds[stored] = kind
            tensor.ClearField('raw_data')
            tensor.doc_string = self._named[key]
        nodes = [*casts, *proto.graph.node]
        del proto.graph.node[:]
        proto.graph.node.extend(nodes)

    def write(self, path: Path) -> None:
        """Write the file of what is not beside it."""
        from onnx import TensorProto
        from safetensors.torch import save_file
        kinds: dict[int, torch.dtype] = {
            TensorProto.FLOAT: torch.float32, TensorProto.FLOAT16: torch.float16,
            TensorProto.BFLOAT16: torch.bfloat16, TensorProto.INT64: torch.int64,
            TensorProto.BOOL: torch.bool}
        part = path.with_suffix('.part')
        save_file({stored: torch.frombuffer(data, dtype=kinds[self._kinds[stored]])
                   for stored, data in self._tensors.items()}, str(part))
        part.replace(path)
        for name, _, offset, length in _entries(path):
            self._places[name] = (path.name, offset, length)

    def point(self, proto: Any) -> None:
        """Let a graph find its tensors in the files."""
        from onnx import TensorProto
        for tensor in proto.graph.initializer:
            if not tensor.doc_string:
                continue
            location, offset, length = self._places[tensor.doc_string]
            tensor.doc_string = ''
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (('location', location), ('offset', offset), ('length', length)):
                tensor.external_data.add(key=key, value=str(value))


def _key(data: bytes, kind: int) -> bytes:
    return hashlib.sha256(data + bytes([kind])).digest()


def _entries(path: Path) -> Iterator[tuple[str, int | None, int, int]]:
    """Name, ONNX type (None: of no use here), offset and length in bytes of a file's tensors."""
    from onnx import TensorProto
    with path.open('rb') as file:
        start = int.from_bytes(file.read(8), 'little')
        header = json.loads(file.read(start))
    for name, entry in header.items():
        if name != '__metadata__':
            kind = _KINDS.get(entry['dtype'])
            begin, end = entry['data_offsets']
            yield (name, None if kind is None else TensorProto.DataType.Value(kind),
                   8 + start + begin, end - begin)

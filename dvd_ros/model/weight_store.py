"""The weights of exported graphs: each once, in files that the graphs name as external data."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

# Tensors below this stay in the graph, bytes.
_SMALL = 256
_KINDS = {'F32': 'FLOAT', 'F16': 'FLOAT16', 'BF16': 'BFLOAT16'}


class WeightStore:
    """
    The tensors of all graphs, each once and on disk, on their way into one safetensors file.

    path: of a file that takes the tensors before their number is known. half: keep float32
    tensors as float16, cast when they are loaded. beside: safetensors files that will lie in the
    same folder, whose tensors are used where they are equal to the bit.
    """

    def __init__(self, path: Path, half: bool, beside: Iterable[Path] = ()) -> None:
        self._path, self._half, self._end = path, half, 0
        self._tensors: dict[str, tuple[int, int, int]] = {}  # offset, length, kind
        self._named: dict[bytes, str] = {}
        self._places: dict[str, tuple[str, int, int]] = {}  # file, offset, length
        for other in beside:
            for name, kind, offset, length in _entries(other):
                with other.open('rb') as file:
                    file.seek(offset)
                    key = _key(file.read(length), kind)
                self._named[key] = f'{other.name}:{name}'
                self._places[self._named[key]] = (other.name, offset, length)

    def take_weights(self, path: Path, part: str) -> Any:
        """Give the graph in a file; in place of its tensors are their names in the store."""
        import onnx
        proto = onnx.load(str(path), load_external_data=False)
        _forget_origin(proto)
        casts = []
        with self._path.open('ab') as file:
            for tensor in proto.graph.initializer:
                data, kind = _bytes_of(tensor, path.parent), tensor.data_type
                if len(data) < _SMALL:
                    tensor.raw_data = data
                else:
                    if self._half and kind == onnx.TensorProto.FLOAT:
                        kind = onnx.TensorProto.FLOAT16
                        data = np.frombuffer(data, np.float32).astype(np.float16).tobytes()
                        inner = f'{tensor.name}.half'
                        casts.append(onnx.helper.make_node('Cast', [inner], [tensor.name],
                                                           to=onnx.TensorProto.FLOAT))
                        tensor.name, tensor.data_type = inner, kind
                    tensor.ClearField('raw_data')
                    tensor.doc_string = self._keep(file, data, kind, f'{part}.{tensor.name}')
                del tensor.external_data[:]
                tensor.ClearField('data_location')
        for weights in path.parent.glob(f'{path.name}.*'):
            weights.unlink()
        nodes = [*casts, *proto.graph.node]
        del proto.graph.node[:]
        proto.graph.node.extend(nodes)
        return proto

    def _keep(self, file: BinaryIO, data: bytes, kind: int, name: str) -> str:
        key = _key(data, kind)
        if key not in self._named:
            while name in self._tensors:
                name += '_'
            self._named[key] = name
            file.write(data)
            self._tensors[name] = self._end, len(data), kind
            self._end += len(data)
        return self._named[key]

    def write(self, path: Path) -> None:
        """Write the file of what is not beside it."""
        from onnx import TensorProto
        kinds = {TensorProto.FLOAT: ('F32', 4), TensorProto.FLOAT16: ('F16', 2),
                 TensorProto.BFLOAT16: ('BF16', 2), TensorProto.INT64: ('I64', 8),
                 TensorProto.BOOL: ('BOOL', 1)}
        entries = {name: {'dtype': kinds[kind][0], 'shape': [length // kinds[kind][1]],
                          'data_offsets': [offset, offset + length]}
                   for name, (offset, length, kind) in self._tensors.items()}
        # By hand, as the format is this simple and its library wants all tensors in memory.
        header = json.dumps(entries, separators=(',', ':')).encode()
        header += b' ' * (-len(header) % 64)
        part = path.with_suffix('.part')
        with part.open('wb') as file:
            file.write(len(header).to_bytes(8, 'little') + header)
            if self._tensors:
                with self._path.open('rb') as source:
                    shutil.copyfileobj(source, file, 1 << 24)
        part.replace(path)
        for name, (offset, length, _) in self._tensors.items():
            self._places[name] = (path.name, 8 + len(header) + offset, length)

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


def _entries(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """Name, ONNX type, offset and length in bytes of a file's tensors that a graph can use."""
    from onnx import TensorProto
    with path.open('rb') as file:
        start = int.from_bytes(file.read(8), 'little')
        header = json.loads(file.read(start))
    for name, entry in header.items():
        if name != '__metadata__' and entry['dtype'] in _KINDS:
            begin, end = entry['data_offsets']
            if end - begin >= _SMALL:
                yield (name, TensorProto.DataType.Value(_KINDS[entry['dtype']]),
                       8 + start + begin, end - begin)


def _bytes_of(tensor: Any, folder: Path) -> bytes:
    """The values of a tensor that may lie outside of its graph."""
    from onnx import numpy_helper
    place = {entry.key: entry.value for entry in tensor.external_data}
    if not place:
        return bytes(tensor.raw_data) or numpy_helper.to_array(tensor).tobytes()
    with (folder / place['location']).open('rb') as file:
        file.seek(int(place.get('offset', 0)))
        return file.read(int(place['length']))


def _forget_origin(proto: Any) -> None:
    """Drop where in the exporter's sources a node came from: paths, and most of the file."""
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ''
    del proto.graph.value_info[:]
    del proto.graph.metadata_props[:]
    del proto.metadata_props[:]

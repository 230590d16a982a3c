"""Writes a DVD network as ONNX graphs of fixed shapes that share one file of weights."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import nn

import dvd_ros
from dvd_ros.export_manifest import FORMAT, MANIFEST, WEIGHTS, Graph, Manifest, digest
from dvd_ros.model.config import check_window
from dvd_ros.model.dvd import DvdModel

# Serves TensorRT 10.0 on Jetsons: later operator sets emit Attention and RMSNormalization, which
# its parser does not know.
OPSET = 20
PRECISIONS = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}
# Tensors below this stay in the graph, bytes.
_SMALL = 256


class _Outside(nn.Module):
    """float32 at both ends, whatever the precision inside: numpy has no bfloat16."""

    def __init__(self, inside: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.inside, self.dtype = inside, dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inside(x.to(self.dtype)).float()


def export_onnx(model: DvdModel, folder: str | Path, *, name: str, window: int,
                sizes: Iterable[tuple[int, int]], half_storage: bool = False,
                sources: Iterable[Path] = (), report: Callable[[str], None] = lambda part: None,
                ) -> Path:
    """
    Write encoder, transformer and decoder for a window and each size, with a manifest.

    model: in the precision that the graphs are to compute in (norms, softmax and what leaves a
    graph are float32 in any). sizes: (H, W) in pixels, multiples of `model.config.multiple`.
    half_storage: keep float32 weights as float16 in the file, cast when they are loaded.
    sources: files whose sha256 the manifest records. Returns the folder.

    Weights lie in one safetensors file, which all graphs name as external data, so another size
    costs nothing but its graphs, and no file comes near ONNX's limit of 2 GB. In memory lie the
    model, its specialised form (of a model that is specialised already: that alone) and one
    tensor more. `report` is told each part that is done.
    Raises ValueError for a window or size that does not fit.
    """
    check_window(window)
    sizes = [(int(height), int(width)) for height, width in sizes]
    step = model.config.multiple
    for height, width in sizes:
        if height < 1 or width < 1 or height % step or width % step:
            raise ValueError(f'size {height}x{width} must be multiples of {step}')
    if not sizes:
        raise ValueError('sizes is empty: name at least one (H, W)')
    fast, folder = model.specialise(), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # A reader never meets new graphs with old weights.
    (folder / MANIFEST).unlink(missing_ok=True)
    graphs, protos = [], {}
    # Beside the result, because /tmp may be memory.
    with tempfile.TemporaryDirectory(dir=folder, prefix='.export-') as scratch:
        store = _Store(Path(scratch) / 'store', half_storage)
        for size in sizes:
            for part, module, shape in _parts(fast, window, size):
                file = f'{part}_{size[0]}x{size[1]}.onnx'
                traced = _trace(_Outside(module, fast.dtype), shape, fast.device,
                                Path(scratch) / file)
                proto = store.take_weights(traced, part)
                if fast.dtype != torch.float32:
                    _widen_softmax(proto, fast.dtype)
                protos[file] = proto
                output = proto.graph.output[0].type.tensor_type.shape.dim
                graphs.append(Graph(part, file, size, shape,
                                    tuple(d.dim_value for d in output), ''))
                report(f'{part} {size[0]}x{size[1]}')
        offsets = store.write(folder / WEIGHTS)
    for file, proto in protos.items():
        store.point(proto, offsets)
        (folder / file).write_bytes(proto.SerializeToString(deterministic=True))
    precision = next(key for key, value in PRECISIONS.items() if value == fast.dtype)
    manifest = Manifest(
        format=FORMAT, name=name, window=window, multiple=step, precision=precision, opset=OPSET,
        weights=digest(folder / WEIGHTS),
        graphs=[Graph(g.part, g.file, g.size, g.input, g.output, digest(folder / g.file))
                for g in graphs],
        ranges={'video': [-1.0, 1.0], 'disparity': [0.0, 1.0]},
        sources={path.name: digest(path) for path in sources},
        versions={'dvd_ros': dvd_ros.__version__,
                  **{package: version(package) for package in ('torch', 'onnx', 'onnxscript')}})
    (folder / MANIFEST).write_text(json.dumps(manifest.to_dict(), indent=1) + '\n',
                                   encoding='utf-8')
    return folder


def _parts(fast: Any, window: int, size: tuple[int, int],
           ) -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    """Each part's name, module and shape of input."""
    height, width = size
    yield 'encoder', fast.encoder, (window, 3, height, width)
    channels = len(fast.config.latents_mean)
    down = height // _latent_rows(fast, height)
    latents = (channels, (window + 3) // 4, height // down, width // down)
    yield 'transformer', fast.transformer, latents
    yield 'decoder', fast.decoder, latents


def _latent_rows(fast: Any, height: int) -> int:
    video = torch.zeros(1, 3, height, fast.config.multiple, device=fast.device, dtype=fast.dtype)
    return int(fast.encoder(video).shape[2])


def _trace(module: nn.Module, shape: tuple[int, ...], device: torch.device, path: Path) -> Path:
    """Write a module as an ONNX file with its weights beside it; gives its path."""
    with torch.inference_mode():
        program: Any = torch.onnx.export(module.eval(), (torch.zeros(shape, device=device),),
                                         dynamo=True, opset_version=OPSET, verbose=False)
        program.save(str(path), external_data=True)
    return path


def _widen_softmax(proto: Any, dtype: torch.dtype) -> None:
    """
    Let every softmax of a half graph compute in float32.

    torch writes scaled_dot_product_attention in the precision of its inputs, where kernels of
    torch itself sum in float32.
    """
    from onnx import TensorProto, helper
    half = TensorProto.FLOAT16 if dtype == torch.float16 else TensorProto.BFLOAT16
    nodes = []
    for node in proto.graph.node:
        if node.op_type != 'Softmax':
            nodes.append(node)
            continue
        source, target = node.input[0], node.output[0]
        node.input[0], node.output[0] = f'{source}.wide', f'{target}.wide'
        nodes += [helper.make_node('Cast', [source], [node.input[0]], to=TensorProto.FLOAT), node,
                  helper.make_node('Cast', [node.output[0]], [target], to=half)]
    nodes = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)


class _Store:
    """The tensors of all graphs, each once and on disk, on their way into one safetensors file."""

    def __init__(self, path: Path, half: bool) -> None:
        """path: of the file that takes the tensors before their number is known."""
        self._path, self._half, self._end = path, half, 0
        self._places: dict[str, tuple[int, int, int]] = {}  # offset, length, kind
        self._named: dict[bytes, str] = {}

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
        key = hashlib.sha256(data + bytes([kind])).digest()
        if key not in self._named:
            while name in self._places:
                name += '_'
            self._named[key] = name
            file.write(data)
            self._places[name] = self._end, len(data), kind
            self._end += len(data)
        return self._named[key]

    def write(self, path: Path) -> dict[str, tuple[int, int]]:
        """Write the file; gives where in it each tensor lies: (offset, length) in bytes."""
        from onnx import TensorProto
        kinds = {TensorProto.FLOAT: ('F32', 4), TensorProto.FLOAT16: ('F16', 2),
                 TensorProto.BFLOAT16: ('BF16', 2), TensorProto.INT64: ('I64', 8),
                 TensorProto.BOOL: ('BOOL', 1)}
        entries = {name: {'dtype': kinds[kind][0], 'shape': [length // kinds[kind][1]],
                          'data_offsets': [offset, offset + length]}
                   for name, (offset, length, kind) in self._places.items()}
        # By hand, as the format is this simple and its library wants all tensors in memory.
        header = json.dumps(entries, separators=(',', ':')).encode()
        header += b' ' * (-len(header) % 64)
        part = path.with_suffix('.part')
        with part.open('wb') as file:
            file.write(len(header).to_bytes(8, 'little') + header)
            if self._places:
                with self._path.open('rb') as source:
                    shutil.copyfileobj(source, file, 1 << 24)
        part.replace(path)
        return {name: (8 + len(header) + offset, length)
                for name, (offset, length, _) in self._places.items()}

    def point(self, proto: Any, offsets: dict[str, tuple[int, int]]) -> None:
        """Let a graph find its tensors in the file."""
        from onnx import TensorProto
        for tensor in proto.graph.initializer:
            if not tensor.doc_string:
                continue
            offset, length = offsets[tensor.doc_string]
            tensor.doc_string = ''
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (('location', WEIGHTS), ('offset', offset), ('length', length)):
                tensor.external_data.add(key=key, value=str(value))



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

"""Writes a DVD network as ONNX graphs of fixed shapes that share one file of weights."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import dvd_ros
from dvd_ros.export_manifest import FORMAT, MANIFEST, WEIGHTS, Graph, Manifest, digest
from dvd_ros.model.config import check_window
from dvd_ros.model.dvd import DvdModel
from dvd_ros.model.whole_window import WholeEncoder

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
                sources: Iterable[Path] = ()) -> Path:
    """
    Write encoder, transformer and decoder for a window and each size, with a manifest.

    model: in the precision that the graphs are to compute in (norms, softmax and what leaves a
    graph are float32 in any); specialised already where it has a light codec. sizes: (H, W) in
    pixels, multiples of `model.config.multiple`.
    half_storage: keep float32 weights as float16 in the file, cast when they are loaded.
    sources: files whose sha256 the manifest records. Returns the folder.

    Weights lie in one safetensors file, which all graphs name as external data, so another size
    costs nothing but its graphs, and no file comes near ONNX's limit of 2 GB.
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
    store, protos = _Store(half_storage), {}
    graphs = []
    for size in sizes:
        for part, module, shape in _parts(fast, window, size):
            proto = _trace(_Outside(module, fast.dtype), shape, fast.device)
            file = f'{part}_{size[0]}x{size[1]}.onnx'
            store.take_weights(proto, part)
            protos[file] = proto
            output = proto.graph.output[0].type.tensor_type.shape.dim
            graphs.append(Graph(part, file, size, shape, tuple(d.dim_value for d in output), ''))
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
                  **{package: version(package) for package in ('torch', 'onnx', 'onnxscript')}},
        codec='full' if isinstance(fast.encoder, WholeEncoder) else 'light')
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


def _trace(module: nn.Module, shape: tuple[int, ...], device: torch.device) -> Any:
    """A module as an ONNX ModelProto with its weights in memory."""
    import onnx
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        path = Path(scratch) / 'graph.onnx'
        program: Any = torch.onnx.export(module.eval(), (torch.zeros(shape, device=device),),
                                    dynamo=True, opset_version=OPSET, verbose=False)
        program.save(str(path), external_data=True)
        proto = onnx.load(str(path))
    # Where in the exporter's sources a node came from: paths of this machine, and most of the file.
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ''
    del proto.graph.value_info[:]
    del proto.graph.metadata_props[:]
    del proto.metadata_props[:]
    return proto


class _Store:
    """The tensors of all graphs, each once, on their way into one safetensors file."""

    def __init__(self, half: bool) -> None:
        self._half = half
        self._tensors: dict[str, bytearray] = {}
        self._kinds: dict[str, int] = {}
        self._named: dict[bytes, str] = {}

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
            key = hashlib.sha256(data + bytes([kind])).digest()
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

    def write(self, path: Path) -> dict[str, tuple[int, int]]:
        """Write the file; gives where in it each tensor lies: (offset, length) in bytes."""
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
        with path.open('rb') as file:
            length = int.from_bytes(file.read(8), 'little')
            header = json.loads(file.read(length))
        return {stored: (8 + length + header[stored]['data_offsets'][0], len(data))
                for stored, data in self._tensors.items()}

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


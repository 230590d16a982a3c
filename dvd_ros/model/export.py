"""Writes a DVD network as ONNX graphs of fixed shapes that share one file of weights."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

import dvd_ros
from dvd_ros.export_manifest import FORMAT, MANIFEST, WEIGHTS, Graph, Manifest, digest
from dvd_ros.model.config import check_window
from dvd_ros.model.dvd import DvdModel
from dvd_ros.model.weight_store import WeightStore
from dvd_ros.model.whole_window import WholeEncoder

# Serves TensorRT 10.0 on Jetsons: later operator sets emit Attention and RMSNormalization, which
# its parser does not know.
OPSET = 20
PRECISIONS = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}


class _Outside(nn.Module):
    """float32 at both ends, whatever the precision inside: numpy has no bfloat16."""

    def __init__(self, inside: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.inside, self.dtype = inside, dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inside(x.to(self.dtype)).float()


def export_onnx(model: DvdModel, folder: str | Path, *, name: str, window: int,
                sizes: Iterable[tuple[int, int]], half_storage: bool = False,
                sources: Iterable[Path] = (), beside: Iterable[Path] = (),
                report: Callable[[str], None] = lambda part: None) -> Path:
    """
    Write encoder, transformer and decoder for a window and each size, with a manifest.

    model: in the precision that the graphs are to compute in (norms, softmax and what leaves a
    graph are float32 in any); specialised already where it has a light codec. sizes: (H, W) in
    pixels, multiples of `model.config.multiple`.
    half_storage: keep float32 weights as float16 in the file, cast when they are loaded.
    sources: files whose sha256 the manifest records. beside: safetensors files in ``folder``, such
    as the checkpoint; tensors that one of them holds to the bit are not written again. Returns the
    folder.

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
    beside = list(beside)
    graphs, protos = [], {}
    # Beside the result, because /tmp may be memory.
    with tempfile.TemporaryDirectory(dir=folder, prefix='.export-') as scratch:
        store = WeightStore(Path(scratch) / 'store', half_storage, beside)
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
        store.write(folder / WEIGHTS)
    for file, proto in protos.items():
        store.point(proto)
        (folder / file).write_bytes(proto.SerializeToString(deterministic=True))
    precision = next(key for key, value in PRECISIONS.items() if value == fast.dtype)
    manifest = Manifest(
        format=FORMAT, name=name, window=window, multiple=step, precision=precision, opset=OPSET,
        weights=digest(folder / WEIGHTS), beside={path.name: digest(path) for path in beside},
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

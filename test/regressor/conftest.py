"""A machine with TensorRT that is not there, and an export small enough to follow."""

import gc
import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
WINDOW, SIZE = 9, (32, 48)


def stand_in(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def cuda(monkeypatch, tmp_path):
    """A strict stand-in for cuda.bindings.runtime, and a cache of engines of the test's own."""
    monkeypatch.setenv('DVD_ROS_CACHE', str(tmp_path / 'cache'))
    made = stand_in('strict_cuda').StrictCuda()
    made.install(monkeypatch)
    yield made
    gc.collect()
    assert made.live() == []


@pytest.fixture(params=['10.3.0', '11.4.0.106'])
def trt(request, cuda, monkeypatch):
    """A strict stand-in for tensorrt, as on Jetsons and as on desktops."""
    pytest.importorskip('onnx', reason='the stand-in computes with onnx')
    made = stand_in('strict_tensorrt').make(request.param, cuda)
    monkeypatch.setitem(sys.modules, 'tensorrt', made)
    return made


@pytest.fixture(scope='session')
def small_export(tmp_path_factory):
    """An export folder of window 9 and 32x48 whose network is an average and a wave."""
    return write_export(tmp_path_factory.mktemp('small') / 'export', [SIZE])


@pytest.fixture(scope='session')
def two_sizes(tmp_path_factory):
    """The same with a second size, 32x64."""
    return write_export(tmp_path_factory.mktemp('two') / 'export', [SIZE, (32, 64)])


def write_export(folder, sizes, precision='fp32'):
    onnx = pytest.importorskip('onnx', reason='the graphs are written with onnx')
    from dvd_ros.export_manifest import FORMAT, MANIFEST, WEIGHTS, Graph, Manifest, digest
    folder.mkdir(parents=True, exist_ok=True)
    gain = np.array([1.5, -2.0, 1.0], np.float32)
    (folder / WEIGHTS).write_bytes(b'header..' + gain.tobytes())
    graphs = []
    for height, width in sizes:
        h, w = height // 8, width // 8
        latents = (3, (WINDOW + 3) // 4, h, w)
        for part, shapes in (('encoder', ((WINDOW, 3, height, width), latents)),
                             ('transformer', (latents, latents)),
                             ('decoder', (latents, (WINDOW, height, width)))):
            file = f'{part}_{height}x{width}.onnx'
            (folder / file).write_bytes(graph_of(onnx, part, *shapes).SerializeToString())
            graphs.append(Graph(part, file, (height, width), *shapes, digest(folder / file)))
    manifest = Manifest(format=FORMAT, name='small', window=WINDOW, multiple=8,
                        precision=precision, opset=20, weights=digest(folder / WEIGHTS),
                        graphs=graphs, sources={'dit.safetensors': '0' * 64})
    (folder / MANIFEST).write_text(json.dumps(manifest.to_dict()))
    return folder


def graph_of(onnx, part, source, target):
    from onnx import TensorProto, helper
    ends = {'encoder': ('video', 'latents'), 'transformer': ('noisy', 'clean'),
            'decoder': ('latents', 'depth')}[part]

    def ints(name, *values):
        return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)

    if part == 'encoder':
        gain = TensorProto(name='gain', data_type=TensorProto.FLOAT, dims=[3, 1, 1, 1],
                           data_location=TensorProto.EXTERNAL)
        for key, value in (('location', 'weights.safetensors'), ('offset', 8), ('length', 12)):
            gain.external_data.add(key=key, value=str(value))
        constants = [ints('frames', *range(0, source[0], 4)), gain]
        nodes = [helper.make_node('AveragePool', ['video'], ['a'], kernel_shape=[8, 8],
                                  strides=[8, 8]),
                 helper.make_node('Gather', ['a', 'frames'], ['b'], axis=0),
                 helper.make_node('Transpose', ['b'], ['c'], perm=[1, 0, 2, 3]),
                 helper.make_node('Mul', ['c', 'gain'], ['latents'])]
    elif part == 'transformer':
        constants, nodes = [], [helper.make_node('Tanh', ['noisy'], ['clean'])]
    else:
        t, h, w = source[1:]
        constants = [ints('axis', 0), ints('frames', *((i + 3) // 4 for i in range(target[0]))),
                     ints('apart', target[0], h, 1, w, 1), ints('wide', target[0], h, 8, w, 8),
                     ints('whole', *target)]
        nodes = [helper.make_node('ReduceMean', ['latents', 'axis'], ['a'], keepdims=0),
                 helper.make_node('Gather', ['a', 'frames'], ['b'], axis=0),
                 helper.make_node('Reshape', ['b', 'apart'], ['c']),
                 helper.make_node('Expand', ['c', 'wide'], ['d']),
                 helper.make_node('Reshape', ['d', 'whole'], ['e']),
                 helper.make_node('Sigmoid', ['e'], ['depth'])]
    graph = helper.make_graph(
        nodes, part, [helper.make_tensor_value_info(ends[0], TensorProto.FLOAT, source)],
        [helper.make_tensor_value_info(ends[1], TensorProto.FLOAT, target)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=9)


@pytest.fixture
def machine(trt, cuda):
    """Both stand-ins, and the functions of dvd_ros on them."""
    from dvd_ros.export_manifest import Manifest
    from dvd_ros.regressor.cuda_device import Device
    from dvd_ros.regressor.engine_build import build_engines
    from dvd_ros.regressor.engine_cache import EngineCache

    def build(folder, **options):
        return build_engines(folder, Manifest.load(folder), Device(), EngineCache(), **options)

    return SimpleNamespace(trt=trt, cuda=cuda, build=build, cache=EngineCache())


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 255, (9, 32, 48, 3), dtype=np.uint8)


@pytest.fixture
def built(machine, small_export):
    machine.build(small_export)
    assert machine.cuda.live() == []
    return machine

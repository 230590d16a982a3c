"""Which backend runs a model: by what is in its folder and what is on the machine."""

import importlib.util
import logging
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from dvd_ros.export_manifest import Manifest
from dvd_ros.regressor import load_regressor, selection
from dvd_ros.regressor.cuda_device import CudaError, CudaMemoryError

ORDER = ['tensorrt', 'onnx cuda', 'torch cuda', 'onnx cpu', 'torch cpu']


class Loaded:
    name = 'stand-in'

    def __init__(self, kind):
        self.kind = kind


@pytest.fixture
def machine(monkeypatch):
    """Backends that load if their name is in the set, and else raise what they are told."""
    machine = SimpleNamespace(there=set(ORDER), error=ImportError('not installed'))

    def give(kind):
        if kind not in machine.there:
            raise machine.error
        return Loaded(kind)

    kind = {'cpu': 'cpu', 'auto': 'cuda'}
    monkeypatch.setattr(selection, '_tensorrt', lambda *_: give('tensorrt'))
    monkeypatch.setattr(selection, '_onnx_cuda', lambda *_: give('onnx cuda'))
    monkeypatch.setattr(selection, '_torch_cuda', lambda *_: give('torch cuda'))
    monkeypatch.setattr(selection, '_onnx', lambda folder, manifest, device, size: give(
        f'onnx {kind.get(device, device)}'))
    monkeypatch.setattr(selection, '_torch', lambda files, wish, device: give(
        f'torch {kind.get(device, device)}'))
    return machine


@pytest.fixture
def both(small_export, tmp_path):
    """A folder that is an export and, by the names of its files, a checkpoint."""
    folder = shutil.copytree(small_export, tmp_path / 'both')
    for name in ('config.json', 'dit.safetensors', 'vae.safetensors'):
        (folder / name).write_bytes(b'{}')
    return folder


@pytest.mark.parametrize('first', range(5))
def test_auto_takes_the_first_that_is_there(machine, both, caplog, first):
    machine.there -= set(ORDER[:first])
    with caplog.at_level(logging.INFO):
        assert load_regressor(both).kind == ORDER[first]
    assert caplog.text.count('not installed') == first
    assert 'stand-in runs on' in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_each_form_has_its_own_backends(machine, both, small_export):
    machine.there -= {'tensorrt', 'onnx cuda', 'torch cuda'}
    assert load_regressor(small_export).kind == 'onnx cpu'
    (both / 'manifest.json').unlink()
    assert load_regressor(both).kind == 'torch cpu'


@pytest.mark.parametrize(('backend', 'kind'), [
    ('torch', 'torch cuda'), ('onnxruntime', 'onnx cuda'), ('tensorrt', 'tensorrt')])
def test_a_backend_that_is_asked_for_is_the_only_one(machine, both, backend, kind):
    assert load_regressor(both, backend).kind == kind
    machine.there.clear()
    with pytest.raises(ImportError, match='not installed'):
        load_regressor(both, backend)


def test_the_device_that_is_asked_for_is_kept_to(machine, both):
    assert load_regressor(both, device='cpu').kind == 'onnx cpu'
    machine.there -= {'tensorrt', 'onnx cuda', 'torch cuda'}
    machine.error = ValueError('sees no CUDA device')
    with pytest.raises(ValueError, match='sees no CUDA'):
        load_regressor(both, device='cuda')


@pytest.mark.parametrize('wish', [{'window': 5}, {'precision': 'fp16'}, {'size': (64, 64)}])
def test_what_the_export_is_not_for_goes_to_the_checkpoint(machine, both, small_export, wish,
                                                           caplog):
    machine.there -= {'torch cuda'}
    with caplog.at_level(logging.INFO):
        assert load_regressor(both, **wish).kind == 'torch cpu'
    assert 'no export:' in caplog.text
    for folder, backend in ((small_export, 'auto'), (both, 'onnxruntime')):
        with pytest.raises(ValueError, match='exported'):
            load_regressor(folder, backend, **wish)


@pytest.mark.parametrize('error', [CudaMemoryError('too little memory left'),
                                   CudaError('driver'), ValueError('refused')])
def test_a_gpu_that_fails_is_passed_over_with_a_warning(machine, both, caplog, error):
    machine.there -= {'tensorrt', 'onnx cuda', 'torch cuda'}
    machine.error = error
    assert load_regressor(both).kind == 'onnx cpu'
    assert f'ONNX Runtime on CUDA is passed over: {error}' in caplog.text


def test_with_nothing_installed_all_reasons_are_told(machine, both):
    machine.there.clear()
    with pytest.raises(ImportError, match='no backend runs this model here: no TensorRT: not '
                                          'installed;.*no torch on the CPU: not installed'):
        load_regressor(both)


def test_without_torch_a_checkpoint_says_what_to_do(both, monkeypatch):
    (both / 'manifest.json').unlink()
    real = importlib.util.find_spec
    monkeypatch.setattr(selection, 'find_spec',
                        lambda name: None if name == 'torch' else real(name))
    with pytest.raises(ImportError, match='torch backend, which alone runs the checkpoint both, '
                                          'needs torch: pip install torch'):
        load_regressor(both, backend='torch')


def test_torch_options_ask_for_torch(machine, both):
    assert load_regressor(both, compile=True).kind == 'torch cuda'
    with pytest.raises(ValueError, match='options of the torch backend, not of onnxruntime'):
        load_regressor(both, 'onnxruntime', cuda_graphs=True)


class FakeSession:
    """A session of ONNX Runtime on a GPU; `trouble` is what a run raises."""

    trouble = None
    providers = ('CUDAExecutionProvider', 'CPUExecutionProvider')

    def __init__(self, path, options, providers):
        pass

    def get_providers(self):
        return list(self.providers)

    def get_inputs(self):
        return [self]

    name = 'x'

    def run(self, outputs, feed):
        if self.trouble:
            raise RuntimeError(self.trouble)
        return [np.zeros((9, 32, 48), np.float32)]


@pytest.fixture
def onnx_cuda(monkeypatch):
    backend = pytest.importorskip('onnxruntime')
    monkeypatch.setattr(backend, 'get_available_providers', lambda: list(FakeSession.providers))
    monkeypatch.setattr(backend, 'InferenceSession', FakeSession)
    return backend


def load_onnx(folder, device='cuda'):
    from dvd_ros.regressor.onnx_backend import OnnxRegressor
    return OnnxRegressor(folder, Manifest.load(folder), device=device)


def test_onnxruntime_runs_a_window_on_the_gpu_before_it_is_loaded(onnx_cuda, small_export,
                                                                  monkeypatch):
    assert load_onnx(small_export).on_cuda
    monkeypatch.setattr(FakeSession, 'trouble', 'Failed to allocate memory for requested buffer')
    with pytest.raises(CudaMemoryError, match='too little memory.*smaller --size or --window'):
        load_onnx(small_export)
    monkeypatch.setattr(FakeSession, 'trouble', 'CUDNN_STATUS_NOT_SUPPORTED')
    with pytest.raises(CudaError, match='small failed on CUDA: CUDNN_STATUS_NOT_SUPPORTED'):
        load_onnx(small_export)


def test_onnxruntime_that_falls_back_by_itself_is_noticed(onnx_cuda, small_export, monkeypatch):
    """As it does without a driver: with a warning of its own and no error."""
    monkeypatch.setattr(FakeSession, 'get_providers', lambda self: ['CPUExecutionProvider'])
    with pytest.raises(CudaError, match="does not start on CUDA: the NVIDIA driver.*device 'cpu'"):
        load_onnx(small_export)

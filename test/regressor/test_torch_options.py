"""torch.compile, CUDA graphs, and GPUs with too little memory."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')

from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.regressor.cuda_device import CudaMemoryError  # noqa: E402
from dvd_ros.regressor.protocol import STAGES  # noqa: E402
from dvd_ros.regressor.torch_backend import TorchRegressor  # noqa: E402


def images(frames=5):
    return np.random.default_rng(0).integers(0, 256, (frames, 32, 48, 3), np.uint8)


def test_compiled_gives_the_same_depth(tiny):
    plain = load_regressor(tiny, device='cpu', window=5)
    compiled = load_regressor(tiny, device='cpu', window=5, compile=True)
    np.testing.assert_allclose(compiled.predict(images()), plain.predict(images()), atol=1e-5)


def test_a_compiler_that_is_missing_is_named(tiny, monkeypatch):
    def fail(self, *_):
        raise RuntimeError('no C++ compiler found')

    monkeypatch.setattr(torch, 'compile', lambda part, **_: part)
    monkeypatch.setattr('dvd_ros.model.whole_window.WholeEncoder.forward', fail)
    with pytest.raises(OSError, match='torch.compile does not work.*no C.. compiler.*without'):
        load_regressor(tiny, device='cpu', compile=True)


def test_cuda_graphs_need_cuda(tiny):
    with pytest.raises(ValueError, match="cuda_graphs needs a CUDA device.*cpu.*device='cuda'"):
        load_regressor(tiny, device='cpu', cuda_graphs=True)


def test_too_little_memory_is_named_and_leaves_the_regressor_usable(tiny, monkeypatch):
    regressor = load_regressor(tiny, device='cpu')
    expected = regressor.predict(images())

    def fail(self, *_):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 MiB')

    with monkeypatch.context() as patch:
        patch.setattr('dvd_ros.model.whole_window.WholeDecoder.forward', fail)
        with pytest.raises(CudaMemoryError, match='too little memory to compute 5 frames of 32x48.*'
                                                  'smaller size or window'):
            regressor.predict(images())
        with pytest.raises(CudaMemoryError, match='compute 9 frames of 32x48'):
            regressor.try_window()
    np.testing.assert_array_equal(regressor.predict(images()), expected)


def test_a_gpu_is_tried_with_a_whole_window_when_it_is_loaded(tiny, monkeypatch):
    monkeypatch.setattr('dvd_ros.regressor.torch_backend.pick_device',
                        lambda device: torch.device('cpu' if device == 'cpu' else 'cuda'))
    loaded = load_regressor(tiny, device='cpu')
    monkeypatch.setattr('dvd_ros.regressor.torch_backend.DvdModel.from_checkpoint',
                        lambda *_, **__: loaded.model)
    tried = []
    monkeypatch.setattr(TorchRegressor, 'predict', lambda self, given: tried.append(given.shape))
    load_regressor(tiny, backend='torch', device='cuda')
    assert tried == [(9, 32, 48, 3)]


def test_stages_are_told_in_their_order(tiny):
    regressor, told = load_regressor(tiny, device='cpu'), []
    regressor.on_stage = told.append
    regressor.predict(images())
    assert tuple(told) == STAGES


@pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no CUDA device')
def test_cuda_graphs_give_the_same_depth(tiny):
    plain = load_regressor(tiny, device='cuda')
    graphed = load_regressor(tiny, device='cuda', cuda_graphs=True)
    for frames in (9, 5, 9):
        np.testing.assert_allclose(graphed.predict(images(frames)), plain.predict(images(frames)),
                                   atol=1e-5)

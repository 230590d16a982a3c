"""What the TensorRT backend says of engines, graphs and GPUs that will not do, on stand-ins."""

import logging
import shutil

import numpy as np
import pytest

pytest.importorskip('onnxruntime')

from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.regressor.cuda_device import CudaError, CudaMemoryError  # noqa: E402


def tensorrt(folder, **options):
    return load_regressor(folder, backend='tensorrt', **options)


def test_another_gpu_or_tensorrt_refuses_the_engines(built, small_export):
    built.cuda.gpus = [('Other GPU', 9, 0)]
    with pytest.raises(FileNotFoundError, match=r'gpu Strict GPU, here it is Other GPU; cap'):
        tensorrt(small_export)
    built.cuda.gpus = [('Strict GPU', 8, 7)]
    built.trt.__version__ = built.trt.__version__.replace('.', '.9', 1)
    with pytest.raises(FileNotFoundError, match='tensorrt .* here it is'):
        tensorrt(small_export)


def test_a_truncated_engine_is_named(built, small_export):
    path = next(built.cache.folder.glob('decoder*.engine'))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match='cut short: dvd-ros engine build'):
        tensorrt(small_export)
    assert built.cuda.live() == []


def test_what_tensorrt_does_not_deserialise_is_named(built, small_export, monkeypatch):
    monkeypatch.setattr(type(built.cache), 'load', lambda *_: b'enginenonsense')
    with pytest.raises(ValueError, match='refuses the engine of encoder.*Magic tag.*engine build'):
        tensorrt(small_export)
    assert built.cuda.live() == []


def test_an_engine_of_other_shapes_is_named(machine, two_sizes, monkeypatch):
    machine.build(two_sizes)
    real = type(machine.cache).load
    wrong = {path.name.split('_')[1]: path for path in machine.cache.folder.glob('encoder*.engine')}
    monkeypatch.setattr(
        type(machine.cache), 'load',
        lambda cache, graph, key: wrong['32x64'].read_bytes() if graph.file == 'encoder_32x48.onnx'
        else real(cache, graph, key))
    with pytest.raises(ValueError, match=r'INPUT \[9, 3, 32, 64\] FLOAT.*needs float32 \[9, 3, 32'):
        tensorrt(two_sizes)


@pytest.mark.parametrize(('argument', 'words'), [
    ({'window': 13}, 'windows of 9 frames, not 13'),
    ({'size': (480, 640)}, 'exported for 32x48, not for 480x640'),
    ({'precision': 'fp16'}, 'exported in fp32, not fp16'),
    ({'device': 'cpu'}, "'auto', 'cuda' or 'cuda:N' for TensorRT, got 'cpu'")])
def test_what_the_engines_were_not_built_for_is_said(built, small_export, argument, words):
    with pytest.raises(ValueError, match=words):
        tensorrt(small_export, **argument)


def test_too_many_frames_are_refused(built, small_export, images):
    with pytest.raises(ValueError, match='10 images are more than the window of 9'):
        tensorrt(small_export).predict(np.concatenate([images, images[:1]]))


def test_a_truncated_graph_is_not_built(machine, small_export, tmp_path):
    folder = shutil.copytree(small_export, tmp_path / 'cut')
    path = folder / 'decoder_32x48.onnx'
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match='not the file that manifest.json was written for'):
        machine.build(folder)
    assert machine.trt.builds == []


def test_what_the_parser_says_is_passed_on(machine, small_export, tmp_path):
    from dvd_ros.export_manifest import Manifest
    from dvd_ros.regressor.cuda_device import Device
    from dvd_ros.regressor.engine_build import BuildConfig, build_engine
    graph = Manifest.load(small_export).graphs[0]
    (tmp_path / graph.file).write_bytes(b'\xff\xff')
    with pytest.raises(ValueError, match='does not read .*In node -1.*could not read the model'):
        build_engine(machine.trt, Device(), tmp_path, graph, BuildConfig())
    shutil.copy(small_export / graph.file, tmp_path)  # and its weights are not there
    with pytest.raises(ValueError, match='does not read'):
        build_engine(machine.trt, Device(), tmp_path, graph, BuildConfig())


def test_a_build_that_fails_says_why(machine, small_export):
    machine.trt.build_error = 'no implementation for node Conv_3'
    with pytest.raises(ValueError, match='could not build .*encoder.*no implementation for node'):
        machine.build(small_export)
    assert not list(machine.cache.folder.glob('*.engine')) if machine.cache.folder.exists() else 1


@pytest.mark.parametrize('settings', [{'workspace': 0}, {'effort': 6}])
def test_bad_settings_are_refused(settings):
    from dvd_ros.regressor.engine_build import BuildConfig
    with pytest.raises(ValueError, match=f'{next(iter(settings))} must be .* got'):
        BuildConfig(**settings)


@pytest.mark.parametrize('left', [0, 1 << 17, 1 << 17 | 1 << 14])
def test_too_little_gpu_memory_fails_when_it_is_loaded(built, small_export, left):
    built.cuda.memory = left
    with pytest.raises(CudaMemoryError, match='cudaErrorMemoryAllocation.*the GPU has too little'):
        tensorrt(small_export)
    assert built.cuda.live() == []


def test_too_little_pinned_memory_fails_when_it_is_loaded(built, small_export):
    built.cuda.pinned = 1 << 17  # the video still fits
    with pytest.raises(CudaMemoryError, match='this machine has too little memory'):
        tensorrt(small_export)
    assert built.cuda.live() == []


def test_too_little_memory_for_a_context_fails_when_it_is_loaded(built, small_export):
    built.trt.context_error = 'Requested amount of GPU memory: Cuda Runtime (out of memory)'
    with pytest.raises(CudaMemoryError, match='no context.*out of memory.*smaller --size'):
        tensorrt(small_export)
    assert built.cuda.live() == []


@pytest.mark.parametrize('function', ['cudaStreamSynchronize', 'cudaGraphLaunch'])
def test_a_failure_in_mid_stream_is_not_silent(built, small_export, images, function):
    regressor = tensorrt(small_export)
    built.cuda.fail[function] = built.cuda.cudaError_t.cudaErrorIllegalAddress
    with pytest.raises(CudaError, match=f'{function} failed with cudaErrorIllegalAddress'):
        regressor.predict(images)


def test_the_first_failure_is_the_one_that_is_told(built, small_export):
    """On a real GPU all calls fail after an illegal access, those that free included."""
    error = built.cuda.cudaError_t.cudaErrorIllegalAddress
    built.cuda.fail |= dict.fromkeys(('cudaStreamSynchronize', 'cudaFree', 'cudaFreeHost'), error)
    with pytest.raises(CudaError, match='cudaStreamSynchronize failed'):
        tensorrt(small_export)


@pytest.mark.parametrize(('driver', 'gpus', 'words'), [
    (None, [], 'libcuda.*no NVIDIA driver was found; install it'),
    (0, [], 'no NVIDIA driver was found; install it'),
    (12040, [('Old', 8, 6)], r"driver knows CUDA 12\.4.*13\.5.*pip install 'cuda-bindings<13'"),
    (13000, [], 'sees no GPU; look at nvidia-smi')])
def test_a_missing_driver_is_named(trt, cuda, small_export, caplog, driver, gpus, words):
    cuda.driver, cuda.gpus = driver, gpus
    with pytest.raises(CudaError, match=words):
        tensorrt(small_export)
    # 'auto' goes on without, and says why; the stand-in refuses a Runtime without a driver.
    with caplog.at_level(logging.INFO):
        assert type(load_regressor(small_export)).__name__ == 'OnnxRegressor'
    assert 'TensorRT is passed over' in caplog.text


def test_a_gpu_that_is_not_there_is_named(built, small_export):
    with pytest.raises(CudaError, match='no GPU 3: this machine shows 1'):
        tensorrt(small_export, device='cuda:3')


def test_missing_packages_are_named(small_export, monkeypatch, cuda):
    import sys
    monkeypatch.setitem(sys.modules, 'tensorrt', None)
    with pytest.raises(ImportError, match='pip install tensorrt.*JetPack'):
        tensorrt(small_export)
    for name in ('cuda', 'cuda.bindings', 'cuda.bindings.runtime'):
        monkeypatch.setitem(sys.modules, name, None)
    from dvd_ros.regressor.cuda_device import Device
    with pytest.raises(ImportError, match='pip install cuda-bindings'):
        Device()


def test_a_tensorrt_that_does_not_start_is_named(trt, cuda, small_export, monkeypatch):
    from dvd_ros.regressor.cuda_device import Device
    from dvd_ros.regressor.tensorrt_library import start_runtime

    def null(logger):
        logger.log(trt.ILogger.Severity.ERROR, 'CUDA initialization failure with error: 35')
        raise TypeError('pybind11::init(): factory function returned nullptr')

    monkeypatch.setattr(trt, 'Runtime', null)
    with pytest.raises(CudaError, match='made no Runtime on Strict GPU: .*35; is the driver new'):
        start_runtime(trt, Device())


def test_an_unknown_tensorrt_is_refused(trt, small_export):
    trt.__version__ = '8.6.1'
    with pytest.raises(ImportError, match=r'TensorRT 8\.6\.1 is not known.*10\.x and 11\.x'):
        tensorrt(small_export)

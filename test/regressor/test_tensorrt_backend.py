"""
The TensorRT backend on strict stand-ins for TensorRT 10.x and 11.x and for the CUDA runtime.

No GPU and no builder is needed; what this cannot show is that the real ones compute well.
"""

import ast
import importlib
import json
import logging
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('onnxruntime')

from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.regressor import Regressor, load_regressor  # noqa: E402
from dvd_ros.regressor.cuda_device import CudaError, CudaMemoryError  # noqa: E402
from dvd_ros.regressor.protocol import STAGES  # noqa: E402
from dvd_ros.regressor.tensorrt_library import logger_of  # noqa: E402

SOURCES = Path(__file__).resolve().parents[2] / 'dvd_ros' / 'regressor'


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 255, (9, 32, 48, 3), dtype=np.uint8)


@pytest.fixture
def built(machine, small_export):
    machine.build(small_export)
    assert machine.cuda.live() == []
    return machine


def onnx(folder):
    return load_regressor(folder, backend='onnxruntime', device='cpu')


def tensorrt(folder, **options):
    return load_regressor(folder, backend='tensorrt', **options)


@pytest.mark.parametrize('shape', [(32, 48), (40, 60), (20, 44)])
def test_depth_is_that_of_onnxruntime(built, small_export, shape):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (9, *shape, 3), dtype=np.uint8)
    ours, theirs = tensorrt(small_export), onnx(small_export)
    assert isinstance(ours, Regressor)
    assert ours.captured
    expected = theirs.predict(images)
    assert expected.std() > 1e-3
    for given in (images, images.astype(np.float32) / 255, images[:5]):
        np.testing.assert_allclose(ours.predict(given), theirs.predict(given), atol=1e-5)
    assert built.cuda.launches >= 3


@pytest.mark.parametrize('load', ['tensorrt', 'onnx'])
@pytest.mark.parametrize('shape', [(32, 48), (40, 60)])
def test_prepared_images_give_the_same_depth_in_every_window(built, small_export, load, shape):
    regressor = {'tensorrt': tensorrt, 'onnx': onnx}[load](small_export)
    images = np.random.default_rng(3).integers(0, 255, (12, *shape, 3), dtype=np.uint8)
    prepared = [regressor.prepare(image) for image in images]
    for window in (slice(0, 9), slice(3, 12), slice(9, 12)):
        np.testing.assert_array_equal(regressor.predict_prepared(prepared[window]),
                                      regressor.predict(images[window]))
    images[:] = 0  # the buffer of a camera driver
    assert regressor.predict_prepared(prepared[:9]).std() > 1e-3
    with pytest.raises(ValueError, match='one size'):
        regressor.predict_prepared([prepared[0], regressor.prepare(images[0, :20])])


def test_a_result_outlives_the_next_call(built, small_export, images):
    regressor = tensorrt(small_export)
    first = regressor.predict(images)
    kept = first.copy()
    regressor.predict(255 - images)
    assert np.array_equal(first, kept)
    assert np.array_equal(regressor.predict(images), kept)


def test_stages_are_told_in_their_order_and_change_nothing(built, small_export, images):
    regressor, told = tensorrt(small_export), []
    expected = regressor.predict(images)
    regressor.on_stage = told.append
    assert np.array_equal(regressor.predict(images), expected)
    assert tuple(told) == STAGES
    regressor.on_stage = None
    built.cuda.called.clear()
    regressor.predict(images)
    assert 'cudaGraphLaunch' in built.cuda.called  # one launch again


def test_any_thread_may_call(built, small_export, images):
    regressor, found = tensorrt(small_export), []
    expected = regressor.predict(images)
    threads = [threading.Thread(target=lambda: found.append(regressor.predict(images)))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert all(np.array_equal(each, expected) for each in found)


def test_nothing_is_allocated_once_it_is_loaded(built, small_export, images):
    regressor = tensorrt(small_export)
    built.cuda.called.clear()
    built.cuda.memory = built.cuda.pinned = 0
    regressor.predict(images)
    assert set(built.cuda.called) <= {'cudaSetDevice', 'cudaGraphLaunch', 'cudaStreamSynchronize'}


def test_all_is_given_back(built, small_export, images):
    regressor = tensorrt(small_export)
    assert built.cuda.live().count('device') == 4
    regressor.close()
    assert built.cuda.live() == []
    with pytest.raises(ValueError, match='closed'):
        regressor.predict(images)
    tensorrt(small_export)  # and by itself where nobody closes it
    assert built.cuda.live() == []
    thread = threading.Thread(target=tensorrt(small_export).close)  # in whatever thread
    thread.start()
    thread.join()
    assert built.cuda.live() == []


def test_the_size_is_picked_by_the_image(machine, two_sizes):
    machine.build(two_sizes)
    ours, theirs = tensorrt(two_sizes), onnx(two_sizes)
    images = np.random.default_rng(2).integers(0, 255, (9, 40, 80, 3), dtype=np.uint8)
    np.testing.assert_allclose(ours.predict(images), theirs.predict(images), atol=1e-5)
    wide = tensorrt(two_sizes, size=(32, 64))
    assert wide.size == (32, 64)
    assert np.array_equal(wide.predict(images), ours.predict(images))


def test_where_capture_fails_engines_run_one_by_one(built, small_export, images, caplog):
    built.trt.refuse_capture = True
    regressor = tensorrt(small_export)
    assert not regressor.captured
    assert 'no CUDA graph' in caplog.text
    assert 'not capturable' in caplog.text
    np.testing.assert_allclose(regressor.predict(images), onnx(small_export).predict(images),
                               atol=1e-5)


def test_builds_are_strongly_typed_without_tf32_and_keep_timings(machine, small_export):
    machine.build(small_export)
    assert len(machine.trt.builds) == 3
    assert all(not config._flags for config in machine.trt.builds)
    assert machine.trt.timing_in[0] == b''
    machine.build(small_export)
    assert b'timings' in machine.trt.timing_in[3]


def test_timings_that_tensorrt_does_not_take_are_measured_again(built, small_export, caplog):
    (path,) = built.cache.folder.glob('timing_*.cache')
    path.write_bytes(b'nonsense')
    built.build(small_export)
    assert 'does not take the timings' in caplog.text
    assert b'timings' in path.read_bytes()


def test_engines_that_give_another_depth_are_deleted(machine, small_export):
    machine.trt.spoil = lambda depth: depth * np.linspace(1, 1.2, len(depth))[:, None, None]
    with pytest.raises(ValueError, match=r'another depth.*worst frame 0\..* of 0\.0005 allowed'):
        machine.build(small_export)
    assert not list(machine.cache.folder.glob('*.engine'))
    assert not list(machine.cache.folder.glob('*.unchecked'))
    assert machine.cuda.live() == []
    with pytest.raises(FileNotFoundError, match='no TensorRT engine'):
        tensorrt(small_export)


def test_engines_that_give_no_numbers_are_deleted(machine, small_export):
    machine.trt.spoil = lambda depth: np.where(depth > depth.mean(), np.nan, depth)
    with pytest.raises(ValueError, match='worst frame inf'):
        machine.build(small_export)
    assert not list(machine.cache.folder.glob('*.engine'))


def test_bf16_is_checked_against_another_export(machine, small_export, tmp_path):
    folder = shutil.copytree(small_export, tmp_path / 'bf16')
    manifest = json.loads((folder / 'manifest.json').read_text()) | {'precision': 'bf16'}
    (folder / 'manifest.json').write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match='is in bf16.*--reference'):
        machine.build(folder)
    assert machine.trt.builds == []
    (accuracy,) = machine.build(folder, reference=small_export).values()
    assert accuracy.passed
    (folder / 'manifest.json').write_text(json.dumps(manifest | {'sources': {'dit': 'f' * 64}}))
    with pytest.raises(ValueError, match='not an export of the same model.*sources'):
        machine.build(folder, reference=small_export)


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


def test_auto_takes_engines_that_are_built(machine, small_export, caplog):
    with caplog.at_level(logging.INFO):
        assert type(load_regressor(small_export)).__name__ == 'OnnxRegressor'
    assert 'no TensorRT: no TensorRT engine for encoder_32x48.onnx' in caplog.text
    machine.build(small_export)
    with caplog.at_level(logging.INFO):
        assert type(load_regressor(small_export)).__name__ == 'TensorRtRegressor'
    assert f'small on TensorRT {machine.trt.__version__}, Strict GPU' in caplog.text
    assert type(load_regressor(small_export, device='cpu')).__name__ == 'OnnxRegressor'
    caplog.clear()
    machine.cuda.memory = 0
    assert type(load_regressor(small_export)).__name__ == 'OnnxRegressor'
    assert 'passed over: cudaMalloc failed with cudaErrorMemoryAllocation' in caplog.text


def test_the_command_builds_checks_and_lists(machine, small_export, capsys):
    assert main(['engine', 'build', str(small_export), '--effort', '5']) == 0
    assert 'worst frame' in capsys.readouterr().out
    assert type(load_regressor(small_export)).__name__ == 'TensorRtRegressor'  # of any effort
    assert main(['engine', 'check', str(small_export)]) == 0
    capsys.readouterr()
    assert main(['engine', 'list']) == 0
    out = capsys.readouterr().out
    assert '3 engines in' in out
    assert f'decoder 3x3x4x6 fp32, TensorRT {machine.trt.__version__}, Strict GPU (8.7)' in out
    machine.trt.spoil = lambda depth: depth / 2
    assert main(['engine', 'check', str(small_export)]) == 1
    assert 'They were deleted' in capsys.readouterr().err
    assert main(['engine', 'list']) == 0
    assert capsys.readouterr().out.startswith('0 engines in')


def test_the_command_says_what_is_missing(small_export, monkeypatch, cuda, capsys):
    import sys
    monkeypatch.setitem(sys.modules, 'tensorrt', None)
    assert main(['engine', 'build', str(small_export)]) == 1
    assert 'pip install tensorrt' in capsys.readouterr().err
    assert main(['engine', 'build', str(small_export), '--size', 'big']) == 1
    assert 'needs HEIGHTxWIDTH' in capsys.readouterr().err


def names_in(file, *owners):
    """Attributes that a source file takes of the given variables."""
    tree = ast.parse((SOURCES / file).read_text())
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name) and node.value.id in owners}


def test_real_tensorrt_has_all_that_the_backend_calls():
    """tensorrt_lean is the runtime half of TensorRT: the same classes, without the builder."""
    if importlib.util.find_spec('tensorrt_lean_bindings') is None:
        pytest.skip('tensorrt-lean is not installed here (pip install tensorrt-lean-cu13-libs '
                    'tensorrt-lean-cu13-bindings)')
    real = importlib.import_module('tensorrt_lean_bindings.tensorrt_lean')
    for owner, variables in (('ICudaEngine', {'engine'}), ('IExecutionContext', {'context'}),
                             ('Runtime', {'runtime'})):
        wanted = names_in('engine_chain.py', *variables)
        assert wanted
        assert wanted <= set(dir(getattr(real, owner)))
    for file in ('engine_chain.py', 'tensorrt_library.py'):
        assert names_in(file, 'tensorrt', 'trt') - {'__version__'} <= set(dir(real))
    assert {'Runtime', 'ILogger'} <= set(dir(real))
    assert {'WORKSPACE'} <= set(dir(real.MemoryPoolType))
    assert {'TF32'} <= set(dir(real.BuilderFlag))
    assert 'FP16' not in dir(real.BuilderFlag)
    assert {'INPUT', 'OUTPUT'} <= set(dir(real.TensorIOMode))
    assert tuple(real.Dims((9, 3, 32, 48))) == (9, 3, 32, 48)
    logger = logger_of(real)
    logger.log(real.ILogger.Severity.ERROR, 'what went wrong')
    assert logger.last_words() == 'what went wrong'


def test_real_cuda_bindings_have_all_that_is_called():
    if importlib.util.find_spec('cuda') is None:
        pytest.skip('cuda-bindings is not installed here (pip install cuda-bindings)')
    real = importlib.import_module('cuda.bindings.runtime')
    tree = ast.parse((SOURCES / 'cuda_device.py').read_text())
    called = {str(node.args[0].value) for node in ast.walk(tree) if isinstance(node, ast.Call)
              and isinstance(node.func, ast.Name) and node.func.id in ('call', 'call_quietly')
              and isinstance(node.args[0], ast.Constant)}
    assert len(called) > 10
    assert called | names_in('cuda_device.py', 'runtime') <= set(dir(real))
    code, count = real.cudaGetDeviceCount()
    assert isinstance(code, real.cudaError_t)
    assert real.cudaGetErrorName(code)[1].decode().startswith('cuda')
    assert real.cudaRuntimeGetVersion()[1] > 12000

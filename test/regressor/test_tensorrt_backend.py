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
from dvd_ros.regressor.protocol import STAGES  # noqa: E402
from dvd_ros.regressor.tensorrt_library import logger_of  # noqa: E402

SOURCES = Path(__file__).resolve().parents[2] / 'dvd_ros' / 'regressor'


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

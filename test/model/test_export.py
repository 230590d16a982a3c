"""A network as ONNX, run by ONNX Runtime, against the network on torch; and exports gone wrong."""

import json
import re
import shutil

import numpy as np
import pytest

torch = pytest.importorskip('torch')
onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.model import DvdModel  # noqa: E402
from dvd_ros.model.export import OPSET, export_onnx  # noqa: E402
from dvd_ros.regressor import load_regressor  # noqa: E402

# All are in the operator table of TensorRT 10.0's parser (onnx-tensorrt, docs/operators.md).
KNOWN = {'Add', 'Cast', 'Clip', 'Concat', 'Conv', 'DepthToSpace', 'Div', 'Expand', 'Gather', 'Gelu',
         'Gemm', 'LayerNormalization', 'MatMul', 'Mul', 'Pad', 'Pow', 'Reciprocal', 'ReduceMean',
         'ReduceSum', 'Reshape', 'Resize', 'Sigmoid', 'Slice', 'Softmax', 'SpaceToDepth', 'Split',
         'Sqrt', 'Squeeze', 'Sub', 'Transpose', 'Unsqueeze'}
SIZES = [(32, 48), (32, 64)]


@pytest.fixture(scope='module')
def exported(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp('export') / 'tiny'
    return export_onnx(DvdModel.from_folder(tiny), folder, name='tiny', window=9, sizes=SIZES,
                       sources=[tiny / 'dit.safetensors'])


@pytest.fixture
def copy(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / 'copy')


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 255, (9, 40, 60, 3), dtype=np.uint8)


@pytest.mark.parametrize('shape', [(40, 60), (32, 48), (20, 40)])
def test_onnxruntime_gives_what_torch_gives(exported, tiny, shape):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (9, *shape, 3), dtype=np.uint8)
    ours, theirs = load_regressor(exported), load_regressor(tiny)
    expected = theirs.predict(images)
    assert expected.std() > 1e-2
    np.testing.assert_allclose(ours.predict(images), expected, atol=1e-4)
    np.testing.assert_allclose(ours.predict(images.astype(np.float32) / 255), expected, atol=1e-4)
    assert np.array_equal(ours.predict(images), ours.predict(images))


def test_a_short_window_is_filled_up_with_its_last_frame(exported, images):
    regressor = load_regressor(exported)
    filled = images.copy()
    filled[3:] = filled[2]
    assert np.array_equal(regressor.predict(images[:3]), regressor.predict(filled)[:3])


def test_graphs_hold_only_what_tensorrt_parses(exported):
    for path in exported.glob('*.onnx'):
        onnx.checker.check_model(str(path))
        model = onnx.load(str(path))
        assert {node.op_type for node in model.graph.node} <= KNOWN
        assert {entry.version for entry in model.opset_import if entry.domain == ''} == {OPSET}
        shapes = [d.dim_value for value in (*model.graph.input, *model.graph.output)
                  for d in value.type.tensor_type.shape.dim]
        assert all(size > 0 for size in shapes)
        assert b'/dvd_ros/' not in path.read_bytes()  # no paths of the machine that exported


def test_sizes_share_their_weights(exported, tiny, tmp_path):
    alone = export_onnx(DvdModel.from_folder(tiny), tmp_path / 'one', name='tiny', window=9,
                        sizes=SIZES[:1])
    both, one = ((folder / 'weights.safetensors').stat().st_size for folder in (exported, alone))
    assert both < 1.2 * one


def test_half_storage_halves_the_file_and_hardly_changes_depth(tiny, exported, tmp_path, images):
    half = export_onnx(DvdModel.from_folder(tiny), tmp_path / 'half', name='tiny', window=9,
                       sizes=SIZES, half_storage=True)
    both, one = ((folder / 'weights.safetensors').stat().st_size for folder in (exported, half))
    assert one < 0.6 * both
    np.testing.assert_allclose(load_regressor(half).predict(images),
                               load_regressor(exported).predict(images), atol=5e-3)


@pytest.mark.parametrize('precision', ['fp16', 'bf16'])
def test_half_precision_graphs_are_valid(tiny, tmp_path, precision):
    assert main(['export', str(tiny), '-o', str(tmp_path / 'out'), '--precision', precision]) == 0
    for path in (tmp_path / 'out').glob('*.onnx'):
        model = onnx.load(str(path))
        # By the letter, convolutions learn bfloat16 with opset 22; TensorRT's do not wait for it.
        onnx.checker.check_model(model, full_check=precision == 'fp16')
        kinds = {tensor.data_type for tensor in model.graph.initializer if tensor.dims}
        assert (onnx.TensorProto.FLOAT16 if precision == 'fp16' else
                onnx.TensorProto.BFLOAT16) in kinds
        norms = [node for node in model.graph.node if node.op_type == 'LayerNormalization']
        assert all(node.input for node in norms)
    manifest = json.loads((tmp_path / 'out' / 'manifest.json').read_text())
    assert manifest['precision'] == precision
    assert manifest['window'] == 9


def test_damage_is_named(copy):
    path = copy / 'weights.safetensors'
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    with pytest.raises(ValueError, match=r'weights\.safetensors is not the file.*export'):
        load_regressor(copy)
    path.write_bytes(data)
    (copy / 'decoder_32x48.onnx').unlink()
    with pytest.raises(FileNotFoundError, match=r'decoder_32x48\.onnx is missing.*export'):
        load_regressor(copy)


@pytest.mark.parametrize(('content', 'words'), [
    ('{', 'not a manifest'), ('[]', 'not a manifest'), ('{"format": 99}', 'of format 99'),
    ('{"format": 1, "graphs": []}', 'incomplete')])
def test_a_bad_manifest_is_named(copy, content, words):
    (copy / 'manifest.json').write_text(content)
    with pytest.raises(ValueError, match=words):
        load_regressor(copy)


@pytest.mark.parametrize(('argument', 'words'), [
    ({'window': 13}, 'windows of 9 frames, not 13'),
    ({'size': (480, 640)}, r'exported for 32x48, 32x64, not for 480x640'),
    ({'precision': 'fp16'}, 'exported in fp32, not fp16'),
    ({'backend': 'torch'}, 'the torch backend does not run'),
    ({'device': 'tpu'}, "device must be .* got 'tpu'")])
def test_what_an_export_cannot_do_is_said(exported, argument, words):
    with pytest.raises(ValueError, match=words):
        load_regressor(exported, **argument)


def test_a_checkpoint_needs_an_export_first(tiny):
    with pytest.raises(ValueError, match=re.escape(f'dvd-ros export {tiny} -o FOLDER')):
        load_regressor(tiny, backend='onnxruntime')


@pytest.mark.parametrize(('arguments', 'words'), [
    (['--size', '33x48'], '33x48 must be multiples of'), (['--size', 'big'], '--size big'),
    (['--window', '8'], 'window must be 4n+1')])
def test_bad_exports_are_refused(tiny, tmp_path, capsys, arguments, words):
    assert main(['export', str(tiny), '-o', str(tmp_path / 'out'), *arguments]) == 1
    assert words in capsys.readouterr().err

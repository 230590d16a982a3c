"""A network as ONNX, run by ONNX Runtime, against the network on torch; and exports gone wrong."""

import json
import re
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file

torch = pytest.importorskip('torch')
onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.model import DvdConfig, DvdModel  # noqa: E402
from dvd_ros.model.export import OPSET, PRECISIONS, export_onnx  # noqa: E402
from dvd_ros.model.random_weights import random_model  # noqa: E402
from dvd_ros.regressor import load_regressor, locate_checkpoint  # noqa: E402

# Each is marked as supported in the operator table of TensorRT 10.0's parser: onnx-tensorrt,
# docs/operators.md of the tag release/10.0-GA, which takes opsets 9 to 20.
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


def norms_and_softmax_are_wide(model, precision):
    """Assert it; gives how many of them there are. All other heavy work is in the precision."""
    float32, half = onnx.TensorProto.FLOAT, getattr(onnx.TensorProto, {
        'fp32': 'FLOAT', 'fp16': 'FLOAT16', 'bf16': 'BFLOAT16'}[precision])
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    kinds |= {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    wide = heavy = 0
    for node in model.graph.node:
        # True of every operator in KNOWN: but for Cast, the result is of the first input's type.
        kind = node.attribute[0].i if node.op_type == 'Cast' else kinds[node.input[0]]
        kinds |= dict.fromkeys(node.output, kind)
        if node.op_type in ('LayerNormalization', 'Softmax', 'ReduceMean', 'ReduceSum', 'Pow',
                            'Sqrt', 'Reciprocal') and kind != onnx.TensorProto.INT64:
            assert kind == float32, f'{node.op_type} {node.name} is of type {kind}'
            wide += 1
        elif node.op_type in ('Conv', 'Gemm', 'MatMul'):
            assert kind == half, f'{node.op_type} {node.name} is of type {kind}'
            heavy += 1
    assert heavy
    return wide


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


@pytest.mark.parametrize(('network', 'precision'), [
    ('golden', 'fp32'), ('golden', 'fp16'), ('golden', 'bf16'), ('mini', 'fp16')])
def test_whatever_is_exported_tensorrt_parses(network, precision, request, tmp_path):
    if network == 'mini':
        source, size = locate_checkpoint('mini')[:3], (48, 64)
    else:
        source = (request.getfixturevalue('dit_state'), request.getfixturevalue('rounded')['state'],
                  request.getfixturevalue('golden')('config.json'))
        size = (32, 48)
    model = DvdModel.from_checkpoint(*source, dtype=PRECISIONS[precision]).specialise()
    folder = export_onnx(model, tmp_path / 'out', name=network, window=5, sizes=[size])
    wide = {}
    for path in folder.glob('*.onnx'):
        graph = onnx.load(str(path))
        assert {node.op_type for node in graph.graph.node} <= KNOWN
        assert {node.domain for node in graph.graph.node} <= {'', 'ai.onnx'}
        for node in graph.graph.node:
            if node.op_type == 'Resize':  # the restrictions that the table names
                how = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
                assert how['mode'] == b'nearest'
                assert how['coordinate_transformation_mode'] == b'asymmetric'
                assert how['nearest_mode'] == b'floor'
        wide[path.name.split('_')[0]] = norms_and_softmax_are_wide(graph, precision)
    assert all(wide.values())


def test_a_large_network_is_exported_from_random_weights(tmp_path):
    """What benchmark/export_full.py does, on a narrower network."""
    config = DvdConfig.wan21_1_3b()
    config.dit.update(num_attention_heads=2, attention_head_dim=24, ffn_dim=64, num_layers=2,
                      text_dim=16)
    config.vae['base_dim'] = 8
    done = []
    model = random_model(config, dtype=torch.float16).specialise()
    folder = export_onnx(model, tmp_path / 'out', name='random', window=5, sizes=[(32, 48)],
                         report=done.append)
    assert done == ['encoder 32x48', 'transformer 32x48', 'decoder 32x48']
    assert sorted(path.suffix for path in folder.iterdir()) == [
        '.json', '.onnx', '.onnx', '.onnx', '.safetensors']
    stored = load_file(folder / 'weights.safetensors')
    assert torch.float16 in {tensor.dtype for tensor in stored.values()}
    images = np.random.default_rng(0).integers(0, 255, (5, 32, 48, 3), dtype=np.uint8)
    clip = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    expected = model.predict(clip, (32, 48)).numpy()
    assert expected.std() > 1e-3
    given = load_regressor(folder, precision='fp16', device='cpu').predict(images)
    np.testing.assert_allclose(given, expected, atol=2e-2)


def test_random_weights_are_equal_for_equal_seeds(tiny):
    config = DvdConfig.load(tiny / 'config.json')
    one, same, other = (random_model(config, seed=seed).dit.proj_out.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_truncated_graph_is_named(copy):
    path = copy / 'transformer_32x48.onnx'
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r'transformer_32x48\.onnx is not the file.*cut short.*'
                                         'dvd-ros export'):
        load_regressor(copy, device='cpu')


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
    widened = 0
    for path in (tmp_path / 'out').glob('*.onnx'):
        model = onnx.load(str(path))
        # By the letter, convolutions learn bfloat16 with opset 22; TensorRT's do not wait for it.
        onnx.checker.check_model(model, full_check=precision == 'fp16')
        kinds = {tensor.data_type for tensor in model.graph.initializer if tensor.dims}
        assert (onnx.TensorProto.FLOAT16 if precision == 'fp16' else
                onnx.TensorProto.BFLOAT16) in kinds
        widened += norms_and_softmax_are_wide(model, precision)
    assert widened
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


def test_a_manifest_that_leads_out_of_its_folder_is_refused(copy):
    path = copy / 'manifest.json'
    content = json.loads(path.read_text())
    content['graphs'][0]['file'] = f'../{copy.name}/' + content['graphs'][0]['file']
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='is no file of its folder'):
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

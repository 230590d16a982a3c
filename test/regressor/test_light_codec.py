"""A model with its light codec: found, missing, exported."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')

from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.model import DvdModel  # noqa: E402
from dvd_ros.model.light_checkpoint import make_light, write_light  # noqa: E402
from dvd_ros.model.light_codec import LightSizes  # noqa: E402
from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.regressor.weights import LIGHT_CODECS, light_codec_file  # noqa: E402


@pytest.fixture(scope='module')
def both(tiny, tmp_path_factory):
    """A model folder with a light codec beside its VAE."""
    folder = shutil.copytree(tiny, tmp_path_factory.mktemp('light') / 'model')
    model = DvdModel.from_folder(folder)
    sizes = LightSizes.of(model.config)
    torch.manual_seed(2)
    codec = make_light(sizes)
    for parameter in codec.decoder.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    write_light(folder / 'light.safetensors', codec, sizes, model.vae)
    return folder


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 255, (9, 40, 60, 3), dtype=np.uint8)


def test_light_is_asked_for_by_name_or_path(both, tiny, images):
    light = load_regressor(both, codec='light').predict(images)
    assert light.shape == images.shape[:3]
    assert light.std() > 1e-3
    by_path = load_regressor(tiny, codec=both / 'light.safetensors').predict(images)
    np.testing.assert_array_equal(by_path, light)
    full = load_regressor(both).predict(images)
    np.testing.assert_array_equal(load_regressor(tiny).predict(images), full)
    assert np.abs(full - light).max() > 1e-2


@pytest.mark.parametrize('precision', ['bf16', 'fp16'])
def test_light_runs_in_half_precision(both, images, precision):
    exact = load_regressor(both, codec='light').predict(images)
    half = load_regressor(both, codec='light', precision=precision).predict(images)
    assert 0 < np.abs(half - exact).mean() < 0.01


def test_a_missing_codec_says_how_to_make_one(tiny, tmp_path, capsys):
    command = f'dvd-ros train codec {tiny} VIDEOS -o {tiny / LIGHT_CODECS[0]}'
    with pytest.raises(FileNotFoundError, match='has no light codec') as error:
        load_regressor(tiny, codec='light')
    assert command in str(error.value)
    assert main(['export', str(tiny), '-o', str(tmp_path / 'out'), '--codec', 'light']) == 1
    assert command in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
    with pytest.raises(FileNotFoundError, match="small.*or give codec 'full' or 'light'"):
        load_regressor(tiny, codec='small')


def test_the_public_codec_beside_the_vae_is_found(tmp_path):
    (tmp_path / 'taew2_1.pth').touch()
    found = light_codec_file(tmp_path / 'Wan2.1_VAE.pth', 'light', 'dvd-1.1')
    assert found == tmp_path / 'taew2_1.pth'
    (tmp_path / 'light.safetensors').touch()
    own = light_codec_file(tmp_path / 'Wan2.1_VAE.pth', 'light', 'dvd-1.1')
    assert own == tmp_path / 'light.safetensors'
    assert light_codec_file(tmp_path / 'Wan2.1_VAE.pth', 'full', 'dvd-1.1') is None


def test_an_export_has_the_codec_in_it(both, tmp_path, images):
    pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    onnx = pytest.importorskip('onnx')
    out = tmp_path / 'light'
    assert main(['export', str(both), '-o', str(out), '--codec', 'light']) == 0
    manifest = json.loads((out / 'manifest.json').read_text())
    assert manifest['codec'] == 'light'
    assert 'light.safetensors' in manifest['sources']
    expected = load_regressor(both, codec='light').predict(images)
    for codec in ('full', 'light'):  # the default takes an export as it is
        found = load_regressor(out, codec=codec).predict(images)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    known = {'Add', 'Cast', 'Clip', 'Concat', 'Conv', 'DepthToSpace', 'Gather', 'Mul', 'Reshape',
             'Resize', 'Sigmoid', 'Slice', 'SpaceToDepth', 'Split', 'Squeeze', 'Transpose',
             'Unsqueeze'}
    for path in (*out.glob('encoder_*.onnx'), *out.glob('decoder_*.onnx')):
        onnx.checker.check_model(str(path))
        assert {node.op_type for node in onnx.load(str(path)).graph.node} <= known
    del manifest['codec']  # as written before there was a light one
    (out / 'manifest.json').write_text(json.dumps(manifest | {'codec': 'full'}))
    with pytest.raises(ValueError, match='exported with the full codec, not light'):
        load_regressor(out, codec='light')
    (out / 'manifest.json').write_text(json.dumps(manifest))
    np.testing.assert_allclose(load_regressor(out).predict(images), expected, atol=1e-4)


@pytest.mark.parametrize('precision', ['fp16', 'bf16'])
def test_half_precision_graphs_of_taew_export(precision, tmp_path):
    """The public codec's graphs hold only what TensorRT parses, too."""
    onnx = pytest.importorskip('onnx')
    pytest.importorskip('onnxscript')
    from dvd_ros.model.export import PRECISIONS, _Outside, _trace
    from dvd_ros.model.taew import TaewDecoder, TaewEncoder
    known = {'Add', 'Cast', 'Clip', 'Concat', 'Conv', 'Div', 'Expand', 'Gather', 'Mul', 'Pad',
             'ReduceMean', 'Relu', 'Reshape', 'Resize', 'Slice', 'Split', 'Squeeze', 'Tanh',
             'Transpose', 'Unsqueeze'}
    dtype = PRECISIONS[precision]
    for module, shape in ((TaewEncoder(), (5, 3, 16, 16)), (TaewDecoder(), (16, 2, 2, 2))):
        graph = onnx.load(_trace(_Outside(module.to(dtype), dtype), shape, torch.device('cpu'),
                                 tmp_path / 'graph.onnx'), load_external_data=False).graph
        assert {node.op_type for node in graph.node} <= known

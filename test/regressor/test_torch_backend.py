"""The torch backend keeps the protocol's word."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from dvd_ros.regressor import Regressor, load_regressor


@pytest.fixture(scope='module')
def regressor(tiny):
    return load_regressor(tiny, device='cpu')


def images(frames=6, height=40, width=56, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), np.uint8)


def test_what_it_says_of_itself(tiny, regressor):
    assert isinstance(regressor, Regressor)
    assert (regressor.name, regressor.window, regressor.size) == (tiny.name, 9, (32, 48))
    other = load_regressor(tiny, backend='torch', window=5, size=(48, 48))
    assert (other.window, other.size) == (5, (48, 48))


@pytest.mark.parametrize('frames', [1, 2, 5, 8, 9])
def test_output_has_the_size_of_the_input(regressor, frames):
    disparity = regressor.predict(images(frames, 30 + frames, 70))
    assert disparity.shape == (frames, 30 + frames, 70)
    assert disparity.dtype == np.float32
    assert disparity.flags.writeable
    assert 0 <= disparity.min() < disparity.max() <= 1


def test_equal_images_give_equal_results(tiny, regressor):
    given = images()
    first = regressor.predict(given)
    regressor.predict(images(9, seed=1))
    np.testing.assert_array_equal(regressor.predict(given), first)
    np.testing.assert_array_equal(load_regressor(tiny, device='cpu').predict(given), first)


def test_uint8_and_float_views_are_the_same_images(regressor):
    given = images()
    first = regressor.predict(given)
    as_float = given.astype(np.float32) / 255
    np.testing.assert_allclose(regressor.predict(as_float), first, atol=1e-6)
    flipped = np.ascontiguousarray(given[:, ::-1, ::-1])[:, ::-1, ::-1]
    np.testing.assert_array_equal(regressor.predict(flipped), first)
    given.setflags(write=False)
    np.testing.assert_array_equal(regressor.predict(given), first)


def test_it_is_the_model_of_the_folder(tiny, regressor):
    import torch

    from dvd_ros.model import DvdModel
    given = images()
    clip = torch.from_numpy(given).permute(0, 3, 1, 2).float() / 255
    expected = DvdModel.from_folder(tiny).predict(clip).numpy()
    np.testing.assert_allclose(regressor.predict(given), expected, atol=1e-6)


@pytest.mark.parametrize('precision', ['bf16', 'fp16'])
def test_lower_precision_stays_close(tiny, regressor, precision):
    given = images()
    low = load_regressor(tiny, device='cpu', precision=precision).predict(given)
    assert 0 < np.abs(low - regressor.predict(given)).mean() < 0.02


@pytest.mark.parametrize(('given', 'error', 'message'), [
    (images(10), ValueError, '10 images are more than the window of 9'),
    (images(5)[0], ValueError, r'\[T,H,W,3\]'),
    (images(5)[..., :1], ValueError, r'\[T,H,W,3\]'),
    (images(5)[:0], ValueError, 'none of them 0'),
    (images(5).astype(np.float64), TypeError, 'float64'),
    (images(5).astype(np.float32), ValueError, '0..1'),
    ([[1]], TypeError, 'list'),
])
def test_bad_images(regressor, given, error, message):
    with pytest.raises(error, match=message):
        regressor.predict(given)


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'window': 12}, r'4n\+1 frames \(1, 5, 9.*got 12'),
    ({'window': 0}, r'4n\+1'),
    ({'size': (0, 32)}, 'size'),
    ({'precision': 'int8'}, 'precision'),
    ({'backend': 'onnx'}, 'backend'),
    ({'device': 'gpu'}, 'device'),
])
def test_bad_arguments(tiny, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_regressor(tiny, **arguments)


def test_models_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv('DVD_ROS_CACHE', str(tmp_path / 'cache'))
    with pytest.raises(FileNotFoundError, match=r'dvd-ros fetch dvd-1\.1'):
        load_regressor('dvd-1.1')
    with pytest.raises(FileNotFoundError, match='neither one of mini, dvd-1.0, dvd-1.1'):
        load_regressor('maxi')
    (tmp_path / 'config.json').write_text('{}')
    with pytest.raises(FileNotFoundError, match='lacks dit.safetensors, vae.safetensors'):
        load_regressor(tmp_path)


def test_a_dit_file_takes_what_lies_beside_it(tiny, tmp_path, monkeypatch, regressor):
    monkeypatch.setenv('DVD_ROS_CACHE', str(tmp_path / 'cache'))
    shutil.copy(tiny / 'dit.safetensors', tmp_path / 'tuned.safetensors')
    shutil.copy(tiny / 'config.json', tmp_path)
    with pytest.raises(FileNotFoundError, match='no VAE'):
        load_regressor(tmp_path / 'tuned.safetensors', device='cpu')
    shutil.copy(tiny / 'vae.safetensors', tmp_path)
    other = load_regressor(tmp_path / 'tuned.safetensors', device='cpu')
    assert other.name == 'tuned'
    np.testing.assert_array_equal(other.predict(images()), regressor.predict(images()))


def test_a_release_is_loaded_from_the_cache(tiny, tmp_path, monkeypatch):
    """As Wan2.1-1.3B in size, the tiny tensors are refused, but they were found and read."""
    from dvd_ros.regressor.weights import RELEASES, WAN_VAE
    monkeypatch.setenv('DVD_ROS_CACHE', str(tmp_path))
    for file, source in ((RELEASES['dvd-1.0'], 'dit'), (WAN_VAE, 'vae')):
        file.path(tmp_path).parent.mkdir()
        shutil.copy(tiny / f'{source}.safetensors', file.path(tmp_path))
    with pytest.raises(ValueError, match=r'dvd-1\.0.model\.safetensors.*missing.*misshapen'):
        load_regressor('dvd-1.0', device='cpu')


def test_the_package_does_not_import_torch():
    code = ('import sys, dvd_ros.regressor, dvd_ros.cli.fetch; '
            'sys.exit("torch" in sys.modules or "huggingface_hub" in sys.modules)')
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


def test_prepared_images_give_the_same_depth_in_every_window(regressor):
    given = images(12)
    prepared = [regressor.prepare(image) for image in given]
    for start in (0, 3):
        np.testing.assert_array_equal(regressor.predict_prepared(prepared[start:start + 9]),
                                      regressor.predict(given[start:start + 9]))
    given[:] = 0  # the buffer of a camera driver
    assert prepared[0].size == (40, 56)
    assert regressor.predict_prepared(prepared[:9]).std() > 1e-3


def test_the_stream_prepares_each_image_once(regressor, monkeypatch):
    from dvd_ros.stream import DepthStream, Frame, StreamConfig
    given = images(21)
    counts = []
    prepare = regressor.prepare
    monkeypatch.setattr(regressor, 'prepare', lambda image: counts.append(1) or prepare(image))
    stream = DepthStream(regressor, StreamConfig(window=9, overlap=5))
    done = [d for i, image in enumerate(given) for d in stream.push(Frame(image, i + 1))]
    assert len(done) == len(counts) == 21
    np.testing.assert_array_equal(np.stack([d.disparity for d in done[:9]]),
                                  regressor.predict(given[:9]))


@pytest.mark.parametrize(('pick', 'message'), [
    (lambda some: [], 'at least 1 image'),
    (lambda some: some * 2, '10 images are more than the window of 9'),
    (lambda some: [*some, some[0].__class__(some[0].content, (1, 2))], 'one size, got 1x2, 40x56'),
])
def test_prepared_images_that_are_no_window(regressor, pick, message):
    some = [regressor.prepare(image) for image in images(5)]
    with pytest.raises(ValueError, match=message):
        regressor.predict_prepared(pick(some))


@pytest.mark.parametrize(('given', 'error'), [
    (images(5), ValueError), (images(5)[0, ..., 0], ValueError), ([[1]], TypeError),
    (images(5)[0].astype(np.float32), ValueError), (images(5)[0].astype(np.float64), TypeError)])
def test_bad_single_images(regressor, given, error):
    with pytest.raises(error):
        regressor.prepare(given)

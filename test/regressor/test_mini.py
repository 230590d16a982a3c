"""The shipped model gives depth, not noise, on the shipped clip; and stays small."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip('onnxruntime')

from dvd_ros.assets_path import ASSETS  # noqa: E402
from dvd_ros.capture import open_capture  # noqa: E402
from dvd_ros.evaluation.align import baselines, evaluate_disparity  # noqa: E402
from dvd_ros.export_manifest import Manifest  # noqa: E402
from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.stream import DepthStream  # noqa: E402


@pytest.fixture(scope='module')
def scored():
    """Scores of the stream over the first frames of the clip, beside what needs no model."""
    capture = open_capture(ASSETS / 'demo')
    frames = [frame for frame, _ in zip(capture, range(29), strict=False)]
    stream = DepthStream(load_regressor('mini'))
    done = [d for frame in frames for d in stream.push(frame)] + stream.flush()
    assert [d.stamp for d in done] == [frame.stamp for frame in frames]
    truth = np.stack([capture.truth(i) for i in range(len(frames))])
    disparity = np.stack([d.disparity for d in done])
    return evaluate_disparity(disparity, truth), baselines(truth), disparity


def test_the_shipped_model_beats_what_needs_no_model(scored):
    model, simple, _ = scored
    assert model['abs_rel'] < 0.9 * min(row['abs_rel'] for row in simple.values())
    assert model['delta1'] > max(row['delta1'] for row in simple.values())


def test_its_disparity_varies_and_stays_in_range(scored):
    disparity = scored[2]
    assert np.isfinite(disparity).all()
    assert disparity.min() >= 0.0
    assert disparity.std() > 0.03
    # Neighbouring frames agree far better than pixels do.
    assert np.abs(np.diff(disparity, axis=0)).mean() < 0.3 * disparity.std()


def test_model_and_clip_stay_within_their_size():
    def size(folder):
        return sum(path.stat().st_size for path in (ASSETS / folder).rglob('*') if path.is_file())
    assert size('mini') <= 12_000_000
    assert size('demo') <= 1_500_000


def test_it_streams_where_there_is_no_torch():
    code = (
        'import sys; sys.modules["torch"] = None\n'
        'import numpy as np\n'
        'from dvd_ros.regressor import load_regressor\n'
        'from dvd_ros.stream import DepthStream, Frame\n'
        'stream = DepthStream(load_regressor("mini"))\n'
        'image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)\n'
        'done = [d for i in range(13) for d in stream.push(Frame(image, i * 10**8))]\n'
        'sys.exit(len(done) != 13 or not np.isfinite(done[0].depth).all())')
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


@pytest.mark.parametrize('shape', [(144, 192), (144, 256), (240, 320)])
def test_checkpoint_and_export_give_the_same_depth(shape):
    pytest.importorskip('torch')
    pytest.importorskip('diffusers')
    frames = [frame.image for frame, _ in zip(open_capture(ASSETS / 'demo'), range(13),
                                              strict=False)]
    import cv2
    images = np.stack([cv2.resize(image, shape[::-1]) for image in frames])
    one = load_regressor('mini', 'onnxruntime', 'cpu').predict(images)
    other = load_regressor('mini', 'torch', 'cpu').predict(images)
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_the_export_is_of_the_checkpoint_beside_it():
    manifest = Manifest.load(ASSETS / 'mini')
    manifest.verify(ASSETS / 'mini')
    assert set(manifest.beside) == {'dit.safetensors', 'vae.safetensors'}

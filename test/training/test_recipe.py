"""The whole recipe at toy size, from scenes to a folder that streams; and its interruptions."""

from dataclasses import fields

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('numba')
pytest.importorskip('diffusers')
pytest.importorskip('accelerate')

from dvd_ros.cli._train_config import find_config  # noqa: E402
from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.stream import DepthStream, Frame  # noqa: E402
from dvd_ros.training.read_config import build, read_yaml  # noqa: E402
from dvd_ros.training.recipe import MiniRecipe  # noqa: E402

TOY = MiniRecipe(clips=2, images=2, rendered=(64, 64), size=(48, 64), window=13, vae_width=8,
                 codec_batch=3, codec_steps=3, heads=1, head_dim=16, ffn_dim=16, layers=1,
                 batch=1, image_odds=0.0, steps=3, export_sizes=((48, 64),), validation_clips=1,
                 validate_every=2, preview_every=3)


def test_the_recipe_makes_a_model_that_streams(tmp_path):
    from dvd_ros.training.run import run_recipe
    folder = run_recipe(tmp_path / 'work', tmp_path / 'model', TOY, processes=1, compiled=False)
    stream = DepthStream(load_regressor(folder), )
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (13, 60, 80, 3), dtype=np.uint8)
    done = [d for i, image in enumerate(images) for d in stream.push(Frame(image, i * 10**8))]
    assert len(done) + len(stream.flush()) == 13
    assert all(np.isfinite(d.disparity).all() for d in done)
    run = tmp_path / 'work' / 'run' / 'regressor'
    assert {path.name for path in run.iterdir()} >= {'last.safetensors', 'best.safetensors',
                                                     'metrics.jsonl', 'curve.png', 'previews'}
    # A second run finds every stage done and changes nothing.
    first = (folder / 'dit.safetensors').read_bytes()
    run_recipe(tmp_path / 'work', folder, TOY, processes=1, compiled=False)
    assert (folder / 'dit.safetensors').read_bytes() == first


@pytest.mark.parametrize('bad', [{'size': (100, 256)}, {'window': 12}, {'image_odds': 1.5}])
def test_a_recipe_checks_itself(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        MiniRecipe(**bad)


def test_the_command_refuses_what_the_recipe_does_not_have(capsys, tmp_path):
    arguments = ['train', 'mini', str(tmp_path), '-o', str(tmp_path / 'm')]
    assert main([*arguments, '--set', 'step=3']) == 1
    assert 'step is unknown; did you mean steps' in capsys.readouterr().err
    assert main([*arguments, '--set', 'window=12']) == 1
    assert 'window=12 must be 4n+1' in capsys.readouterr().err


def test_the_shipped_file_holds_the_defaults():
    content = read_yaml(find_config('mini'))
    assert content.pop('recipe') == 'mini'
    assert build(MiniRecipe, content) == MiniRecipe()
    assert set(content) == {entry.name for entry in fields(MiniRecipe)}


def test_render_writes_a_clip_that_plays(capsys, tmp_path):
    from dvd_ros.capture import open_capture
    assert main(['render', str(tmp_path / 'clip'), '--frames', '5', '--size', '48x64']) == 0
    capture = open_capture(tmp_path / 'clip')
    assert capture.length == 5
    assert next(iter(capture)).image.shape == (48, 64, 3)
    assert np.isfinite(capture.truth(4)).mean() > 0.9
    assert main(['render', str(tmp_path / 'clip'), '--size', 'big']) == 1
    assert '--size big' in capsys.readouterr().err

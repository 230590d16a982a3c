"""A small model is taken further, on scenes of its own, and stays a model that streams."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('numba')
pytest.importorskip('diffusers')
pytest.importorskip('accelerate')

from safetensors.torch import load_file  # noqa: E402

from dvd_ros.cli._train_config import find_config  # noqa: E402
from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder  # noqa: E402
from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.training import framewise  # noqa: E402
from dvd_ros.training.batches import Scenes  # noqa: E402
from dvd_ros.training.jitter import jittered  # noqa: E402
from dvd_ros.training.read_config import build, read_yaml  # noqa: E402
from dvd_ros.training.recipe import MiniRecipe  # noqa: E402
from dvd_ros.training.run import run_recipe  # noqa: E402
from dvd_ros.training.tune import load_small, make_pass, tune  # noqa: E402
from dvd_ros.training.tune_recipe import TuneRecipe  # noqa: E402

SCENES = {'clips': 2, 'images': 2, 'rendered': (64, 64), 'batch': 1, 'steps': 3,
          'validation_clips': 1, 'validate_every': 2, 'preview_every': 3}


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    """A toy of the small model."""
    folder = tmp_path_factory.mktemp('small')
    recipe = MiniRecipe(**SCENES, size=(48, 64), vae_width=8, codec_batch=3, codec_steps=3,
                        heads=1, head_dim=16, ffn_dim=16, layers=1, export_sizes=((48, 64),))
    return run_recipe(folder / 'work', folder / 'model', recipe, processes=1, compiled=False)


def recipe(small, **changed):
    return TuneRecipe(**{'start': str(small), 'sizes': ((48, 64), (48, 96)), 'wide': 0.5,
                         'keep': 0.0, **SCENES, **changed})


def predictions(folder, size=(48, 64)):
    images = np.random.default_rng(0).integers(0, 255, (13, *size, 3), dtype=np.uint8)
    return load_regressor(folder).predict(images)


def test_a_tuned_model_is_another_one_that_streams(small, tmp_path):
    folder = tune(tmp_path / 'work', tmp_path / 'model', recipe(small), processes=1,
                  compiled=False)
    before, after = predictions(small), predictions(folder)
    assert np.isfinite(after).all()
    assert 0 < np.abs(after - before).max() < 0.5
    # Both shapes are there, and of one network.
    assert {path.name for path in folder.glob('transformer*')} == {
        'transformer_48x64.onnx', 'transformer_48x96.onnx'}
    assert predictions(folder, (48, 96)).shape == (13, 48, 96)
    old, new = (load_file(path / 'vae.safetensors') for path in (small, folder))
    changed = {name.partition('.')[0] for name in new
               if not torch.equal(old[name].float(), new[name].float())}
    assert changed == {'encoder', 'quant_conv', 'post_quant_conv', 'decoder'}
    # The same command again finds all done.
    first = (folder / 'dit.safetensors').read_bytes()
    tune(tmp_path / 'work', folder, recipe(small), processes=1, compiled=False)
    assert (folder / 'dit.safetensors').read_bytes() == first
    # All of the old weights, and the old model is written, but for rounding.
    tune(tmp_path / 'work', folder, recipe(small, keep=1.0), processes=1, compiled=False)
    np.testing.assert_allclose(predictions(folder), before, atol=2e-3)
    with pytest.raises(ValueError, match=r'jitter=1.0 \(now 0.5\)'):
        tune(tmp_path / 'work', folder, recipe(small, jitter=0.5), processes=1, compiled=False)


def test_what_trains_is_what_the_node_runs(small):
    dit, vae, config = load_small(small)
    assert config.window == 13
    images = np.random.default_rng(1).integers(0, 255, (13, 48, 64, 3), dtype=np.uint8)
    video = torch.from_numpy(images).permute(0, 3, 1, 2)[None].float() / 127.5 - 1
    with torch.no_grad():
        disparity = framewise.predict(dit, WholeEncoder(vae), WholeDecoder(vae),
                                      video)[0].clamp(0, 1)
    expected = load_regressor(small, 'onnxruntime').predict(images)
    np.testing.assert_allclose(disparity.numpy(), expected, atol=2e-3)


@pytest.mark.parametrize('odds', [0.0, 1.0])
def test_processes_share_the_views_of_a_step(shards, odds):
    scenes = Scenes([shards])
    asked = TuneRecipe(batch=30, sizes=((48, 64),), image_odds=odds)

    def passes(world):
        return [make_pass(asked, 5, scenes, scenes, 4, rank, world) for rank in range(world)]
    (alone,), shared = passes(1), passes(2)
    assert alone.weight == 1
    assert sum(one.weight for one in shared) == pytest.approx(2)
    assert len(alone.batch['images']) == (30 if odds else 3)
    for name, value in alone.batch.items():
        both = torch.empty_like(value)
        both[0::2], both[1::2] = (one.batch[name] for one in shared)
        assert torch.equal(both, value)
    with pytest.raises(ValueError, match='30 views|3 views'):
        passes(31)


def test_another_model_is_refused(tiny):
    with pytest.raises(ValueError, match='no small model'):
        load_small(tiny)


def test_jitter_changes_colours_and_not_the_frames_against_each_other():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.uniform(-0.9, 0.9, (3, 1, 3, 8, 8)).astype(np.float32))
    clips = images.expand(-1, 4, -1, -1, -1).contiguous()
    done = jittered(clips, np.random.default_rng(1), 1.0)
    assert done.shape == clips.shape
    assert done.min() >= -1
    assert done.max() <= 1
    assert torch.equal(done[:, 0], done[:, 3])
    change = (done - clips).abs().mean((1, 2, 3, 4))
    assert (change > 0.01).all()
    assert len(set(change.tolist())) == 3
    assert torch.equal(done, jittered(clips, np.random.default_rng(1), 1.0))
    assert jittered(clips, np.random.default_rng(1), 0.0) is clips


@pytest.mark.parametrize('bad', [{'squeeze': 0.5}, {'keep': 2.0}, {'wide': -1.0}, {'steps': 0},
                                 {'sizes': ((100, 256),)}, {'sizes': ()}, {'rich': 3.0},
                                 {'images': 0}, {'disparity_room': 0.0},
                                 {'layers': -1}])
def test_a_recipe_checks_itself(bad):
    with pytest.raises(ValueError, match='size 100x256|' + next(iter(bad))):
        TuneRecipe(**bad)


def test_the_shipped_file_holds_the_defaults_and_the_command_reads_it(capsys, tmp_path):
    content = read_yaml(find_config('tune'))
    assert content.pop('recipe') == 'tune'
    assert build(TuneRecipe, content) == TuneRecipe()
    assert set(content) == set(TuneRecipe.__dataclass_fields__)
    arguments = ['train', 'tune', str(tmp_path), '-o', str(tmp_path / 'm')]
    assert main([*arguments, '--set', 'squeese=3']) == 1
    assert 'did you mean squeeze' in capsys.readouterr().err
    assert main([*arguments, '--set', f'start={tmp_path}']) == 1
    assert 'is not a model folder' in capsys.readouterr().err


def test_a_grown_model_streams_as_the_old_one(small, tmp_path):
    asked = recipe(small, layers=2, latents=40, encoder_width=12, sizes=((48, 64),), keep=1.0)
    folder = tune(tmp_path / 'work', tmp_path / 'model', asked, processes=1, compiled=False)
    np.testing.assert_allclose(predictions(folder), predictions(small), atol=2e-3)
    assert load_file(folder / 'vae.safetensors')['encoder.conv_in.weight'].shape[0] == 12

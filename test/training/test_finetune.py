"""LoRA fine-tuning at tiny width: it learns, goes on, merges, exports and streams."""

import re
import shutil

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')
pytest.importorskip('peft')
pytest.importorskip('accelerate')

from safetensors.torch import load_file  # noqa: E402

from dvd_ros.cli._train_config import find_config  # noqa: E402
from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.model import DvdModel  # noqa: E402
from dvd_ros.model.random_weights import random_model  # noqa: E402
from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.stream import DepthStream, Frame, StreamConfig  # noqa: E402
from dvd_ros.training.finetune import finetune  # noqa: E402
from dvd_ros.training.finetune_config import FinetuneConfig, Loss, Model  # noqa: E402
from dvd_ros.training.journal import read_metrics  # noqa: E402
from dvd_ros.training.lora_objective import LoraObjective, dvd_weighted  # noqa: E402
from dvd_ros.training.losses import dvd_loss  # noqa: E402
from dvd_ros.training.read_config import build, override, read_yaml  # noqa: E402

SMALL = ['model.dtype=fp32', 'model.lora_rank=4', 'sampling.size=[32, 48]', 'sampling.frames=5',
         'sampling.image_batch=4', 'sampling.clip_batch=2', 'sampling.rounds=2',
         'sampling.images_at_once=2', 'sampling.workers=0', 'sampling.held_out_views=2',
         'run.precision=fp32', 'run.steps=6', 'run.save_every=2', 'run.validate_every=3',
         'run.preview_every=6', 'run.tensorboard=false', 'optimiser.rate=0.01', *(
             f'data.{i}.{change}' for i in range(4)
             for change in ('folder=ramps', 'size=null', 'far=0'))]


def config(tiny, *changes):
    content = override(read_yaml(find_config('dvd')), [*SMALL, f'model.start={tiny}', *changes])
    assert content.pop('recipe') == 'dvd'
    return build(FinetuneConfig, content)


def losses(folder):
    return [line['total'] for line in read_metrics(folder) if 'total' in line]


def test_the_command_trains_merges_exports_and_streams(tiny, ramps, tmp_path, capsys):
    pytest.importorskip('onnxscript')
    pytest.importorskip('onnxruntime')
    out = tmp_path / 'out'
    sets = [part for change in [*SMALL, f'model.start={tiny}'] for part in ('--set', change)]
    assert main(['train', 'dvd', '-o', str(out), '--device', 'cpu', *sets]) == 0
    assert str(out / 'model') in capsys.readouterr().out
    assert {path.name for path in (out / 'training').iterdir()} >= {
        'last.safetensors', 'best.safetensors', 'metrics.jsonl', 'curve.png', 'previews'}
    # Only the LoRA is kept while training, and it alone has changed.
    assert all('.lora_' in name for name in load_file(out / 'training' / 'best.safetensors'))
    before, after = (load_file(folder / 'dit.safetensors') for folder in (tiny, out / 'model'))
    changed = {name for name, value in before.items()
               if not torch.allclose(value.float(), after[name].float(), atol=1e-4)}
    assert changed
    assert all(re.search(r'attn[12]\.to_(q|k|v|out\.0)\.weight|ffn\.net\.(0\.proj|2)\.weight', name)
               for name in changed)
    # The file that was written is a config by itself.
    assert build(FinetuneConfig, {k: v for k, v in read_yaml(out / 'config.yaml').items()
                                  if k != 'recipe'}) == config(tiny)

    assert main(['export', str(out / 'model'), '-o', str(tmp_path / 'onnx'), '--size', '32x48',
                 '--window', '9']) == 0
    images = np.random.default_rng(0).integers(0, 255, (9, 32, 48, 3), dtype=np.uint8)
    exported = load_regressor(tmp_path / 'onnx')
    np.testing.assert_allclose(exported.predict(images),
                               load_regressor(out / 'model').predict(images), atol=1e-3)
    stream = DepthStream(exported, StreamConfig(window=9))
    done = [d for i, image in enumerate(images) for d in stream.push(Frame(image, i * 10**8))]
    assert len(done) + len(stream.flush()) == 9
    assert all(np.isfinite(d.disparity).all() for d in done)


def test_what_is_merged_is_what_was_trained(tiny):
    model = DvdModel.from_folder(tiny)
    torch.manual_seed(0)
    objective = LoraObjective(model, Model(dtype='fp32', lora_rank=4, lora_alpha=6), Loss())
    for name, p in objective.named_parameters():
        if p.requires_grad:
            torch.nn.init.normal_(p, 0, 0.1)
            assert '.lora_' in name
    batch = {'images': torch.rand(1, 5, 3, 32, 48) * 2 - 1}
    with torch.no_grad():
        trained = objective(batch, None)['disparity']
    merged = DvdModel.from_checkpoint(objective.merged(), model.vae.state_dict(), model.config)
    plain = merged.predict(batch['images'][0] / 2 + 0.5)
    torch.testing.assert_close(trained, plain, atol=1e-4, rtol=0)
    untouched = DvdModel.from_folder(tiny).predict(batch['images'][0] / 2 + 0.5)
    assert (trained - untouched).abs().max() > 1e-2


def test_it_learns_and_goes_on_where_it_was_cut_off(tiny, ramps, tmp_path):
    asked = ('run.steps=14', 'run.save_every=3', 'run.validate_every=10', 'optimiser.rate=0.03',
             'sampling.held_out_views=1')
    finetune(config(tiny, *asked), tmp_path / 'whole', 'cpu')
    whole = losses(tmp_path / 'whole' / 'training')
    assert np.mean(whole[-3:]) < 0.9 * np.mean(whole[:3])

    # A sequence that breaks after some reads, so that the run ends somewhere on its way.
    good, reads = ramps['ramps'], []

    class Breaking(type(good[0])):
        def __getitem__(self, index):
            reads.append(index)
            if len(reads) == 60:
                raise OSError('the disc is gone')
            return super().__getitem__(index)

    ramps['ramps'] = [Breaking(one.name, one.frames) for one in good]
    with pytest.raises(OSError, match='disc'):
        finetune(config(tiny, *asked), tmp_path / 'cut', 'cpu')
    ramps['ramps'] = good
    assert 0 < len(losses(tmp_path / 'cut' / 'training')) < 14
    finetune(config(tiny, *asked), tmp_path / 'cut', 'cpu')
    assert losses(tmp_path / 'cut' / 'training') == whole
    one, two = (load_file(tmp_path / name / 'model' / 'dit.safetensors')
                for name in ('whole', 'cut'))
    assert all(torch.equal(value, two[name]) for name, value in one.items())
    with pytest.raises(ValueError, match=r'loss\.anchor=500\.0 \(now 400\.0\)'):
        finetune(config(tiny, *asked, 'loss.anchor=400'), tmp_path / 'cut', 'cpu')


@pytest.mark.parametrize(('change', 'part'), [
    ('loss.rectification=0', 'total'), ('loss.pixel_weight=1', 'pixel'), ('loss.anchor=100', 'mse'),
    ('sampling.image_odds=1', 't'), ('sampling.image_odds=0', 't'),
    ('model.gradient_checkpointing=false', 'mse')])
def test_each_ablation_does_what_it_says(tiny, ramps, tmp_path, change, part):
    seen = {}
    for name, changes in (('usual', []), ('changed', [change])):
        finetune(config(tiny, 'run.steps=2', 'sampling.held_out=0', *changes), tmp_path / name,
                 'cpu')
        seen[name] = [line for line in read_metrics(tmp_path / name / 'training')
                      if 'total' in line]
    usual, changed = seen['usual'][0], seen['changed'][0]
    if part == 'total':
        assert changed['total'] == pytest.approx(changed['mse'])
        assert usual['total'] > usual['mse'] == pytest.approx(changed['mse'])
    elif part == 'pixel':
        assert changed['pixel'] > 0
        assert changed['total'] == pytest.approx(usual['total'] + changed['pixel'], rel=1e-5)
    elif part == 't':
        frames = 4 if change.endswith('1') else 2 * 5
        assert [line['frames'] for line in seen['changed']] == [2 * frames, 4 * frames]
        assert (changed['t'] == 0) == change.endswith('1')
    elif change.startswith('loss.anchor'):
        assert changed['mse'] != usual['mse']
        assert DvdModel.from_folder(tmp_path / 'changed' / 'model').config.timestep == 100
    else:
        assert changed['mse'] == pytest.approx(usual['mse'], rel=1e-5)
        assert seen['changed'][1]['mse'] == pytest.approx(seen['usual'][1]['mse'], rel=1e-4)


def test_the_reference_networks_lora_goes_on(golden, ramps, tmp_path):
    """A checkpoint of the released layout, with LoRA in it, and the VAE beside it."""
    for name in ('model.safetensors', 'wan_vae.safetensors', 'config.json'):
        shutil.copy(golden(name, whole=True), tmp_path / name)
    out = finetune(config(tmp_path / 'model.safetensors', 'run.steps=1', 'model.dtype=bf16',
                          'run.precision=bf16', 'sampling.image_odds=1',
                          'sampling.image_batch=1', 'sampling.rounds=1'), tmp_path / 'out', 'cpu')
    assert DvdModel.from_folder(out).predict(torch.rand(1, 3, 32, 48)).isfinite().all()


def test_all_known_is_the_plain_loss_and_unknown_does_not_count():
    torch.manual_seed(0)
    pred, true = torch.randn(2, 8, 3, 4, 6), torch.randn(2, 8, 3, 4, 6)
    valid = torch.ones(2, 9, 32, 48)
    plain = dvd_loss(pred, true)
    for name, value in dvd_weighted(pred, true, valid, 0.5, 8).items():
        assert value == plain[name]
    valid[0, :, :, :16] = 0
    other = pred.clone()
    other[0, :, :, :, :2] += 100
    masked, again = (dvd_weighted(one, true, valid, 0.5, 8) for one in (pred, other))
    for name, value in masked.items():
        assert value == pytest.approx(float(again[name]), rel=1e-5)
    assert masked['mse'] != pytest.approx(float(plain['mse']), rel=1e-4)


def test_nothing_to_hold_out_is_said(tiny, ramps, tmp_path, capsys):
    ramps['ramps'] = ramps['ramps'][:1]
    finetune(config(tiny, 'run.steps=1'), tmp_path, 'cpu')
    assert 'nothing is held out' in capsys.readouterr().out
    assert not (tmp_path / 'training' / 'best.safetensors').exists()


def test_random_networks_take_a_lora(tiny):
    """In bf16, with what learns in float32 and gradients that reach it."""
    model = random_model(DvdModel.from_folder(tiny).config, dtype=torch.bfloat16)
    objective = LoraObjective(model, Model(lora_rank=4), Loss(pixel_weight=1.0))
    batch = {'images': torch.rand(1, 5, 3, 32, 48) * 2 - 1, 'target': torch.rand(1, 5, 32, 48),
             'valid': torch.ones(1, 5, 32, 48)}
    objective.train()
    with torch.autocast('cpu', torch.bfloat16):
        losses = objective(batch, 0)
    losses['total'].backward()
    learns = {name: p for name, p in objective.named_parameters() if p.requires_grad}
    assert {p.dtype for p in learns.values()} == {torch.float32}
    assert all(p.grad.abs().max() > 0 for name, p in learns.items()
               if 'lora_B' in name and 'attn2' not in name)


@pytest.mark.parametrize(('change', 'words'), [
    ('loss.ancor=3', r'loss\.ancor is unknown; did you mean anchor'),
    ('losses=3', 'losses is unknown; did you mean loss'),
    ('loss.anchor=2000', r'loss: anchor=2000\.0 must lie in 0\.\.1000'),
    ('loss.anchor=high', "loss.anchor is 'high', needed is float"),
    ('model.lora_targets=[q, w]', r"model: lora_targets=\['q', 'w'\] must be some of q, k"),
    ('model.dtype=fp8', "dtype='fp8'"), ('sampling.frames=6', 'window must be 4n.1 frames'),
    ('sampling.size=[1, 2, 3]', r'sampling\.size has 3 values, needed are 2'),
    ('data.0.use=photo', r"data\.0: use='photo' must be image or clip"),
    ('data.7.use=image', '7 is no entry of a list of 4'),
    ('data=[]', 'image_odds=0.166667, but data has no source with use: image'),
    ('run.steps=1.5', r'run\.steps is 1\.5, needed is int'), ('run=5', 'run is 5'),
    ('run.steps', 'needed is key=value')])
def test_bad_configs_are_named(tiny, tmp_path, capsys, change, words):
    assert main(['train', 'dvd', '-o', str(tmp_path / 'out'), '--set', change]) == 1
    assert re.search(words, capsys.readouterr().err)
    assert not (tmp_path / 'out').exists()


def test_bad_files_are_named(tiny, tmp_path, capsys, ramps):
    (tmp_path / 'list.yaml').write_text('- 1\n')
    (tmp_path / 'other.yaml').write_text('recipe: tea\n')
    (tmp_path / 'broken.yaml').write_text('a: [\n')
    for what, words in (('dvt', 'there is no config dvt'), (tmp_path / 'list.yaml', 'holds list'),
                        (tmp_path / 'other.yaml', "recipe is 'tea', needed is dvd, mini or tune"),
                        (tmp_path / 'broken.yaml', 'is not YAML')):
        assert main(['train', str(what), '-o', str(tmp_path / 'out')]) == 1
        assert words in capsys.readouterr().err
    with pytest.raises(ValueError, match='size 33x48 must be multiples of 16'):
        finetune(config(tiny, 'sampling.size=[33, 48]'), tmp_path / 'out', 'cpu')


def test_a_section_given_in_part_keeps_its_own_defaults():
    made = build(FinetuneConfig, {'data': [{'kind': 'tum', 'folder': 'x', 'use': 'clip'}],
                                  'sampling': {'image_odds': 0}, 'optimiser': {'rate': 3}})
    assert made.optimiser.rate == 3.0
    assert made.optimiser.average == 0.0
    assert made.optimiser.schedule == 'constant'

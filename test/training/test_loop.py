"""The loop: it goes on as if it had not been cut off, keeps the best, stops where it must."""

import json
import resource

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('accelerate')

from safetensors.torch import load_file  # noqa: E402

from dvd_ros.training.held_out import HeldOut  # noqa: E402
from dvd_ros.training.journal import read_metrics  # noqa: E402
from dvd_ros.training.loop import train  # noqa: E402
from dvd_ros.training.loop_config import Optimiser, Run  # noqa: E402
from dvd_ros.training.optimisers import learning_rate, make_optimisers  # noqa: E402
from dvd_ros.training.passes import Shared  # noqa: E402
from dvd_ros.training.training_state import (  # noqa: E402
    fill,
    load_tensors,
    load_weights,
    optimiser_tensors,
    restore_optimisers,
    save_tensors,
    trainable,
    whole,
)


class Line(torch.nn.Module):
    """Learns to add up; `idle` gets no gradient until step 8, as a decoder among images."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.blocks = torch.nn.ModuleList([torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)])
        self.idle = torch.nn.Parameter(torch.zeros(1))

    def forward(self, batch, step):
        error = self.blocks[1](self.blocks[0](batch['images'][:, 0])) - batch['target']
        error = error + self.idle if step >= 8 else error
        return {'total': error.square().mean(), 'l1': error.abs().mean()}


def made(step, poison=None):
    x = torch.from_numpy(np.random.default_rng((1, step)).normal(size=(8, 1, 4))).float()
    if step == poison:
        x[3] = float('nan')
    return {'images': x, 'target': x[:, 0].sum(1, keepdim=True)}


def fit(folder, steps=20, stop=None, poison=None, optimiser=None, held_out=None, recipe=None,
        **run):
    def make(step):
        if step == stop:
            raise KeyboardInterrupt
        return made(step, poison)

    module = Line()
    train(module, Shared(make), optimiser or Optimiser(0.05, matrix_rate=0.02, warmup=2),
          Run(**{'steps': steps, 'seed': 1, 'save_every': 5, **run}), folder, device='cpu',
          recipe=recipe, held_out=held_out)
    return module.state_dict()


def losses(folder):
    return [(line['step'], line['total']) for line in read_metrics(folder) if 'total' in line]


def test_a_run_that_was_cut_off_ends_as_one_that_was_not(tmp_path):
    whole = fit(tmp_path / 'whole')
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / 'cut', stop=13)
    again = fit(tmp_path / 'cut')
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
    # The losses of all steps too, each written once.
    assert losses(tmp_path / 'cut') == losses(tmp_path / 'whole')
    assert [step for step, _ in losses(tmp_path / 'cut')] == list(range(1, 21))
    assert cv2.imread(str(tmp_path / 'whole' / 'curve.png')) is not None


def test_the_weights_that_did_best_are_kept(tmp_path):
    held = HeldOut([made(100), made(101)])
    # A rate that grows worse and worse after a good beginning.
    fit(tmp_path, 30, held_out=held, validate_every=2,
        optimiser=Optimiser(0.4, warmup=30, schedule='constant', average=0))
    seen = {line['step']: line['held_out'] for line in read_metrics(tmp_path)
            if 'held_out' in line}
    assert list(seen) == list(range(0, 31, 2))  # what it begins with, too
    module = Line()
    facts = load_weights(module, tmp_path / 'best.safetensors')
    assert facts['best'] == min(seen.values()) == seen[facts['step']]
    with torch.no_grad():
        again = np.mean([float(module(batch, 99)['total']) for batch in held.batches])
    assert again == pytest.approx(min(seen.values()), rel=1e-6)


def test_a_batch_that_makes_no_finite_loss_is_left_to_look_at(tmp_path):
    with pytest.raises(FloatingPointError, match=r'loss is not finite at step 7 of .*bad_batch'):
        fit(tmp_path, poison=7)
    batch = load_file(tmp_path / 'bad_batch_step7_process0.safetensors')
    assert bool(batch['images'][3].isnan().all())
    assert not bool(batch['images'][:3].isnan().any())
    # What had been learned before is whole, and goes on where the cause is gone.
    assert len(losses(tmp_path)) == 7
    assert all(value.isfinite().all() for value in fit(tmp_path).values())


def test_a_full_disk_leaves_the_state_of_before(tmp_path):
    fit(tmp_path, 5)
    before = (tmp_path / 'last.safetensors').read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match=r'cannot save last\.safetensors .*disk full.* is kept'):
            fit(tmp_path, 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / 'last.safetensors').read_bytes() == before
    assert not list(tmp_path.glob('*.part'))
    fit(tmp_path, 10)


def test_a_run_is_not_gone_on_with_under_another_recipe(tmp_path):
    fit(tmp_path, 5, recipe={'width': 8})
    with pytest.raises(ValueError, match=r'width=8 \(now 16\)'):
        fit(tmp_path, 10, recipe={'width': 16})
    (tmp_path / 'last.safetensors').write_bytes(b'rubbish')
    with pytest.raises(ValueError, match='last.safetensors is damaged'):
        fit(tmp_path, 10, recipe={'width': 8})


class Wide(torch.nn.Module):
    def forward(self, x):
        return x.float()


def test_what_fsdp_has_spread_is_saved_whole_and_put_back(tmp_path):
    """By FSDP 2 itself, in a group of one process; frozen bf16 beside what learns in float32."""
    distributed = pytest.importorskip('torch.distributed')
    from torch.distributed.fsdp import fully_shard
    distributed.init_process_group('gloo', store=distributed.HashStore(), rank=0, world_size=1)
    try:
        module = torch.nn.Sequential(torch.nn.Linear(4, 4), Wide(), torch.nn.Linear(4, 1))
        module[0].to(torch.bfloat16).requires_grad_(False)
        fully_shard(module, mesh=distributed.init_device_mesh('cpu', (1,)))
        named = trainable(module)
        optimisers = make_optimisers(named, Optimiser(0.1))

        def step():
            module(torch.ones(1, 4, dtype=torch.bfloat16)).sum().backward()
            optimisers[0].step()
            optimisers[0].zero_grad()
            return {name: whole(p).clone() for name, p in named.items()}

        kept, remembered = step(), optimiser_tensors(optimisers, named)
        remembered = {name: value.clone() for name, value in remembered.items()}
        save_tensors(tmp_path / 'a.safetensors', remembered, {})
        after = step()
        fill(named, kept, tmp_path)
        restore_optimisers(optimisers, named, load_tensors(tmp_path / 'a.safetensors')[0])
        again = step()
        assert all(torch.equal(value, again[name]) for name, value in after.items())
        assert not torch.equal(after['2.weight'], kept['2.weight'])
    finally:
        distributed.destroy_process_group()


def test_tensorboard_gets_the_losses(tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    fit(tmp_path, 5, tensorboard=True)
    log = EventAccumulator(str(tmp_path / 'tensorboard'))
    log.Reload()
    assert [(event.step, pytest.approx(event.value)) for event in log.Scalars('total')] \
        == losses(tmp_path)


def test_without_tensorboard_a_run_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('dvd_ros.training.journal.find_spec', lambda name: None)
    fit(tmp_path, 5, tensorboard=True)
    assert 'pip install -r requirements/train.txt' in capsys.readouterr().out
    assert len(losses(tmp_path)) == 5


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path):
    (tmp_path / 'metrics.jsonl').write_text(json.dumps({'step': 1, 'total': 2.0}) + '\n{"step": 2,')
    assert losses(tmp_path) == [(1, 2.0)]


def test_learning_rate_rises_then_falls():
    rates = [learning_rate(step, 100, 1.0, 10) for step in range(100)]
    assert rates[9] == max(rates) == 1.0
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] < 0.03
    assert all(a >= b for a, b in zip(rates[9:], rates[10:], strict=False))
    assert learning_rate(99, 100, 1.0, 0, 'constant') == 1.0


@pytest.mark.parametrize(('kind', 'bad'), [
    (Optimiser, {'rate': 0}), (Optimiser, {'schedule': 'step'}), (Optimiser, {'clip': -1}),
    (Optimiser, {'average': 1.0}), (Run, {'steps': 0}), (Run, {'save_every': 0}),
    (Run, {'precision': 'fp8'}), (Run, {'preview_every': -1})])
def test_numbers_are_checked(kind, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        kind(**bad)

"""The losses against the reference's numbers."""

import json

import pytest

torch = pytest.importorskip('torch')

from safetensors.torch import load_file  # noqa: E402

from dvd_ros.training.losses import difference_losses, dvd_loss  # noqa: E402


@pytest.fixture(scope='module')
def cases(golden):
    tensors = load_file(golden('loss.safetensors'))
    values = json.loads(golden('values.json').read_text())['losses']
    return [(tensors[f'case{i}.pred'], tensors[f'case{i}.target'], value)
            for i, value in enumerate(values)]


def test_losses_equal_the_reference(cases):
    assert cases
    for pred, target, value in cases:
        losses = dvd_loss(pred, target)
        assert losses['mse'].item() == pytest.approx(value['mse'], rel=1e-5)
        assert losses['total'].item() == pytest.approx(
            value['total_train_loss_p1_grad_co_0.5'], rel=1e-5)
        for power in (1, 2):
            parts = difference_losses(pred, target, power)
            for name, expected in value[f'p{power}'].items():
                assert parts[name].item() == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match=r'\(1, 2, 1, 4, 4\)'):
        difference_losses(torch.zeros(1, 2, 1, 4, 4), torch.zeros(1, 2, 2, 4, 4))


def test_power_is_checked():
    with pytest.raises(ValueError, match='power must be 1 or 2, got 3'):
        difference_losses(torch.zeros(1, 2, 1, 4, 4), torch.zeros(1, 2, 1, 4, 4), 3)

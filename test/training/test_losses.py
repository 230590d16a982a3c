"""The losses against the reference's numbers."""

import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from safetensors.torch import load_file  # noqa: E402

from dvd_ros.evaluation.align import align_disparity  # noqa: E402
from dvd_ros.evaluation.metrics import abs_rel  # noqa: E402
from dvd_ros.training.losses import (  # noqa: E402
    depth_error,
    difference_losses,
    disparity_loss,
    dvd_loss,
    fit_disparity,
)


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


def truth():
    torch.manual_seed(0)
    return 0.1 + torch.rand(2, 3, 6, 8)


def test_the_error_of_depth_forgives_scale_and_shift_but_not_shape():
    true = truth()
    scaled = disparity_loss(true * 0.5 + 0.2, true, true)
    assert scaled['rel'] < 1e-5 < scaled['l1']
    assert depth_error(true.flip(-1), true) > 0.1
    # Upside down must not be turned round for free.
    assert (fit_disparity(-true, true) - true).abs().mean() > 0.2
    # Where truth is unknown anything may be said.
    hidden = true * (torch.arange(8) > 3)
    assert depth_error(torch.where(hidden > 0, true, 7.0), hidden) < 1e-5


def test_the_error_of_depth_is_that_of_the_metrics():
    true = truth()
    pred = true + 0.01 * torch.randn_like(true)
    fitted = np.stack([align_disparity(p, t, t > 0)[0]
                       for p, t in zip(pred.numpy(), true.numpy(), strict=True)])
    expected = abs_rel(*(1 / part.reshape(-1, 6, 8) for part in (fitted, true.numpy())))
    assert depth_error(pred, true).item() == pytest.approx(expected, rel=1e-4)


def test_the_error_of_depth_pulls_at_no_scale_and_no_shift():
    true = truth()
    pred = (true + 0.05 * torch.randn_like(true)).requires_grad_(True)
    depth_error(pred, true).backward()
    for pull in (pred.grad, pred.grad * pred.detach()):
        total = pull.sum((1, 2, 3)).abs() / pull.abs().sum((1, 2, 3))
        assert (total < 1e-3).all()

"""Losses: of the DVD recipe on latents [B,C,T,H,W], and of the disparity that comes out."""

from __future__ import annotations

import torch


def difference_losses(pred: torch.Tensor, target: torch.Tensor, power: int = 1,
                      weight: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
    """Mean |error|**power of the neighbour differences along time, height and width.

    pred, target: [B,C,T,H,W], equal shapes. weight: [B,1,T,H,W] in 0..1, how much of a position
    is known; of two neighbours the lesser counts. Returns scalars 't', 'h', 'w'; 't' is 0 when T
    is 1. Raises ValueError for unequal shapes or a power other than 1 or 2.
    Source: DVD's latent manifold rectification (arXiv 2603.12250).
    """
    if pred.shape != target.shape or pred.ndim != 5:
        raise ValueError(f'need two equal [B,C,T,H,W] tensors, got {tuple(pred.shape)} and '
                         f'{tuple(target.shape)}')
    if power not in (1, 2):
        raise ValueError(f'power must be 1 or 2, got {power}')
    error = pred - target
    losses = {}
    for name, axis in (('t', 2), ('h', 3), ('w', 4)):
        step = torch.diff(error, dim=axis).abs().pow(power)
        count = error.shape[axis] - 1
        both = None if weight is None else torch.minimum(weight.narrow(axis, 0, count),
                                                         weight.narrow(axis, 1, count))
        losses[name] = _mean(step, both) if step.numel() else error.new_zeros(())
    return losses


def _mean(values: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """Mean of [B,C,T,H,W] under weights [B,1,T,H,W]; 0 where all of these are."""
    if weight is None:
        return values.mean()
    return (values * weight).sum() / (weight.sum() * values.shape[1]).clamp_min(1e-6)


def dvd_loss(pred: torch.Tensor, target: torch.Tensor, rectification: float = 0.5,
             weight: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
    """Latent MSE plus ``rectification`` times the L1 difference losses; weight: as for these.

    Returns scalars 'mse', 't', 'h', 'w' and their weighted sum 'total'.
    """
    losses = difference_losses(pred, target, weight=weight)
    losses['mse'] = _mean((pred - target).square(), weight)
    losses['total'] = losses['mse'] + rectification * (losses['t'] + losses['h'] + losses['w'])
    return losses


def fit_disparity(pred: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """``pred`` [B,T,H,W] after the least-squares scale and shift to ``true``, one per item.

    Pixels count where ``true`` is above 0. The gradient flows through scale and shift: an error
    that would rather have all nearer must not move the prediction as a whole, which the fit takes
    back, for ever. The scale is at least 0.1: a prediction that is flat or upside down is not to be
    rewarded for it.
    """
    x, y = pred.flatten(1), true.flatten(1)
    known = (y > 0).to(x.dtype)
    count = known.sum(1, keepdim=True).clamp_min(1)

    def mean(values: torch.Tensor) -> torch.Tensor:
        return (known * values).sum(1, keepdim=True) / count

    x_mean, y_mean = mean(x), mean(y)
    spread = mean((x - x_mean).square()).clamp_min(1e-4)
    scale = (mean((x - x_mean) * (y - y_mean)) / spread).clamp(0.1, 10)
    return ((x - x_mean) * scale + y_mean).view_as(pred)


def depth_error(pred: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """AbsRel of the depth that disparity ``pred`` [B,T,H,W] means, after a fit to ``true``.

    Both as in batches.Views; pixels count where ``true`` is above 0. It is that of the metrics but
    where depth is more than three times too far: there it grows in proportion to the error of
    disparity, not without bound. Returns a scalar.
    """
    fitted = fit_disparity(pred, true)
    part = torch.maximum(fitted, true / 3).clamp_min(0.03)
    known = (true > 0).to(part.dtype)
    return (known * (fitted - true).abs() / part).sum() / known.sum().clamp_min(1)


def slope_error(error: torch.Tensor) -> torch.Tensor:
    """Mean difference of neighbours along height plus along width, of errors [B,T,H,W]."""
    return torch.diff(error, dim=2).abs().mean() + torch.diff(error, dim=3).abs().mean()


def disparity_loss(pred: torch.Tensor, target: torch.Tensor,
                   true: torch.Tensor) -> dict[str, torch.Tensor]:
    """Errors of disparity [B,T,H,W]: plain, of the depth that it means, and of its slopes.

    target, true: see batches.Views. Returns scalars 'l1', 'rel' (see depth_error), 't', 'slope'
    and their weighted sum 'total'.
    """
    error = pred - target
    losses = {'l1': error.abs().mean(),
              'rel': depth_error(pred, true),
              't': torch.diff(error, dim=1).abs().mean() if pred.shape[1] > 1 else 0 * error.sum(),
              'slope': slope_error(error)}
    losses['total'] = losses['l1'] + losses['rel'] + 0.5 * (losses['t'] + losses['slope'])
    return losses

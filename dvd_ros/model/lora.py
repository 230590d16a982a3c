"""Merge LoRA pairs of a checkpoint into the weights they belong to."""

import torch

from dvd_ros.model.tensor_file import CheckpointError

_PARTS = ('.lora_A.default.weight', '.lora_B.default.weight', '.base_layer.weight')


def merge_lora(state: dict[str, torch.Tensor], alpha: float | None = None, *,
               dtype: torch.dtype | None = None, device: torch.device | str = 'cpu',
               prefix: str = '') -> dict[str, torch.Tensor]:
    """
    Merge `X.lora_A`, `X.lora_B` of peft's naming into `X.base_layer` and name it `X`.

    `state` is emptied of what is merged. Each W becomes `W + B@A * alpha/rank` (alpha None:
    the rank). All three are first cast to `dtype` and the product is summed in float32, which
    is bit-identical to a peft merge in that dtype. Raises CheckpointError naming (with
    `prefix`) the partner that a tensor lacks or whose shape does not fit.
    """
    wrapped = sorted({key[:-len(part)] for key in state for part in _PARTS if key.endswith(part)})
    lost = [f'{prefix}{name}{part}' for name in wrapped for part in _PARTS
            if name + part not in state]
    if lost:
        raise CheckpointError(f'{len(lost)} LoRA tensors are missing: {", ".join(lost[:5])}')
    for name in wrapped:
        down, up, weight = (state.pop(name + part).to(device, dtype) for part in _PARTS)
        rank = down.shape[0]
        if (down.ndim, up.ndim) != (2, 2) or up.shape[1] != rank \
                or weight.shape != (up.shape[0], down.shape[1]):
            raise CheckpointError(
                f'LoRA of {prefix}{name} does not fit: lora_A {list(down.shape)}, '
                f'lora_B {list(up.shape)}, base_layer {list(weight.shape)}; needed are '
                '[r, in], [out, r], [out, in]')
        scale = 1.0 if alpha is None else alpha / rank
        state[f'{name}.weight'] = weight + (up.float() @ down.float() * scale).to(weight.dtype)
        if f'{name}.base_layer.bias' in state:
            state[f'{name}.bias'] = state.pop(f'{name}.base_layer.bias')
    return state

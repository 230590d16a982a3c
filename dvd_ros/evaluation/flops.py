"""How many floating-point operations a function of torch does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def count_flops(function: Callable[..., Any], *inputs: Any) -> int:
    """
    Call a function and give the FLOPs of its matrix products, convolutions and attention.

    A multiply-add counts 2; all else (norms, activations) is left out, as in most papers. Tensors
    on the meta device will do, and cost nothing. Raises ImportError without torch.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_flop_count(query, key, value))

    # torch counts the attention of GPUs by itself, that of CPUs as nothing.
    on_cpu = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with torch.inference_mode(), \
            FlopCounterMode(display=False, custom_mapping=on_cpu) as counter:
        function(*inputs)
    return int(counter.get_total_flops())

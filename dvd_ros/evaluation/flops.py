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
    from torch.utils.flop_counter import FlopCounterMode
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        function(*inputs)
    return int(counter.get_total_flops())

"""Where bfloat16 is faster than float32, and where it is not."""

from __future__ import annotations

import torch

# PyTorch takes bfloat16 on any CPU, but on one without AVX-512, or its like on ARM, a network of
# convolutions takes twelve times as long in it as in float32.
_CPU_COMPUTES_IT = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def narrow(device: torch.device, wanted: bool = True) -> torch.autocast:
    """Autocast to bfloat16 where it is ``wanted`` and ``device`` is no CPU that is slow at it."""
    fast = device.type != 'cpu' or _CPU_COMPUTES_IT
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and fast)

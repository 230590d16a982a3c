"""How much memory of the GPU is in use, as far as a library that is in use can tell."""

from __future__ import annotations

import gc
import sys
from typing import Any


def gpu_memory() -> tuple[float, float] | None:
    """(used, total) memory of the current GPU in MB, all processes together; None without one.

    Only libraries that the backend has loaded are asked: nothing here may open a GPU that nobody
    uses.
    """
    torch: Any = sys.modules.get('torch')
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        free, total = torch.cuda.mem_get_info()
        return (total - free) / 1e6, total / 1e6
    runtime: Any = sys.modules.get('cuda.bindings.runtime')
    if runtime is not None:
        error, free, total = runtime.cudaMemGetInfo()
        if int(error) == 0:
            return (total - free) / 1e6, total / 1e6
    return None


def release() -> None:
    """Give back what a model that nobody holds any more has left in PyTorch's reserve."""
    gc.collect()
    torch: Any = sys.modules.get('torch')
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()

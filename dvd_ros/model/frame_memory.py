"""What a frame-by-frame network remembers of the frame before."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

State = tuple[Tensor, ...]


class Memory:
    """
    One walk over the blocks of a network, in which each sees its last frame of the chunk before.

    kept: the state that the chunk before left, None at the start of a stream. `state` is what
    the next chunk needs once all blocks have been asked.
    """

    def __init__(self, kept: Sequence[Tensor] | None) -> None:
        self.started = kept is not None
        self._kept = list(kept or ())
        self._seen: list[Tensor] = []

    def before(self, x: Tensor, first: Tensor) -> Tensor:
        """
        Give the frame before each of the frames x [B,T,C,H,W], as [B,T,C,H,W].

        first [B,1,C,H,W]: what lies before the first frame of a stream.
        """
        head = self._kept[len(self._seen)] if self.started else first
        self._seen.append(x[:, -1:])
        return torch.cat([head, x[:, :-1]], dim=1)

    @property
    def state(self) -> State:
        """What to begin the next chunk with."""
        return tuple(self._seen)

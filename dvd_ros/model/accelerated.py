"""The parts of a specialised network compiled, or replayed as CUDA graphs."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from dvd_ros.model.specialised import SpecialisedDvd

# Windows of 13 frames have 4 lengths; graphs of more shapes than this push out the oldest.
_KEPT = 4


class GraphedPart(nn.Module):
    """
    A module of one input and one output that runs as one CUDA graph for each shape it meets.

    The kernels are those of the module, so are the results. Each graph keeps its own input,
    output and work space on the GPU.
    """

    def __init__(self, part: nn.Module) -> None:
        """part: on a CUDA device, without state and without a word to the host in `forward`."""
        super().__init__()
        self.part = part
        self._graphs: OrderedDict[tuple[int, ...], tuple] = OrderedDict()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What the part gives."""
        key = tuple(x.shape)
        if key not in self._graphs:
            while len(self._graphs) >= _KEPT:
                self._graphs.popitem(last=False)
            self._graphs[key] = self._capture(x)
        graph, source, target = self._graphs[key]
        source.copy_(x)
        graph.replay()
        return target.clone()  # the next replay writes to the same memory

    def _capture(self, x: torch.Tensor) -> tuple:
        source = x.clone()
        side = torch.cuda.Stream(x.device)
        side.wait_stream(torch.cuda.current_stream(x.device))
        with torch.cuda.stream(side):
            self.part(source)  # libraries make their work space in the first run
        torch.cuda.current_stream(x.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            target = self.part(source)
        return graph, source, target


def accelerate(model: SpecialisedDvd, *, compile: bool = False,  # noqa: A002
               cuda_graphs: bool = False) -> SpecialisedDvd:
    """
    Let a network's parts run faster, with equal results within rounding; gives the same model.

    compile: through torch.compile, one time for each shape, which takes a minute or more at the
    first window. cuda_graphs: as CUDA graphs, which saves the launches.
    Raises ValueError for cuda_graphs without CUDA.
    """
    if cuda_graphs and model.device.type != 'cuda':
        raise ValueError(f'cuda_graphs needs a CUDA device, the model is on {model.device}; load '
                         "it with device='cuda', or without cuda_graphs")
    for name in ('encoder', 'transformer', 'decoder'):
        part = getattr(model, name)
        if compile:
            part = torch.compile(part, dynamic=False)
        setattr(model, name, GraphedPart(part) if cuda_graphs else part)
    return model

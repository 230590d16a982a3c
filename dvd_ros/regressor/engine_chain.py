"""Encoder, transformer and decoder as TensorRT engines that hand their buffers on."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dvd_ros.export_manifest import Graph
from dvd_ros.regressor.cuda_device import (
    CudaError,
    CudaGraph,
    CudaMemoryError,
    DeviceBuffer,
    PinnedArray,
    Stream,
)
from dvd_ros.regressor.fixed_shapes import PARTS
from dvd_ros.regressor.protocol import STAGES, Mark
from dvd_ros.regressor.tensorrt_library import logger_of

_log = logging.getLogger(__name__)


_Closable = TypeVar('_Closable', Stream, PinnedArray, DeviceBuffer, CudaGraph)


def _owned(owner: ExitStack, thing: _Closable) -> _Closable:
    owner.callback(thing.close)
    return thing


class EngineChain:
    """
    The three engines of one size, with all their memory, on a stream of their own.

    input [window,3,h,w], output [window,h,w]: float32 in pinned host memory; `run` reads the one
    and fills the other. captured: whether `run` is the launch of one CUDA graph.
    """

    def __init__(self, tensorrt: ModuleType, runtime: Any, graphs: dict[str, Graph],
                 read: Callable[[Graph], bytes], owner: ExitStack, capture: bool = True) -> None:
        """
        Take everything that running will need from the current device, and run once.

        read: gives the serialized engine of a graph. owner: takes what is to be freed.

        Raises ValueError for an engine that TensorRT refuses or that is not the graph's,
        CudaMemoryError where memory does not suffice, CudaError for other failures.
        """
        self._tensorrt = tensorrt
        chain = [graphs[part] for part in PARTS]
        for first, second in zip(chain, chain[1:], strict=False):
            if first.output != second.input:
                raise ValueError(f'{first.file} gives {list(first.output)}, but {second.file} '
                                 f'takes {list(second.input)}; export the model again')
        self._stream = _owned(owner, Stream())
        self._host_in = _owned(owner, PinnedArray(chain[0].input))
        self._host_out = _owned(owner, PinnedArray(chain[-1].output))
        self.input: NDArray[np.float32] = self._host_in.array
        self.output: NDArray[np.float32] = self._host_out.array
        # One more than engines: what leaves an engine is where the next one reads.
        self._buffers = [_owned(owner, DeviceBuffer(4 * math.prod(shape)))
                         for shape in (chain[0].input, *(graph.output for graph in chain))]
        self._contexts: list[Any] = []
        owner.callback(self._contexts.clear)
        for at, graph in enumerate(chain):
            self._contexts.append(self._context(runtime, graph, read(graph), at))
        self._graph: CudaGraph | None = None
        self.input[:] = 0
        self.run()  # TensorRT may allocate in the first run, which no capture allows
        if capture:
            self._capture(owner)

    @property
    def captured(self) -> bool:
        """Whether a run is one launch."""
        return self._graph is not None

    def run(self, mark: Mark | None = None) -> None:
        """
        Compute `output` from `input`; CudaError where something failed, nothing is hidden.

        mark: told the stage of each engine when it has ended; engines then run one by one.
        """
        if self._graph is None or mark is not None:
            self._enqueue(mark)
        else:
            self._graph.launch()
        self._stream.synchronize()

    def _enqueue(self, mark: Mark | None = None) -> None:
        self._stream.copy_in(self._host_in, self._buffers[0])
        for part, stage, context in zip(PARTS, STAGES[1:4], self._contexts, strict=True):
            if not context.execute_async_v3(self._stream.handle):
                raise self._failure(f'TensorRT could not run the {part}', CudaError)
            if mark is not None:
                self._stream.synchronize()
                mark(stage)
        self._stream.copy_out(self._buffers[-1], self._host_out)

    def _capture(self, owner: ExitStack) -> None:
        try:
            graph = self._stream.capture(self._enqueue)
        except CudaMemoryError:
            raise
        except CudaError as error:
            # As text: a log that keeps the error would keep this frame, and the GPU's memory.
            _log.warning('no CUDA graph, the engines are launched one by one, which gives the '
                         'same depth a little later: %s', str(error))
        else:
            self._graph = _owned(owner, graph)
        self.run()  # what does not work fails here, not with the first camera image

    def _context(self, runtime: Any, graph: Graph, plan: bytes, at: int) -> Any:
        """An execution context with its two addresses set; it keeps its engine alive."""
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise self._failure(
                f'TensorRT {self._tensorrt.__version__} refuses the engine of {graph.file}',
                ValueError, '; build it again: dvd-ros engine build FOLDER')
        source, target = self._ends(engine, graph)
        context = engine.create_execution_context()
        if context is None:
            raise self._failure(f'TensorRT made no context for {graph.file}', CudaError)
        for name, buffer in ((source, self._buffers[at]), (target, self._buffers[at + 1])):
            if not context.set_tensor_address(name, buffer.address):
                raise self._failure(f'TensorRT refuses the address of {name!r} in {graph.file}',
                                    CudaError)
        return context

    def _ends(self, engine: Any, graph: Graph) -> tuple[str, str]:
        """Names of an engine's only input and only output; ValueError if it is not the graph's."""
        trt = self._tensorrt
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        found = {(engine.get_tensor_mode(name), tuple(engine.get_tensor_shape(name)),
                  engine.get_tensor_dtype(name)): name for name in names}
        wanted = [(trt.TensorIOMode.INPUT, graph.input, trt.DataType.FLOAT),
                  (trt.TensorIOMode.OUTPUT, graph.output, trt.DataType.FLOAT)]
        if len(names) != 2 or not all(end in found for end in wanted):
            got = ', '.join(f'{mode.name} {list(shape)} {kind.name}' for mode, shape, kind in found)
            raise ValueError(f'the engine of {graph.file} has {got}; it needs float32 '
                             f'{list(graph.input)} -> {list(graph.output)}; build it again: '
                             'dvd-ros engine build FOLDER')
        return found[wanted[0]], found[wanted[1]]

    def _failure(self, what: str, kind: type[Exception], advice: str = '') -> Exception:
        words = logger_of(self._tensorrt).last_words()
        if 'memory' in words.lower() and ('out' in words.lower() or 'alloc' in words.lower()):
            return CudaMemoryError(f'{what}: {words}: the GPU has too little memory left; close '
                                   'what else uses it, or export with a smaller --size or '
                                   '--window, or in fp16')
        return kind(f'{what}: {words}{advice}')

"""An exported DVD network as TensorRT engines, as a Regressor; needs no torch."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvd_ros.export_manifest import Graph, Manifest
from dvd_ros.regressor.cuda_device import Device, call_quietly, parse_device
from dvd_ros.regressor.engine_build import built_keys
from dvd_ros.regressor.engine_cache import EngineCache
from dvd_ros.regressor.engine_chain import EngineChain
from dvd_ros.regressor.fixed_shapes import (
    Size,
    graphs_by_size,
    nearest_size,
    prepare_image,
    scale_back,
    write_video,
)
from dvd_ros.regressor.protocol import (
    Mark,
    PreparedImage,
    Regressor,
    check_image,
    check_prepared,
    unmarked,
)
from dvd_ros.regressor.tensorrt_library import import_tensorrt, start_runtime

_log = logging.getLogger(__name__)


class TensorRtRegressor(Regressor):
    """
    Regressor on TensorRT engines of an export folder; see protocol.Regressor.

    Engines of every size, their memory and their CUDA graph are there when the constructor
    returns: whatever memory does not suffice for fails then, and nothing is allocated later.
    All methods may be called from any thread; calls wait for one another.
    """

    def __init__(self, manifest: Manifest, graphs: dict[Size, dict[str, Graph]], device: Device,
                 read: Callable[[Graph], bytes], *, capture: bool = True) -> None:
        """
        Make the chains of all sizes in `graphs`; `load` finds what this needs.

        read: gives the serialized engine of a graph. capture: as one CUDA graph where that works.
        Raises ValueError for engines that do not fit, CudaMemoryError where memory does not
        suffice, CudaError for other failures.
        """
        self.name, self.window = manifest.name, manifest.window
        self.size = next(iter(graphs)) if len(graphs) == 1 else None
        self.on_stage: Mark | None = None
        self.device, self._graphs, self._lock = device, graphs, threading.Lock()
        tensorrt = import_tensorrt()
        with ExitStack() as owner:
            runtime = start_runtime(tensorrt, device)
            self._chains = {size: EngineChain(tensorrt, runtime, parts, read, owner, capture)
                            for size, parts in graphs.items()}
            # The first thing to be done when closing, in whatever thread that is.
            owner.callback(call_quietly, 'cudaSetDevice', device.index)
            kept = owner.pop_all()
        self._finalizer = weakref.finalize(self, kept.close)

    @classmethod
    def load(cls, folder: Path, manifest: Manifest, *, device: str = 'auto',
             size: Size | None = None, cache: EngineCache | None = None) -> TensorRtRegressor:
        """
        Load the engines that `dvd-ros engine build` made of a folder.

        device: 'auto', 'cuda' or 'cuda:N'. size: (H, W), the only one to load; None loads all.
        The folder's manifest alone is read: the graphs were checked when the engines were built,
        and an engine of other graphs is not taken.

        Raises ImportError where TensorRT or cuda-bindings is missing, CudaError without driver or
        GPU, FileNotFoundError where an engine is not built, ValueError where one is damaged or
        not for this GPU or TensorRT, PermissionError where others could have written it.
        """
        graphs = graphs_by_size(folder, manifest, size)
        index = parse_device(device)
        tensorrt, found = import_tensorrt(), Device(index)
        cache = cache or EngineCache()
        keys = {each: built_keys(manifest, parts, tensorrt, found, cache)
                for each, parts in graphs.items()}
        loaded = cls(manifest, graphs, found,
                     lambda graph: cache.load(graph, keys[graph.size][graph.part]))
        _log.info('%s on TensorRT %s, %s', manifest.name, tensorrt.__version__, found.name)
        return loaded

    def prepare(self, image: NDArray[np.uint8] | NDArray[np.float32]) -> PreparedImage:
        """See protocol.Regressor.prepare."""
        check_image(image)
        return prepare_image(image, nearest_size(self._graphs, image.shape[0], image.shape[1]))

    def predict_prepared(self, prepared: Sequence[PreparedImage]) -> NDArray[np.float32]:
        """See protocol.Regressor.predict_prepared; CudaError where the GPU fails."""
        height, width = check_prepared(prepared, self.window)
        chain = self._chains[nearest_size(self._graphs, height, width)]
        with self._lock:
            if not self._finalizer.alive:
                raise ValueError(f'{self.name} was closed; load it again')
            self.device.make_current()  # a property of the thread
            mark = self.on_stage or unmarked
            write_video(prepared, chain.input)
            mark('pre')
            chain.run(self.on_stage)
            raw = chain.output[:len(prepared)]
            disparity = scale_back(raw, height, width)
            # The next run writes to the same memory.
            disparity = disparity.copy() if disparity is raw else disparity
            mark('post')
            return disparity

    @property
    def captured(self) -> bool:
        """Whether each call is the launch of one CUDA graph."""
        return all(chain.captured for chain in self._chains.values())

    def close(self) -> None:
        """Give all memory back; garbage collection does the same."""
        with self._lock:
            self._finalizer()

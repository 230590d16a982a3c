"""An exported DVD network on ONNX Runtime as a Regressor; needs no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dvd_ros.export_manifest import Manifest
from dvd_ros.regressor.cuda_device import CudaError, CudaMemoryError
from dvd_ros.regressor.fixed_shapes import (
    PARTS,
    graphs_by_size,
    nearest_size,
    prepare_image,
    scale_back,
    write_video,
)
from dvd_ros.regressor.protocol import (
    STAGES,
    Mark,
    PreparedImage,
    Regressor,
    check_image,
    check_prepared,
    unmarked,
)

_CUDA = 'CUDAExecutionProvider'


class OnnxRegressor(Regressor):
    """
    Regressor on the graphs of an export folder; see protocol.Regressor.

    The graphs are of fixed shapes: fewer frames than the window are filled up by repeating the
    last, and images are scaled to the exported size nearest to their shape. Equal results on
    equal hardware.
    """

    def __init__(self, folder: Path, manifest: Manifest, *, device: str = 'auto',
                 size: tuple[int, int] | None = None, threads: int = 0) -> None:
        """
        Load and check the folder's graphs.

        On the CPU they become sessions when an image first asks for one; on CUDA all do at once,
        and each is run, so that too little memory shows before the first camera image.

        device: 'auto' (CUDA where this ONNX Runtime has it), 'cpu' or 'cuda'.
        size: (H, W), one of those exported, for all images; None picks by the image.
        threads: on the CPU; 0 is ONNX Runtime's choice.

        Raises ValueError for a size or device that is not there or files that do not match the
        manifest, FileNotFoundError where one is missing, CudaError where CUDA does not start,
        CudaMemoryError where the GPU's memory does not suffice.
        """
        self.on_stage: Mark | None = None
        self.name, self.window, self.size = manifest.name, manifest.window, size
        manifest.verify(folder)
        self._folder = folder
        self._providers = pick_providers(device)
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        # Threads that wait in a loop take the processor from camera and DDS.
        self._options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        self._graphs = graphs_by_size(folder, manifest, size)
        self._sessions: dict[tuple[int, int], list[onnxruntime.InferenceSession]] = {}
        if self.on_cuda:
            for exported in self._graphs:
                self.predict(np.zeros((self.window, *exported, 3), np.uint8))

    @property
    def on_cuda(self) -> bool:
        """Whether it runs on a GPU."""
        return self._providers[0] == _CUDA

    def prepare(self, image: NDArray[np.uint8] | NDArray[np.float32]) -> PreparedImage:
        """See protocol.Regressor.prepare."""
        check_image(image)
        return prepare_image(image, self._size_for(image.shape[0], image.shape[1]))

    def predict_prepared(self, prepared: Sequence[PreparedImage]) -> NDArray[np.float32]:
        """See protocol.Regressor.predict_prepared."""
        height, width = check_prepared(prepared, self.window)
        size = self._size_for(height, width)
        mark = self.on_stage or unmarked
        value = np.empty((self.window, 3, *size), np.float32)
        write_video(prepared, value)
        mark('pre')
        for stage, session in zip(STAGES[1:4], self._sessions_for(size), strict=True):
            value = self._run(session, value)
            mark(stage)
        disparity = scale_back(value[:len(prepared)], height, width)
        mark('post')
        return disparity

    def _size_for(self, height: int, width: int) -> tuple[int, int]:
        return self.size or nearest_size(self._graphs, height, width)

    def _run(self, session: onnxruntime.InferenceSession, value: np.ndarray) -> np.ndarray:
        try:
            return session.run(None, {session.get_inputs()[0].name: value})[0]
        except Exception as error:  # as in _session
            raise self._failure(f'{self.name} failed', error) or error from error

    def _sessions_for(self, size: tuple[int, int]) -> list[onnxruntime.InferenceSession]:
        if size not in self._sessions:
            parts = self._graphs[size]
            self._sessions[size] = [self._session(self._folder / parts[part].file)
                                    for part in PARTS]
        return self._sessions[size]

    def _session(self, path: Path) -> onnxruntime.InferenceSession:
        try:
            session = onnxruntime.InferenceSession(os.fspath(path), self._options,
                                                   providers=self._providers)
        except Exception as error:  # ONNX Runtime has no class of its own for what may go wrong
            raise self._failure(f'{path} does not load', error) or ValueError(
                f'ONNX Runtime {onnxruntime.__version__} does not load {path} on '
                f'{", ".join(self._providers)}: {error}') from error
        # It only warns, and goes on with the CPU.
        if self.on_cuda and _CUDA not in session.get_providers():
            raise CudaError(f'ONNX Runtime {onnxruntime.__version__} does not start on CUDA: the '
                            'NVIDIA driver, CUDA or cuDNN is missing or too old for it '
                            '(nvidia-smi shows the driver; its log names the library), or run '
                            "with device 'cpu'")
        return session

    def _failure(self, what: str, error: Exception) -> OSError | None:
        """What went wrong on a GPU, as far as ONNX Runtime's words tell; else None."""
        words = str(error)
        if not self.on_cuda:
            return None
        if 'allocate memory' in words or 'out of memory' in words or 'ALLOC_FAILED' in words:
            return CudaMemoryError(f'{what}: the GPU has too little memory ({words}); close what '
                                   'else uses it, or export with a smaller --size or --window, '
                                   "or in fp16, or run with device 'cpu'")
        return CudaError(f'{what} on CUDA: {words}')


def pick_providers(device: str) -> list[str]:
    """Execution providers of a device, the preferred one first; ValueError where there is none."""
    available = onnxruntime.get_available_providers()
    if device not in ('auto', 'cpu', 'cuda'):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda' for ONNX Runtime, got {device!r}")
    if device == 'cuda' and _CUDA not in available:
        raise ValueError(f"device 'cuda' was asked for, but this ONNX Runtime has only "
                         f'{", ".join(available)}: pip install onnxruntime-gpu')
    chosen = [_CUDA] if device != 'cpu' and _CUDA in available else []
    return [*chosen, 'CPUExecutionProvider']

"""An exported DVD network on ONNX Runtime as a Regressor; needs no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dvd_ros.export_manifest import Manifest
from dvd_ros.regressor.fixed_shapes import (
    PARTS,
    graphs_by_size,
    nearest_size,
    prepare_image,
    scale_back,
    write_video,
)
from dvd_ros.regressor.protocol import PreparedImage, Regressor, check_image, check_prepared


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
        Load and check the folder's graphs; they become sessions when an image first asks for one.

        device: 'auto', 'cpu' or 'cuda'. size: (H, W), one of those exported, for all images;
        None picks by the image. threads: on the CPU; 0 is ONNX Runtime's choice.

        Raises ValueError for a size or device that is not there or files that do not match the
        manifest, FileNotFoundError where one is missing.
        """
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

    def prepare(self, image: NDArray[np.uint8] | NDArray[np.float32]) -> PreparedImage:
        """See protocol.Regressor.prepare."""
        check_image(image)
        return prepare_image(image, self._size_for(image.shape[0], image.shape[1]))

    def predict_prepared(self, prepared: Sequence[PreparedImage]) -> NDArray[np.float32]:
        """See protocol.Regressor.predict_prepared."""
        height, width = check_prepared(prepared, self.window)
        size = self._size_for(height, width)
        value = np.empty((self.window, 3, *size), np.float32)
        write_video(prepared, value)
        for session in self._sessions_for(size):
            value = session.run(None, {session.get_inputs()[0].name: value})[0]
        return scale_back(value[:len(prepared)], height, width)

    def _size_for(self, height: int, width: int) -> tuple[int, int]:
        return self.size or nearest_size(self._graphs, height, width)

    def _sessions_for(self, size: tuple[int, int]) -> list[onnxruntime.InferenceSession]:
        if size not in self._sessions:
            parts = self._graphs[size]
            self._sessions[size] = [self._session(self._folder / parts[part].file)
                                    for part in PARTS]
        return self._sessions[size]

    def _session(self, path: Path) -> onnxruntime.InferenceSession:
        try:
            return onnxruntime.InferenceSession(os.fspath(path), self._options,
                                                providers=self._providers)
        except Exception as error:  # ONNX Runtime has no class of its own for what may go wrong
            raise ValueError(f'ONNX Runtime {onnxruntime.__version__} does not load {path} on '
                             f'{", ".join(self._providers)}: {error}') from error


def pick_providers(device: str) -> list[str]:
    """Execution providers of a device, the preferred one first; ValueError where there is none."""
    available = onnxruntime.get_available_providers()
    if device not in ('auto', 'cpu', 'cuda'):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda' for ONNX Runtime, got {device!r}")
    if device == 'cuda' and 'CUDAExecutionProvider' not in available:
        raise ValueError(f"device 'cuda' was asked for, but this ONNX Runtime has only "
                         f'{", ".join(available)}: pip install onnxruntime-gpu')
    chosen = ['CUDAExecutionProvider'] if device != 'cpu' and \
        'CUDAExecutionProvider' in available else []
    return [*chosen, 'CPUExecutionProvider']

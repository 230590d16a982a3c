"""An exported DVD network on ONNX Runtime as a Regressor; needs no torch."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dvd_ros.regressor.manifest import Graph, Manifest
from dvd_ros.regressor.protocol import check_images

_PARTS = ('encoder', 'transformer', 'decoder')


class OnnxRegressor:
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
        self._graphs: dict[tuple[int, int], dict[str, Graph]] = {}
        for graph in manifest.graphs:
            self._graphs.setdefault(graph.size, {})[graph.part] = graph
        for exported, parts in self._graphs.items():
            if lost := [part for part in _PARTS if part not in parts]:
                raise ValueError(f'{folder} lacks the {" and ".join(lost)} for '
                                 f'{exported[0]}x{exported[1]}; export the model again')
        if size is not None and tuple(size) not in self._graphs:
            raise ValueError(f'{folder} was exported for {self._names()}, not for '
                             f'{size[0]}x{size[1]}: dvd-ros export --size {size[0]}x{size[1]}')
        self._sessions: dict[tuple[int, int], list[onnxruntime.InferenceSession]] = {}

    def predict(self, images: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
        """See protocol.Regressor.predict."""
        check_images(images, self.window)
        count, height, width = images.shape[:3]
        size = self.size or self._nearest(height, width)
        value: NDArray[np.float32] = self._video(images, size)
        for session in self._sessions_for(size):
            value = session.run(None, {session.get_inputs()[0].name: value})[0]
        disparity = value[:count]
        if (height, width) == tuple(size):
            return np.ascontiguousarray(disparity)
        return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
                         for frame in disparity])

    def _video(self, images: np.ndarray, size: tuple[int, int]) -> NDArray[np.float32]:
        """RGB [T,H,W,3] to the network's [window,3,h,w] in -1..1."""
        video = np.empty((self.window, 3, *size), np.float32)
        rate = 2.0 / 255 if images.dtype == np.uint8 else 2.0
        for i, image in enumerate(images):
            frame = image.astype(np.float32)
            if frame.shape[:2] != tuple(size):
                frame = cv2.resize(frame, size[::-1], interpolation=cv2.INTER_LINEAR)
            np.subtract(frame.transpose(2, 0, 1) * rate, 1.0, out=video[i])
        video[len(images):] = video[len(images) - 1]
        return video

    def _nearest(self, height: int, width: int) -> tuple[int, int]:
        """The exported size that changes the shape of an image least."""
        return min(self._graphs, key=lambda size: abs(np.log(size[1] * height / size[0] / width)))

    def _sessions_for(self, size: tuple[int, int]) -> list[onnxruntime.InferenceSession]:
        if size not in self._sessions:
            parts = self._graphs[size]
            self._sessions[size] = [self._session(self._folder / parts[part].file)
                                    for part in _PARTS]
        return self._sessions[size]

    def _session(self, path: Path) -> onnxruntime.InferenceSession:
        try:
            return onnxruntime.InferenceSession(os.fspath(path), self._options,
                                                providers=self._providers)
        except Exception as error:  # ONNX Runtime has no class of its own for what may go wrong
            raise ValueError(f'ONNX Runtime {onnxruntime.__version__} does not load {path} on '
                             f'{", ".join(self._providers)}: {error}') from error

    def _names(self) -> str:
        return ', '.join(f'{height}x{width}' for height, width in self._graphs)


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

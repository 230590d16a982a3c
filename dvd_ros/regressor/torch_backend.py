"""The DVD network on PyTorch as a Regressor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dvd_ros.model import DvdConfig, DvdModel
from dvd_ros.model.accelerated import accelerate
from dvd_ros.model.config import check_window
from dvd_ros.model.light_checkpoint import load_light
from dvd_ros.regressor.cuda_device import CudaMemoryError
from dvd_ros.regressor.protocol import (
    Mark,
    PreparedImage,
    Regressor,
    check_image,
    check_prepared,
)

DTYPES = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}
DEFAULT_WINDOW = 13
# Of the window that is tried at the start, where neither model nor caller names one.
_TRIED_SIZE = (480, 640)


class TorchRegressor(Regressor):
    """
    Regressor on a DvdModel, specialised or not; see protocol.Regressor.

    window: None takes the model's own, else 13. size: None takes the model's own.
    """

    def __init__(self, model: DvdModel, name: str, window: int | None = None,
                 size: tuple[int, int] | None = None) -> None:
        self.model = model
        self.name = name
        self.window = check_window(model.config.window or DEFAULT_WINDOW
                                   if window is None else window)
        self.size = model.config.size if size is None else size
        self.on_stage: Mark | None = None
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise ValueError(f'size must be two positive numbers (H, W), got {self.size}')

    @classmethod
    def load(cls, dit: Path, vae: Path, config: DvdConfig, name: str, *, device: str = 'auto',
             window: int | None = None, size: tuple[int, int] | None = None,
             precision: str = 'fp32', light: Path | None = None,
             compile: bool = False,  # noqa: A002
             cuda_graphs: bool = False) -> TorchRegressor:
        """
        Load from checkpoint files.

        light: file of a light codec to run in place of the VAE. compile, cuda_graphs: see
        model.accelerated.accelerate. With either, and on any CUDA device, a whole window is tried
        before this returns.

        Raises as DvdModel.from_checkpoint, and ValueError; CudaMemoryError where the GPU's memory
        does not suffice for a window; OSError where torch.compile does not work here.
        """
        if precision not in DTYPES:
            raise ValueError(f'precision must be one of {sorted(DTYPES)}, got {precision!r}')
        if window is not None:
            check_window(window)
        where = pick_device(device)
        with _memory_named(f'load {name}'):
            model = DvdModel.from_checkpoint(dit, vae, config, dtype=DTYPES[precision],
                                             device=where)
            codec = None if light is None else load_light(light, config, model.vae,
                                                          dtype=model.dtype, device=where)
            fast = accelerate(model.specialise(codec), compile=compile, cuda_graphs=cuda_graphs)
            del model
        loaded = cls(fast, name, window, size)
        if compile or where.type == 'cuda':
            loaded.try_window(compile)
        return loaded

    def try_window(self, compiled: bool = False) -> None:
        """
        Run on a window of black images: what fails fails here, not with the first camera image.

        Raises as `predict`; OSError for what torch.compile says.
        """
        images = np.zeros((self.window, *(self.size or _TRIED_SIZE), 3), np.uint8)
        try:
            self.predict(images)
        except (CudaMemoryError, ValueError):
            raise
        except Exception as error:
            if not compiled:
                raise
            raise OSError(f'torch.compile does not work for {self.name} on {self.model.device}: '
                          f'{error}; it needs a C++ compiler (on GPUs Triton): install one, or '
                          'load without compile') from error

    def prepare(self, image: NDArray[np.uint8] | NDArray[np.float32]) -> PreparedImage:
        """See protocol.Regressor.prepare."""
        check_image(image)
        with _memory_named(f'prepare an image of {image.shape[0]}x{image.shape[1]}'):
            clip = torch.from_numpy(np.array(image[None], order='C')).to(self.model.device)
            clip = clip.permute(0, 3, 1, 2).to(torch.float32,
                                               memory_format=torch.contiguous_format)
            if image.dtype == np.uint8:
                clip = clip / 255
            fitted = self.model.fit(clip, self.size)
        return PreparedImage(fitted, (image.shape[0], image.shape[1]))

    def predict_prepared(self, prepared: Sequence[PreparedImage]) -> NDArray[np.float32]:
        """See protocol.Regressor.predict_prepared; CudaMemoryError for too little memory."""
        size = check_prepared(prepared, self.window)
        with _memory_named(f'compute {len(prepared)} frames of {size[0]}x{size[1]}'):
            clip = torch.cat([image.content for image in prepared])
            self._mark('pre')
            # TF32 and autotuned kernels would make results depend on the device's mood.
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True,
                                            allow_tf32=False):
                disparity = self.model.predict_fitted(clip, size, self._mark)
            result = np.asarray(disparity.cpu().numpy(), np.float32)
        self._mark('post')
        return result

    def _mark(self, stage: str) -> None:
        if self.on_stage is None:
            return
        if self.model.device.type == 'cuda':
            torch.cuda.synchronize(self.model.device)
        self.on_stage(stage)


@contextmanager
def _memory_named(what: str) -> Iterator[None]:
    """Tell what to do where a GPU runs out of memory."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise CudaMemoryError(
            f'the GPU has too little memory to {what}: {error}; close what else uses it, take a '
            "smaller size or window or precision 'fp16', or device 'cpu'") from error


def pick_device(device: str) -> torch.device:
    """Turn 'auto' or a torch device name into a device; ValueError where it is not there."""
    if device == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        picked = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must be 'auto' or a torch device such as 'cpu' or 'cuda:0', "
                         f'got {device!r}') from error
    if picked.type == 'cuda' and not torch.cuda.is_available():
        raise ValueError(f'device {device!r} was asked for, but torch sees no CUDA device; '
                         "use 'cpu' or 'auto'")
    return picked

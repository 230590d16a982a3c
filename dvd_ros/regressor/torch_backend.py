"""The DVD network on PyTorch as a Regressor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dvd_ros.model import DvdConfig, DvdModel
from dvd_ros.model.config import check_window
from dvd_ros.model.light_checkpoint import load_light
from dvd_ros.regressor.protocol import PreparedImage, Regressor, check_image, check_prepared

DTYPES = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}
DEFAULT_WINDOW = 13


class TorchRegressor(Regressor):
    """
    Regressor on a DvdModel; see protocol.Regressor.

    window: None takes the model's own, else 13. size: None takes the model's own.
    """

    def __init__(self, model: DvdModel, name: str, window: int | None = None,
                 size: tuple[int, int] | None = None) -> None:
        self.model = model
        self.name = name
        self.window = check_window(model.config.window or DEFAULT_WINDOW
                                   if window is None else window)
        self.size = model.config.size if size is None else size
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise ValueError(f'size must be two positive numbers (H, W), got {self.size}')

    @classmethod
    def load(cls, dit: Path, vae: Path, config: DvdConfig, name: str, *, device: str = 'auto',
             window: int | None = None, size: tuple[int, int] | None = None,
             precision: str = 'fp32', light: Path | None = None) -> TorchRegressor:
        """
        Load from checkpoint files; raises as DvdModel.from_checkpoint, and ValueError.

        light: file of a light codec to run in place of the VAE.
        """
        if precision not in DTYPES:
            raise ValueError(f'precision must be one of {sorted(DTYPES)}, got {precision!r}')
        if window is not None:
            check_window(window)
        model = DvdModel.from_checkpoint(dit, vae, config, dtype=DTYPES[precision],
                                         device=pick_device(device))
        codec = None if light is None else load_light(light, config, model.vae,
                                                      dtype=model.dtype, device=model.device)
        return cls(model.specialise(codec), name, window, size)

    def prepare(self, image: NDArray[np.uint8] | NDArray[np.float32]) -> PreparedImage:
        """See protocol.Regressor.prepare."""
        check_image(image)
        clip = torch.from_numpy(np.array(image[None], order='C')).to(self.model.device)
        clip = clip.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        if image.dtype == np.uint8:
            clip = clip / 255
        return PreparedImage(self.model.fit(clip, self.size), (image.shape[0], image.shape[1]))

    def predict_prepared(self, prepared: Sequence[PreparedImage]) -> NDArray[np.float32]:
        """See protocol.Regressor.predict_prepared."""
        size = check_prepared(prepared, self.window)
        clip = torch.cat([image.content for image in prepared])
        # TF32 and autotuned kernels would make results depend on the device's mood.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True,
                                        allow_tf32=False):
            disparity = self.model.predict_fitted(clip, size)
        return np.asarray(disparity.cpu().numpy(), np.float32)


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

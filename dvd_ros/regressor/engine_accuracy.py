"""Whether engines compute the depth that the graphs they were built from compute."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dvd_ros.export_manifest import Manifest
from dvd_ros.regressor.fixed_shapes import Size
from dvd_ros.regressor.protocol import Regressor

_log = logging.getLogger(__name__)
# Standard deviation below which a wrong depth could pass for a right one.
_FLAT = 0.02
# Allowed by precision, in disparity of 0..1: mean absolute difference of the worst frame (a wrong
# scale of one frame is a known failure), largest absolute difference of any pixel.
_ALLOWED = {'fp32': (5e-4, 1e-2), 'fp16': (5e-3, 1e-1), 'bf16': (2e-2, 3e-1)}


@dataclass(frozen=True)
class Accuracy:
    """
    How far engines are from their reference.

    frame, pixel: mean absolute difference of the worst frame, and the largest of any pixel, in
    disparity of 0..1; infinite where the engines gave anything but numbers.
    """

    frame: float
    pixel: float
    allowed_frame: float
    allowed_pixel: float

    @property
    def passed(self) -> bool:
        """Whether both are within what is allowed."""
        return self.frame <= self.allowed_frame and self.pixel <= self.allowed_pixel

    def __str__(self) -> str:
        return (f'worst frame {self.frame:.2g} of {self.allowed_frame:g} allowed, worst pixel '
                f'{self.pixel:.2g} of {self.allowed_pixel:g} allowed')

    def demand(self, what: str) -> None:
        """Raise ValueError with the figures unless they are within what is allowed."""
        if not self.passed:
            raise ValueError(f'{what} give another depth than ONNX Runtime: {self}. They were '
                             'deleted; use backend onnxruntime, or export in a higher precision, '
                             'or try another version of TensorRT')

    def to_dict(self) -> dict[str, Any]:
        """For an engine's note."""
        return asdict(self) | {'passed': self.passed}


def check_clip(window: int, size: Size) -> NDArray[np.uint8]:
    """Fixed clip [window,H,W,3]: a coloured ramp, a texture, and a square that moves over both."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x / width, y / height
    clip = np.empty((window, height, width, 3), np.uint8)
    for i in range(window):
        shift = i / (2 * window)
        wave = 0.5 + 0.25 * np.sin(40 * (x + shift)) * np.cos(31 * y)
        frame = np.stack([0.7 * y + 0.3 * wave, wave, 0.6 * (1 - y) + 0.3 * x], axis=-1)
        inside = (abs(x - 0.25 - shift) < 0.12) & (abs(y - 0.6) < 0.15)
        frame[inside] = (0.9, 0.3, 0.2)
        clip[i] = np.rint(255 * np.clip(frame, 0, 1))
    return clip


def expected_depth(folder: Path, manifest: Manifest, size: Size,
                   reference: Path | None = None) -> NDArray[np.float32]:
    """
    What ONNX Runtime gives on the CPU for `check_clip`, [window,H,W] in 0..1.

    reference: another export of the same model, usually in fp32, to be asked in this one's place.
    Graphs in bf16 need one: ONNX Runtime computes no bf16 on CPUs.

    Raises ValueError where there is no reference that fits, ImportError without onnxruntime.
    """
    if reference is None and manifest.precision == 'bf16':
        raise ValueError(f'{folder} is in bf16, which ONNX Runtime does not compute on CPUs: '
                         'export the same model in fp32 and give it with --reference')
    try:
        from dvd_ros.regressor.onnx_backend import OnnxRegressor
    except ImportError as error:
        raise ImportError('engines are checked against ONNX Runtime: pip install '
                          'onnxruntime') from error
    if reference is not None:
        other = Manifest.load(reference)
        for what in ('window', 'sources'):
            mine, theirs = getattr(manifest, what), getattr(other, what)
            if mine != theirs:
                raise ValueError(f'{reference} is not an export of the same model as {folder}: '
                                 f'{what} {theirs} instead of {mine}')
        folder, manifest = reference, other
    depth = OnnxRegressor(folder, manifest, device='cpu', size=size).predict(
        check_clip(manifest.window, size))
    if not np.isfinite(depth).all():
        raise ValueError(f'{folder} gives no numbers in ONNX Runtime either; export it in a '
                         'higher precision')
    if depth.std() < _FLAT:
        _log.warning('the depth of the clip that engines are checked with varies by %.2g only: '
                     'with these weights the check tells little', depth.std())
    return depth


def measure(regressor: Regressor, expected: NDArray[np.float32], precision: str) -> Accuracy:
    """Compare a regressor with what `expected_depth` gave; the worse of two runs."""
    clip = check_clip(len(expected), (expected.shape[1], expected.shape[2]))
    # Twice: a CUDA graph that keeps something of the run before shows in the second.
    runs = [np.abs(regressor.predict(clip) - expected) for _ in range(2)]
    frame, pixel = (max(float(worst(run)) for run in runs)
                    for worst in (lambda run: run.mean(axis=(1, 2)).max(), np.max))
    if not all(np.isfinite(run).all() for run in runs):
        frame = pixel = float('inf')
    return Accuracy(frame, pixel, *_ALLOWED[precision])

"""Which backend runs an export folder."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path

from dvd_ros.export_manifest import Manifest
from dvd_ros.regressor.protocol import Regressor

_log = logging.getLogger(__name__)


def load_export(folder: Path, backend: str = 'auto', device: str = 'auto',
                window: int | None = None, size: tuple[int, int] | None = None,
                precision: str = 'fp32', codec: str | Path = 'full') -> Regressor:
    """
    Load an export folder; arguments and errors are those of load_regressor.

    backend 'auto': TensorRT where its engines are built and fit this machine, else ONNX Runtime,
    on CUDA where it has that. The log says which and why.
    """
    manifest = Manifest.load(folder)
    if window not in (None, manifest.window):
        raise ValueError(f'{folder} was exported for windows of {manifest.window} frames, not '
                         f'{window}: dvd-ros export --window {window}')
    if precision not in ('fp32', manifest.precision):
        raise ValueError(f'{folder} was exported in {manifest.precision}, not {precision}: '
                         f'dvd-ros export --precision {precision}')
    if codec not in ('full', manifest.codec):
        raise ValueError(f'{folder} was exported with the {manifest.codec} codec, not {codec}: '
                         f'dvd-ros export --codec {codec}')
    if backend == 'tensorrt':
        return _load_tensorrt(folder, manifest, device, size)
    why = 'it was asked for'
    if backend == 'auto':
        engines = _engines(folder, manifest, device, size)
        if not isinstance(engines, str):
            return engines
        why = f'no TensorRT: {engines}'
    need('onnxruntime', 'onnxruntime')
    from dvd_ros.regressor.onnx_backend import OnnxRegressor, pick_providers
    regressor = OnnxRegressor(folder, manifest, device=device, size=size)
    _log.info('%s on ONNX Runtime, %s (%s)', manifest.name, pick_providers(device)[0], why)
    return regressor


def need(backend: str, *packages: str) -> None:
    """Raise ImportError, saying what to install, unless all packages of a backend are there."""
    lost = [name for name in packages if find_spec(name) is None]
    if lost:
        raise ImportError(f'the {backend} backend needs {", ".join(lost)}: '
                          f'pip install {" ".join(lost)}')


def _load_tensorrt(folder: Path, manifest: Manifest, device: str,
                   size: tuple[int, int] | None) -> Regressor:
    from dvd_ros.regressor.tensorrt_backend import TensorRtRegressor
    return TensorRtRegressor.load(folder, manifest, device=device, size=size)


def _engines(folder: Path, manifest: Manifest, device: str,
             size: tuple[int, int] | None) -> Regressor | str:
    """The folder on TensorRT, or why not."""
    if device == 'cpu':
        return "device 'cpu' was asked for"
    try:
        return _load_tensorrt(folder, manifest, device, size)
    except (ImportError, FileNotFoundError) as error:  # not set up: the usual case
        return str(error)
    except (ValueError, OSError) as error:  # set up, and yet it does not run
        # As text: a log that keeps the error would keep its frames, and the GPU's memory.
        _log.warning('TensorRT is passed over: %s', str(error))
        return str(error)

"""Which backend runs a model."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dvd_ros.export_manifest import Manifest
from dvd_ros.regressor.cuda_device import driver_sees_gpu
from dvd_ros.regressor.fixed_shapes import graphs_by_size
from dvd_ros.regressor.protocol import Regressor
from dvd_ros.regressor.weights import light_codec_file

_log = logging.getLogger(__name__)
CONFIG = 'config.json'
# DiT, VAE, config or None, name.
Checkpoint = tuple[Path, Path, Path | None, str]


@dataclass(frozen=True)
class Wish:
    """How a model is to run; the arguments of load_regressor."""

    model: str | Path
    device: str = 'auto'
    window: int | None = None
    size: tuple[int, int] | None = None
    precision: str = 'fp32'
    codec: str | Path = 'full'
    compile: bool = False
    cuda_graphs: bool = False


def select(exported: Path | None, checkpoint: Checkpoint | None, backend: str,
           wish: Wish) -> Regressor:
    """
    Load a model that is there as an export folder, as a checkpoint, or as both.

    backend: 'tensorrt' and 'onnxruntime' take the export, 'torch' the checkpoint. 'auto' tries in
    turn TensorRT, ONNX Runtime on CUDA, torch on CUDA, ONNX Runtime on the CPU, torch on the CPU,
    as far as there are files for them; the log says which it is and why none before it.
    Raises what the backend, of 'auto' the last one, raises.
    """
    if backend == 'torch' and checkpoint is not None:
        return _torch(checkpoint, wish, wish.device)
    if backend == 'auto':
        return _auto(exported, checkpoint, wish)
    assert exported is not None
    load = _tensorrt if backend == 'tensorrt' else _onnx
    return load(exported, _fitting(exported, wish), wish.device, wish.size)


def need(what: str, *packages: str) -> None:
    """Raise ImportError, saying what to install, unless all packages are there."""
    lost = [name for name in packages if find_spec(name) is None]
    if lost:
        raise ImportError(f'{what} needs {", ".join(lost)}: pip install {" ".join(lost)}')


class _NotHere(ImportError):
    """This machine is not one for that backend: nothing to be warned of."""


def _auto(exported: Path | None, checkpoint: Checkpoint | None, wish: Wish) -> Regressor:
    reasons: list[str] = []
    manifest = None
    if exported is not None:
        try:
            manifest = _fitting(exported, wish)
        except ValueError as error:
            if checkpoint is None:
                raise
            reasons.append(f'no export: {error}')
    tries: list[tuple[str, Callable[[], Regressor]]] = []
    if exported is not None and manifest is not None:
        # Names for the functions below: they must not follow the variables.
        folder, read = exported, manifest
        if wish.device != 'cpu':
            tries += [('TensorRT', lambda: _tensorrt(folder, read, wish.device, wish.size)),
                      ('ONNX Runtime on CUDA', lambda: _onnx_cuda(folder, read, wish))]
        if wish.device in ('auto', 'cpu'):
            tries.append(('ONNX Runtime on the CPU',
                          lambda: _onnx(folder, read, 'cpu', wish.size)))
    if checkpoint is not None:
        files = checkpoint
        if wish.device != 'cpu':
            on_gpu = sum(label != 'ONNX Runtime on the CPU' for label, _ in tries)
            tries.insert(on_gpu, ('torch on CUDA', lambda: _torch_cuda(files, wish)))
        if wish.device in ('auto', 'cpu'):
            tries.append(('torch on the CPU', lambda: _torch(files, wish, 'cpu')))
    for label, load in tries:
        last = label == tries[-1][0]
        try:
            loaded = load()
        except ImportError as error:
            if last and reasons:
                raise ImportError(f'no backend runs this model here: {"; ".join(reasons)}; '
                                  f'no {label}: {error}') from error
            if last:
                raise
            reasons.append(f'no {label}: {error}')
        except FileNotFoundError as error:  # not built or not whole: the usual case
            if last:
                raise
            reasons.append(f'no {label}: {error}')
        except (ValueError, OSError) as error:  # set up, and yet it does not run
            if last:
                raise
            # As text: a log that keeps the error would keep its frames, and the GPU's memory.
            _log.warning('%s is passed over: %s', label, str(error))
            reasons.append(f'no {label}: {error}')
        else:
            _log.info('%s runs on %s (%s)', loaded.name, label,
                      '; '.join(reasons) or 'the first choice')
            return loaded
    raise AssertionError('a model has files of some kind')


def _fitting(folder: Path, wish: Wish) -> Manifest:
    """The manifest of an export folder; ValueError where it is not for what is wished."""
    manifest = Manifest.load(folder)
    if wish.window not in (None, manifest.window):
        raise ValueError(f'{folder} was exported for windows of {manifest.window} frames, not '
                         f'{wish.window}: dvd-ros export --window {wish.window}')
    if wish.precision not in ('fp32', manifest.precision):
        raise ValueError(f'{folder} was exported in {manifest.precision}, not {wish.precision}: '
                         f'dvd-ros export --precision {wish.precision}')
    if wish.codec not in ('full', manifest.codec):
        raise ValueError(f'{folder} was exported with the {manifest.codec} codec, not '
                         f'{wish.codec}: dvd-ros export --codec {wish.codec}')
    graphs_by_size(folder, manifest, wish.size)
    return manifest


def _tensorrt(folder: Path, manifest: Manifest, device: str,
              size: tuple[int, int] | None) -> Regressor:
    from dvd_ros.regressor.tensorrt_backend import TensorRtRegressor
    return TensorRtRegressor.load(folder, manifest, device=device, size=size)


def _onnx(folder: Path, manifest: Manifest, device: str,
          size: tuple[int, int] | None) -> Regressor:
    need('the onnxruntime backend', 'onnxruntime')
    from dvd_ros.regressor.onnx_backend import OnnxRegressor
    return OnnxRegressor(folder, manifest, device=device, size=size)


def _onnx_cuda(folder: Path, manifest: Manifest, wish: Wish) -> Regressor:
    need('the onnxruntime backend', 'onnxruntime')
    if wish.device == 'auto':
        from dvd_ros.regressor.onnx_backend import pick_providers
        if len(pick_providers('auto')) == 1:
            raise _NotHere('this ONNX Runtime has no CUDA (pip install onnxruntime-gpu)')
        if not driver_sees_gpu():
            raise _NotHere('the NVIDIA driver is missing or sees no GPU')
    return _onnx(folder, manifest, 'cuda' if wish.device == 'auto' else wish.device, wish.size)


def _torch(checkpoint: Checkpoint, wish: Wish, device: str) -> Regressor:
    dit, vae, config, name = checkpoint
    light = light_codec_file(vae, wish.codec, wish.model)
    need(f'the torch backend, which alone runs the checkpoint {name},',
         'torch', 'diffusers', 'safetensors')
    from dvd_ros.model import DvdConfig
    from dvd_ros.regressor.torch_backend import TorchRegressor
    return TorchRegressor.load(dit, vae, DvdConfig.load(config), name, device=device,
                               window=wish.window, size=wish.size, precision=wish.precision,
                               light=light, compile=wish.compile, cuda_graphs=wish.cuda_graphs)


def _torch_cuda(checkpoint: Checkpoint, wish: Wish) -> Regressor:
    if wish.device == 'auto':
        # Asked first, because importing torch takes seconds.
        if not driver_sees_gpu():
            raise _NotHere('the NVIDIA driver is missing or sees no GPU')
        need('the torch backend', 'torch')
        import torch
        if not torch.cuda.is_available():
            raise _NotHere('this torch has no CUDA')
    return _torch(checkpoint, wish, 'cuda' if wish.device == 'auto' else wish.device)

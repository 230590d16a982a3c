"""Depth networks behind one protocol; no backend is imported before it is asked for."""

from __future__ import annotations

from pathlib import Path

from dvd_ros.assets_path import ASSETS
from dvd_ros.export_manifest import MANIFEST
from dvd_ros.regressor.protocol import Regressor
from dvd_ros.regressor.selection import CONFIG, Wish, select
from dvd_ros.regressor.shared import RegressorPool, SharedRegressor
from dvd_ros.regressor.weights import (
    RELEASES,
    WAN_VAE,
    cache_folder,
    is_whole,
    light_codec_file,
    released_files,
)

__all__ = ['RELEASES', 'SHIPPED', 'Regressor', 'RegressorPool', 'SharedRegressor',
           'light_codec_file', 'load_regressor', 'locate_checkpoint', 'model_folder']

SHIPPED = ('mini',)
_BACKENDS = ('auto', 'onnxruntime', 'tensorrt', 'torch')


def model_folder(model: str | Path) -> Path:
    """Where a model lies that is no release: the shipped one's folder, or the user's path."""
    return ASSETS / str(model) if model in SHIPPED else Path(model).expanduser()


def load_regressor(model: str | Path = 'mini', backend: str = 'auto', device: str = 'auto', *,
                   window: int | None = None, size: tuple[int, int] | None = None,
                   precision: str = 'fp32', codec: str | Path = 'full',
                   compile: bool = False,  # noqa: A002
                   cuda_graphs: bool = False) -> Regressor:
    """
    Load a depth network.

    model: 'mini' (shipped with the package); 'dvd-1.0' or 'dvd-1.1' (after `dvd-ros fetch`);
    a model folder (config.json, dit.safetensors, vae.safetensors), a folder that `dvd-ros export`
    wrote, or one that is both; or a DiT checkpoint, with its config.json and VAE looked for
    beside it, else Wan2.1-1.3B and the cached VAE.
    backend: 'onnxruntime' or 'tensorrt' (exports; TensorRT after `dvd-ros engine build`), 'torch'
    (checkpoints), or 'auto' for the first that runs here: TensorRT engines, ONNX Runtime on CUDA,
    torch on CUDA, ONNX Runtime on the CPU, torch on the CPU; why is logged.
    device: 'auto', 'cpu', 'cuda', or another one of torch or TensorRT, as 'cuda:1'.
    window: frames per call, 4n+1; None is the model's own. size: (H, W) to scale images to
    cover; None is the model's own. precision: 'fp32', 'bf16' or 'fp16'. codec: 'full', 'light'
    (small and fast, distilled by `dvd-ros train codec`) or the path of a light codec's file. An
    export has all four in it: window, precision and codec must be None, 'fp32', 'full' or its
    own, size one of its sizes.
    compile, cuda_graphs: of the torch backend, which they ask for; see model.accelerated.

    On a GPU a whole window is computed before this returns, so that too little memory shows here.
    Raises ValueError for a bad argument or a checkpoint or engine that does not fit,
    FileNotFoundError where files lack, ImportError where the backend is not installed, OSError
    where it finds no GPU that it can use, and its CudaMemoryError where that has too little memory.
    """
    if backend not in _BACKENDS:
        raise ValueError(f'backend must be one of {_BACKENDS}, got {backend!r}')
    if compile or cuda_graphs:
        if backend not in ('auto', 'torch'):
            raise ValueError('compile and cuda_graphs are options of the torch backend, not of '
                             f'{backend}: leave them out, or ask for backend torch')
        backend = 'torch'
    folder = model_folder(model)
    exported = folder if (folder / MANIFEST).is_file() else None
    if exported and not (folder / CONFIG).is_file():
        if backend == 'torch':
            raise ValueError(f'{folder} is an export, which the torch backend does not run; '
                             'give it the model that was exported')
        checkpoint = None
    elif not exported and backend in ('onnxruntime', 'tensorrt'):
        raise ValueError(f'backend {backend} needs an export of {str(model)!r}: '
                         f'dvd-ros export {model} -o FOLDER, then load that folder')
    else:
        checkpoint = locate_checkpoint(model)
    wish = Wish(model, device, window, size, precision, codec, compile, cuda_graphs)
    return select(exported, checkpoint, backend, wish)


def locate_checkpoint(model: str | Path) -> tuple[Path, Path, Path | None, str]:
    """
    Give the files (dit, vae, config or None) and the name of a model; see load_regressor.

    Raises FileNotFoundError saying what lacks.
    """
    if model in RELEASES:
        return (*released_files(str(model)), None, str(model))
    path = model_folder(model)
    if path.is_dir():
        parts = [path / name for name in ('dit.safetensors', 'vae.safetensors', CONFIG)]
        lost = [part.name for part in parts if not part.is_file()]
        if lost:
            raise FileNotFoundError(f'{path} is not a model folder: it lacks {", ".join(lost)}')
        return parts[0], parts[1], parts[2], path.name
    if model in SHIPPED:
        raise FileNotFoundError(f'{path} is not there: the package was installed without its '
                                'assets; install it again from the repository')
    if not path.is_file():
        raise FileNotFoundError(
            f'no model {str(model)!r}: it is neither one of '
            f'{", ".join((*SHIPPED, *RELEASES))} nor a folder or file that is there')
    config = path.with_name(CONFIG)
    near = [path.with_name(name) for name in
            ('vae.safetensors', 'wan_vae.safetensors', 'Wan2.1_VAE.safetensors', WAN_VAE.name)]
    vae = next((file for file in (*near, WAN_VAE.path(cache_folder())) if is_whole(file)), None)
    if vae is None:
        raise FileNotFoundError(f'no VAE for {path}: put {WAN_VAE.name} or vae.safetensors beside '
                                'it, or run `dvd-ros fetch`')
    return path, vae, config if config.is_file() else None, path.stem

"""A regressor beside the plain order of work of the DVD reference, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dvd_ros.evaluation.flops import count_flops
from dvd_ros.evaluation.window_timing import (
    WindowTiming,
    noise,
    peak_flops,
    peak_flops_cuda,
    stream_rate,
    table,
    time_window,
)
from dvd_ros.regressor import Regressor, load_regressor, locate_checkpoint

# (window, overlap) of the reference order of work: ours, and the one that DVD was published with.
REFERENCE = [(13, 5), (81, 21)]
RANDOM = 'random-1.3b'
_TYPES = {'fp32': 'float32', 'fp16': 'float16', 'bf16': 'bfloat16'}


@dataclass(frozen=True)
class BenchConfig:
    """
    What is measured; the options of `dvd-ros bench`.

    model: as of load_regressor, or 'random-1.3b': Wan2.1-1.3B's size with random weights, on
    torch. window, overlap: of the stream; 0 is the model's own window. size: (H, W) of the
    images, None is the model's own. long: measure the reference at 81/21 as well, which takes
    minutes on a CPU. repeats: windows that are timed.
    """

    model: str = 'mini'
    backend: str = 'auto'
    device: str = 'auto'
    precision: str = 'fp32'
    window: int = 0
    overlap: int = 5
    size: tuple[int, int] | None = None
    long: bool = False
    repeats: int = 5
    compile: bool = False
    cuda_graphs: bool = False


def run_bench(config: BenchConfig, say: Callable[[str], None] = print) -> list[WindowTiming]:
    """
    Measure and print; gives the rows of the table, the reference last.

    Where torch, diffusers or the checkpoint is missing, the reference and the FLOPs are left out,
    and `say` is told why. Raises as load_regressor.
    """
    with _regressor(config, say) as regressor:
        size = config.size or regressor.size
        window = config.window or regressor.window
        plain: _Plain | None = None
        try:
            plain = _Plain(config)
        except (ImportError, FileNotFoundError) as error:
            say(f'no reference beside it, and no FLOPs: {error}')
        size = size or (plain.size if plain else None)
        if size is None:
            raise ValueError(f'{config.model} has no size of its own: give one, as --size 480x640')
        flops = plain.flops_specialised(window, size) if plain else None
        label = type(regressor).__name__.removesuffix('Regressor')
        rows = [time_window(regressor, f'{regressor.name}, {label}', window, config.overlap, size,
                            repeats=config.repeats, flops=flops)]
        rate = stream_rate(regressor, window, config.overlap, size)
        reference = None
        if plain:
            for frames, overlap in sorted(REFERENCE[:1 + config.long], reverse=True):
                rows.append(plain.time(frames, overlap, size, config.repeats))
            reference = stream_rate(plain.regressor(window), window, config.overlap, size,
                                    windows=2)
        say(f'images of {size[0]}x{size[1]}; times are medians in ms, speed-ups per published frame'
            ' against the last row')
        peak = peak_flops_cuda(_TYPES[config.precision], config.device) \
            if plain and plain.on_cuda else peak_flops()
        say(f'a large matrix product reaches {peak / 1e9:.0f} GFLOP/s here')
        say(table(rows, peak))
        ratio = f', {rate / reference:.1f} times the reference ({reference:.2f}/s)' \
            if reference else ''
        say(f'stream of {window}/{config.overlap} with all that is before and behind the network: '
            f'{rate:.1f} published frames/s{ratio}')
        return rows


class _Plain:
    """The network as the reference computes it: diffusers' modules, VAE in chunks, text path."""

    def __init__(self, config: BenchConfig) -> None:
        from dvd_ros.model import DvdConfig, DvdModel
        from dvd_ros.regressor.torch_backend import DTYPES, pick_device
        device, dtype = pick_device(config.device), DTYPES[config.precision]
        self.on_cuda = device.type == 'cuda'
        self._model: Any
        if config.model == RANDOM:
            from dvd_ros.model.random_weights import random_model
            self._model = random_model(DvdConfig.wan21_1_3b(), dtype=dtype, device=device)
        else:
            dit, vae, sizes, _ = locate_checkpoint(config.model)
            self._model = DvdModel.from_checkpoint(dit, vae, sizes, dtype=dtype, device=device)
        self.size: tuple[int, int] | None = self._model.config.size

    def regressor(self, window: int) -> Regressor:
        from dvd_ros.regressor.torch_backend import TorchRegressor
        return TorchRegressor(self._model, 'reference', window)

    def time(self, window: int, overlap: int, size: tuple[int, int],
             repeats: int) -> WindowTiming:
        regressor = self.regressor(window)
        flops = count_flops(regressor.predict, noise(window, size))
        return time_window(regressor, 'reference order of work', window, overlap, size,
                           repeats=repeats if window < 81 else 1, flops=flops)

    def flops_specialised(self, window: int, size: tuple[int, int]) -> int:
        from dvd_ros.regressor.torch_backend import TorchRegressor
        fast = TorchRegressor(self._model.specialise(), 'fast', window)
        return count_flops(fast.predict, noise(window, size))


@contextmanager
def _regressor(config: BenchConfig, say: Callable[[str], None]) -> Iterator[Regressor]:
    """What is measured; a model that has no graphs is exported for ONNX Runtime first."""
    if config.model == RANDOM:
        from dvd_ros.model import DvdConfig
        from dvd_ros.model.accelerated import accelerate
        from dvd_ros.model.random_weights import random_model
        from dvd_ros.regressor.torch_backend import DTYPES, TorchRegressor, pick_device
        model = random_model(DvdConfig.wan21_1_3b(), dtype=DTYPES[config.precision],
                             device=pick_device(config.device)).specialise()
        fast = accelerate(model, compile=config.compile, cuda_graphs=config.cuda_graphs)
        yield TorchRegressor(fast, RANDOM, config.window or None)
        return
    wish: dict[str, Any] = {'device': config.device, 'precision': config.precision,
                            'window': config.window or None}
    try:
        yield load_regressor(config.model, config.backend, compile=config.compile,
                             cuda_graphs=config.cuda_graphs, **wish)
        return
    except ValueError as error:
        if config.backend != 'onnxruntime' or 'needs an export' not in str(error):
            raise
    with tempfile.TemporaryDirectory() as scratch:
        say(f'{config.model} has no graphs: exporting them to a temporary folder')
        from dvd_ros.model import DvdConfig, DvdModel
        from dvd_ros.model.export import PRECISIONS, export_onnx
        dit, vae, file, name = locate_checkpoint(config.model)
        sizes = DvdConfig.load(file)
        size = sizes.size or config.size
        if size is None:
            raise ValueError(f'{config.model} has no size of its own: give one, as --size 480x640')
        folder = export_onnx(
            DvdModel.from_checkpoint(dit, vae, sizes, dtype=PRECISIONS[config.precision]),
            scratch, name=name, window=config.window or sizes.window or 13, sizes=[size])
        yield load_regressor(folder, 'onnxruntime', **wish)

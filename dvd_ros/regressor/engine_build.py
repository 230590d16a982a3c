"""
Building TensorRT engines of an export, and checking them before they count.

Networks are strongly typed: every tensor has the type that the ONNX graph gives it, on TensorRT
10.x and 11.x alike (11.x knows no others), so precision is chosen in `dvd-ros export` alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from dvd_ros.export_manifest import Graph, Manifest
from dvd_ros.regressor.cuda_device import Device
from dvd_ros.regressor.engine_accuracy import Accuracy, expected_depth, measure
from dvd_ros.regressor.engine_cache import EngineCache, EngineKey
from dvd_ros.regressor.fixed_shapes import PARTS, Size, graphs_by_size
from dvd_ros.regressor.tensorrt_library import (
    import_tensorrt,
    logger_of,
    major_version,
    start_builder,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildConfig:
    """
    How TensorRT's builder works.

    workspace: MB of GPU memory that one layer may use. effort: 0..5, how many ways to compute a
    layer are tried; the build takes longer with each.
    """

    workspace: int = 4096
    effort: int = 3

    def __post_init__(self) -> None:
        if self.workspace < 1:
            raise ValueError(f'workspace must be at least 1 MB, got {self.workspace}')
        if not 0 <= self.effort <= 5:
            raise ValueError(f'effort must be within 0..5, got {self.effort}')

    @property
    def settings(self) -> str:
        """What of this an engine depends on; part of its key."""
        return f'strongly typed, no TF32, workspace {self.workspace} MB, effort {self.effort}'


def build_engines(folder: Path, manifest: Manifest, device: Device, cache: EngineCache, *,
                  size: Size | None = None, config: BuildConfig | None = None,
                  reference: Path | None = None,
                  report: Callable[[str], None] = _log.info) -> dict[Size, Accuracy]:
    """
    Build, check and keep the engines of a folder; gives the figures of each size's check.

    size: (H, W), the only one; None builds all. reference: see engine_accuracy.expected_depth.
    report: gets a line of text before each long step.

    Raises ValueError for files that do not match the manifest, for graphs that TensorRT does not
    take or build, and for engines that fail their check: those are deleted and were never in use.
    """
    from dvd_ros.regressor.tensorrt_backend import TensorRtRegressor
    manifest.verify(folder)
    graphs, config = graphs_by_size(folder, manifest, size), config or BuildConfig()
    tensorrt = import_tensorrt()
    figures = {}
    for each, parts in graphs.items():
        name = f'{each[0]}x{each[1]}'
        report(f'{name}: what ONNX Runtime gives')
        # Before the build: minutes on a GPU are not spent for what then cannot be checked.
        expected = expected_depth(folder, manifest, each, reference)
        staged: dict[str, Path] = {}
        keys = _keys(manifest, parts, tensorrt, device, config.settings)
        try:
            for part in PARTS:
                report(f'{name}: building the {part}')
                timing = cache.load_timing(keys[part])
                plan, timing = build_engine(tensorrt, device, folder, parts[part], config, timing)
                staged[part] = cache.stage(parts[part], keys[part], plan)
                del plan  # gigabytes
                if timing:
                    cache.save_timing(keys[part], timing)
            report(f'{name}: checking')
            regressor = TensorRtRegressor(manifest, {each: parts}, device,
                                          lambda graph, files=staged:  # type: ignore[misc]
                                          files[graph.part].read_bytes())
            try:
                figures[each] = measure(regressor, expected, manifest.precision)
            finally:
                regressor.close()
            figures[each].demand(f'engines of {folder}, {name}, that TensorRT '
                                 f'{tensorrt.__version__} built on {device.name}')
            for part, path in staged.items():
                cache.accept(path, parts[part], keys[part], name=manifest.name,
                             precision=manifest.precision, accuracy=figures[each].to_dict())
        finally:
            for path in staged.values():
                path.unlink(missing_ok=True)
    return figures


def check_engines(folder: Path, manifest: Manifest, cache: EngineCache, *, device: str = 'auto',
                  size: Size | None = None, reference: Path | None = None) -> dict[Size, Accuracy]:
    """
    Check kept engines once more, as after the build; gives the figures of each size.

    Raises ValueError for engines that fail, which are then deleted; otherwise what
    TensorRtRegressor.load and engine_accuracy.expected_depth raise.
    """
    from dvd_ros.regressor.tensorrt_backend import TensorRtRegressor
    figures = {}
    for each, parts in graphs_by_size(folder, manifest, size).items():
        regressor = TensorRtRegressor.load(folder, manifest, device=device, size=each, cache=cache)
        try:
            figures[each] = measure(regressor, expected_depth(folder, manifest, each, reference),
                                    manifest.precision)
        finally:
            regressor.close()
        if not figures[each].passed:
            keys = built_keys(manifest, parts, import_tensorrt(), regressor.device, cache)
            for part, graph in parts.items():
                cache.remove(graph, keys[part])
        figures[each].demand(f'engines of {folder}, {each[0]}x{each[1]}, on '
                             f'{regressor.device.name}')
    return figures


def built_keys(manifest: Manifest, parts: dict[str, Graph], tensorrt: ModuleType, device: Device,
               cache: EngineCache) -> dict[str, EngineKey]:
    """Keys by part of the engines to load here: those built last, of whatever settings."""
    usual = _keys(manifest, parts, tensorrt, device, BuildConfig().settings)
    return _keys(manifest, parts, tensorrt, device, cache.settings(usual.values()))


def _keys(manifest: Manifest, parts: dict[str, Graph], tensorrt: ModuleType, device: Device,
          settings: str) -> dict[str, EngineKey]:
    return {part: EngineKey.of(manifest, graph, tensorrt=tensorrt.__version__, gpu=device.name,
                               capability=device.capability, settings=settings)
            for part, graph in parts.items()}


def build_engine(tensorrt: ModuleType, device: Device, folder: Path, graph: Graph,
                 config: BuildConfig, timing: bytes = b'') -> tuple[bytes, bytes]:
    """
    Build one graph's engine; gives it and the timings, both serialized.

    timing: those of earlier builds. Raises ValueError with all that parser or builder said.
    """
    logger, path = logger_of(tensorrt), folder / graph.file
    builder = start_builder(tensorrt, device)
    if major_version(tensorrt) < 11:
        flag = tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
        network = builder.create_network(1 << int(flag))
    else:
        network = builder.create_network()
    parser = tensorrt.OnnxParser(network, logger)
    # From its path, which the parser needs to find the file of weights.
    if not parser.parse_from_file(str(path)):
        errors = [str(parser.get_error(i)) for i in range(parser.num_errors)]
        raise ValueError(f'TensorRT {tensorrt.__version__} does not read {path}: '
                         f'{"; ".join(errors) or logger.last_words()}')
    _check_ends(network, graph, path)
    settings = builder.create_builder_config()
    settings.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, config.workspace << 20)
    settings.builder_optimization_level = config.effort
    # On by default, it rounds float32 to 10 bits of mantissa.
    settings.clear_flag(tensorrt.BuilderFlag.TF32)
    _use_timing(settings, timing)
    plan = builder.build_serialized_network(network, settings)
    if plan is None:
        raise ValueError(f'TensorRT {tensorrt.__version__} could not build {path} in '
                         f'{config.workspace} MB of workspace: {logger.last_words()}; if that '
                         'tells of memory, free some of the GPU or change --workspace')
    kept = settings.get_timing_cache()
    kept = kept.serialize() if kept is not None else None
    return bytes(plan), bytes(kept) if kept is not None else b''


def _check_ends(network: Any, graph: Graph, path: Path) -> None:
    ends = [tuple(tensor.shape) for tensor in (
        *(network.get_input(i) for i in range(network.num_inputs)),
        *(network.get_output(i) for i in range(network.num_outputs)))]
    if ends != [graph.input, graph.output]:
        raise ValueError(f'{path} goes {" -> ".join(str(list(end)) for end in ends)}, the '
                         f'manifest says {list(graph.input)} -> {list(graph.output)}; export the '
                         'model again')


def _use_timing(settings: Any, timing: bytes) -> None:
    """Let a build start from earlier timings; from none where TensorRT does not take those."""
    for content in (timing, b''):
        cache = settings.create_timing_cache(content)
        if cache is not None and settings.set_timing_cache(cache, False):
            return
        _log.warning('TensorRT does not take the timings of an earlier build; it measures again')

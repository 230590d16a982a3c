"""`dvd-ros engine`: TensorRT engines of an exported model: build, check, list."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dvd_ros.cli._size import parse_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros engine`."""
    actions = parser.add_subparsers(dest='action', metavar='ACTION', required=True)
    build = actions.add_parser('build', help='build the engines of an export for this GPU, and '
                                             'keep them if they give the right depth')
    check = actions.add_parser('check', help='compare built engines with ONNX Runtime once more; '
                                             'those that fail are deleted')
    for action in (build, check):
        action.add_argument('folder', type=Path, help='a folder that `dvd-ros export` wrote')
        action.add_argument('--size', metavar='HxW', help='one of the exported sizes (default: '
                                                          'all)')
        action.add_argument('--device', default='auto', help="'cuda' or 'cuda:N' (default: the "
                                                             'first GPU)')
        action.add_argument('--reference', type=Path, metavar='FOLDER',
                            help='fp32 export of the same model, to compare with; bf16 needs it, '
                                 'as ONNX Runtime computes no bf16 on CPUs')
    build.add_argument('--workspace', type=int, default=4096, metavar='MB',
                       help='GPU memory that one layer may use (default: 4096)')
    build.add_argument('--effort', type=int, default=3, metavar='0..5',
                       help='how many ways to compute a layer are tried (default: 3)')
    actions.add_parser('list', help='show the engines that are kept, built for whatever GPU')


def run(args: argparse.Namespace) -> int:
    """Do it; 0 when done, 1 where TensorRT, a GPU or an engine is missing or fails."""
    try:
        return {'build': _build, 'check': _check, 'list': _list}[args.action](args)
    except ImportError as error:
        print(f'dvd-ros engine: {error}', file=sys.stderr)
        return 1


def _build(args: argparse.Namespace) -> int:
    from dvd_ros.export_manifest import Manifest
    from dvd_ros.regressor.cuda_device import Device, parse_device
    from dvd_ros.regressor.engine_build import BuildConfig, build_engines
    from dvd_ros.regressor.engine_cache import EngineCache
    from dvd_ros.regressor.tensorrt_library import import_tensorrt

    config = BuildConfig(args.workspace, args.effort)
    size, manifest = _size(args), Manifest.load(args.folder)
    cache, index = EngineCache(), parse_device(args.device)
    tensorrt, device = import_tensorrt(), Device(index)
    print(f'{manifest.name} in {manifest.precision} for TensorRT {tensorrt.__version__} on '
          f'{device.name} (compute capability {device.capability})', flush=True)
    figures = build_engines(args.folder, manifest, device, cache, size=size, config=config,
                            reference=args.reference,
                            report=lambda line: print(f'{line} ...', flush=True))
    for (height, width), accuracy in figures.items():
        print(f'{height}x{width}: {accuracy}')
    print(f'kept in {cache.folder}')
    return 0


def _check(args: argparse.Namespace) -> int:
    from dvd_ros.export_manifest import Manifest
    from dvd_ros.regressor.engine_build import check_engines
    from dvd_ros.regressor.engine_cache import EngineCache

    size, manifest = _size(args), Manifest.load(args.folder)
    for (height, width), accuracy in check_engines(
            args.folder, manifest, EngineCache(), device=args.device, size=size,
            reference=args.reference).items():
        print(f'{height}x{width}: {accuracy}')
    return 0


def _list(args: argparse.Namespace) -> int:
    from dvd_ros.regressor.engine_cache import EngineCache

    cache = EngineCache()
    found = list(cache.notes())
    for note in found:
        key = note.key
        state = '' if note.path.is_file() else ', FILE MISSING'
        print(f'{note.name} {note.part} {"x".join(map(str, key["input"]))} {note.precision}, '
              f'TensorRT {key["tensorrt"]}, {key["gpu"]} ({key["capability"]}), '
              f'{note.size / 1e6:.1f} MB, worst frame {note.accuracy.get("frame", "?")}{state}')
    print(f'{len(found)} engines in {cache.folder}')
    return 0


def _size(args: argparse.Namespace) -> tuple[int, int] | None:
    return parse_size(args.size) if args.size else None

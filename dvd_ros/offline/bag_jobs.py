"""Many bags, one after the other or several at once, each failing on its own."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dvd_ros.offline.bag_depth import BagResult, run_bag
from dvd_ros.offline.bag_settings import BagSettings
from dvd_ros.regressor import load_regressor


@dataclass(frozen=True)
class BagJob:
    """One bag in, one out."""

    source: Path
    out: Path
    settings: BagSettings
    overwrite: bool = False


def place_jobs(sources: Sequence[Path], out: str, settings: BagSettings,
               overwrite: bool) -> list[BagJob]:
    """
    Say where each result goes: ``out`` itself, or into it, as `cp` does.

    One bag becomes ``out``; several, or one where ``out`` ends in / or is a folder that is no
    bag, become out/NAME. Raises ValueError where two have one name.
    """
    target = Path(out).absolute()
    inside = len(sources) > 1 or out.endswith(os.sep) or (
        target.is_dir() and not (target / 'metadata.yaml').exists())
    jobs = [BagJob(path, target / _name(path) if inside else target, settings, overwrite)
            for path in sources]
    places = [job.out for job in jobs]
    twice = sorted({str(job.source) for job in jobs if places.count(job.out) > 1})
    if twice:
        raise ValueError(f'{", ".join(twice)} have the same name: each needs an -o of its own')
    return jobs


def run_jobs(jobs: Sequence[BagJob], processes: int) -> int:
    """Do all; print what became of each; return how many failed."""
    if min(processes, len(jobs)) == 1:
        return sum(not _run(job) for job in jobs)
    context = multiprocessing.get_context('spawn')
    todo, failed = list(enumerate(jobs)), 0
    running: dict[Any, tuple[Any, BagJob, int]] = {}
    try:
        while todo or running:
            while todo and len(running) < processes:
                row = min(set(range(processes)) - {entry[2] for entry in running.values()})
                process = context.Process(target=_child, args=(todo[0][1], row, os.getpid()))
                process.start()
                running[process.sentinel] = process, todo.pop(0)[1], row
            for sentinel in wait(list(running)):
                process, job, _ = running.pop(sentinel)
                process.join()
                failed += process.exitcode != 0
                if process.exitcode < 0:
                    _tell(f'{job.source}: its process was ended by signal {-process.exitcode}; '
                          'the same command goes on with it')
    finally:
        for process, _, _ in running.values():
            process.terminate()
            process.join()
    return failed


def _child(job: BagJob, row: int, parent: int) -> None:
    try:
        good = _run(job, row, parent)
    except KeyboardInterrupt:
        good = False
    raise SystemExit(0 if good else 1)


def _run(job: BagJob, row: int = 0, parent: int = 0) -> bool:
    """Do one bag; whether it went well."""
    settings = job.settings
    with tqdm(desc=job.out.name, unit='image', position=row, leave=False,
              disable=not sys.stderr.isatty()) as bar:

        def begin(images: int) -> None:
            bar.reset(images)

        def step() -> None:
            bar.update()
            if parent and os.getppid() != parent:
                os._exit(1)  # who started it was killed, and would be started again

        try:
            result = run_bag(job.source, job.out, settings, _model(
                settings.model, settings.backend, settings.device, settings.codec,
                settings.stream.window), job.overwrite, begin, step)
        except Exception as error:  # noqa: BLE001 (the other bags go on)
            if os.environ.get('DVD_ROS_TRACEBACK'):
                raise
            expected = isinstance(error, ValueError | OSError | ImportError)
            name = '' if expected else f'{type(error).__name__}: '
            _tell(f'{job.source}: {name}{error}' + _kept(job))
            return False
    _report(job, result)
    return True


def _model(model: str, backend: str, device: str, codec: str,
           window: int) -> Callable[[], Any]:
    return lambda: _loaded(model, backend, device, codec, window)


@cache
def _loaded(model: str, backend: str, device: str, codec: str, window: int) -> Any:
    return load_regressor(model, backend=backend, device=device, codec=codec, window=window)


def _kept(job: BagJob) -> str:
    part = job.out.with_name(job.out.name + '.part')
    windows = len(list(part.glob('windows/*.npy')))
    return f'. {windows} computed windows are kept in {part}: the same command goes on' \
        if windows else ''


def _report(job: BagJob, result: BagResult) -> None:
    if result.done_before:
        print(f'{job.out}: is there already, nothing to do')
    else:
        unit = 'metres' if result.metric else 'nominal metres, no source measures them'
        print(f'{job.out}: {result.frames} of {result.images} images have depth ({unit}); '
              f'{result.computed} windows computed, {result.remembered} from before', flush=True)
    for remark in result.remarks:
        print(f'{job.out}: {remark}', flush=True)


def _tell(text: str) -> None:
    tqdm.write(f'dvd-ros bag: {text}', file=sys.stderr)


def _name(path: Path) -> str:
    resolved = path.resolve()
    return resolved.stem if resolved.suffix in ('.mcap', '.db3') else resolved.name

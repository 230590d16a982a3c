"""A recorded bag to the same bag with depth; it may be killed and started again at any time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dvd_ros.messages.frame_messages import OUTPUTS
from dvd_ros.offline.bag_input import CAMERA_INFO, COMPRESSED, IMAGE, BagInput
from dvd_ros.offline.bag_output import BagOutput
from dvd_ros.offline.bag_settings import BagSettings, differences, weights_of
from dvd_ros.offline.bag_stream import BagStream
from dvd_ros.offline.bag_types import BagTypes
from dvd_ros.offline.window_memory import WindowMemory
from dvd_ros.stream.window_model import PreparingModel

# Key of the bag's custom data that holds what it was made of, as JSON.
RECORD = 'dvd_ros'
_MOST_CAUSES = 5


@dataclass
class BagResult:
    """What became of a bag: images in the input, frames with depth, and remarks for the user."""

    out: Path
    images: int = 0
    frames: int = 0
    computed: int = 0
    remembered: int = 0
    done_before: bool = False
    metric: bool = False
    remarks: list[str] = field(default_factory=list)


def run_bag(source: Path, out: Path, settings: BagSettings, load: Callable[[], PreparingModel],
            overwrite: bool = False,
            begin: Callable[[int], None] = lambda images: None,
            step: Callable[[], None] = lambda: None) -> BagResult:
    """
    Write the bag ``out``: the messages of ``source`` that are kept, and depth.

    All is written into ``out``.part, where each window that was computed is remembered, and
    moved to its place at the end: ``out`` is whole or not there. Where the process was killed the
    next call with the same arguments goes on, and ends with the same messages. A result that is
    there already is left as it is.

    load: gives the model; called where there is something to compute. begin: told the number of
    images. step: called after each.

    Raises ValueError for a bag that cannot be read or arguments that do not fit it, OSError where
    the result cannot be written; what was computed is kept then, too.
    """
    types = BagTypes()
    result = BagResult(out)
    with BagInput(source, types) as bag:
        settings = _resolved(bag, settings, result.remarks)
        record = settings.record(bag.identity())
        part = out.with_name(out.name + '.part')
        if _made_before(source, out, record, overwrite):
            result.done_before = True
            if part.exists():  # killed after all was done
                with _alone(part):
                    shutil.rmtree(part)
            return result
        part.mkdir(parents=True, exist_ok=True)
        with _alone(part):
            windows, unfinished = part / 'windows', part / out.name
            shutil.rmtree(unfinished, ignore_errors=True)
            try:
                model = load()
                memory = WindowMemory(model, windows, _identity(model, settings))
                _write(bag, unfinished, settings, types, memory, record, result, begin, step)
                _sync(unfinished)
            except BaseException:
                # Its room may be what is lacking; the windows are what took the time.
                shutil.rmtree(unfinished, ignore_errors=True)
                if not any(windows.glob('*.npy')):
                    shutil.rmtree(part, ignore_errors=True)
                raise
            if out.exists():
                shutil.rmtree(out)
            unfinished.rename(out)
            shutil.rmtree(part, ignore_errors=True)
    result.computed, result.remembered = memory.computed, memory.remembered
    return result


def _resolved(bag: BagInput, settings: BagSettings, remarks: list[str]) -> BagSettings:
    """Settings that name their topics and storage; ValueError where they do not fit the bag."""
    values: dict[str, Any] = dict(vars(settings))
    values['image'] = settings.image or bag.image_topic()
    bag.of(values['image'], (IMAGE, COMPRESSED))
    if settings.camera_info:
        bag.of(settings.camera_info, (CAMERA_INFO,))
    else:
        values['camera_info'] = bag.camera_info_topic(values['image']) or ''
        others = bag.topics((CAMERA_INFO,))
        if not values['camera_info'] and others:
            remarks.append(f'no camera_info beside {values["image"]}: --hfov is taken; there are '
                           f'{", ".join(others)} for --camera-info')
    if settings.scale_depth:
        bag.of(settings.scale_depth, (IMAGE,))
    values['storage'] = settings.storage or bag.storage
    taken = sorted({entry.topic for entry in bag.connections if settings.keeps(entry.topic)}
                   & {settings.topic(name) for name in settings.topics})
    if taken:
        raise ValueError(f'{bag.path} has {", ".join(taken)} already: choose another --namespace, '
                         'or do not --keep them')
    return BagSettings(**values)


def _made_before(source: Path, out: Path, record: dict[str, Any], overwrite: bool) -> bool:
    """Whether ``out`` is the result already; ValueError where it is something else."""
    if not out.exists():
        return False
    made = read_record(out)
    if made is None or out.resolve() == source.resolve():
        raise ValueError(f'{out} is there, is none of what `dvd-ros bag` made of this bag, and is '
                         'not replaced: choose another -o')
    if overwrite:
        return False
    if made != record:
        raise ValueError(f'{out} is there, but was made with {differences(made, record)}: '
                         '--overwrite replaces it, or choose another -o')
    return True


def read_record(bag: Path) -> dict[str, Any] | None:
    """What a bag was made of by `dvd-ros bag`; None for one that it did not make."""
    try:
        metadata = yaml.safe_load((bag / 'metadata.yaml').read_text())
        record = json.loads(metadata['rosbag2_bagfile_information']['custom_data'][RECORD])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return None
    return record if isinstance(record, dict) else None


def _write(bag: BagInput, folder: Path, settings: BagSettings, types: BagTypes,
           memory: WindowMemory, record: dict[str, Any], result: BagResult,
           begin: Callable[[int], None], step: Callable[[], None]) -> None:
    images = bag.of(settings.image, (IMAGE, COMPRESSED))
    infos = bag.of(settings.camera_info, (CAMERA_INFO,)) if settings.camera_info else []
    depths = bag.of(settings.scale_depth, (IMAGE,)) if settings.scale_depth else []
    read = {entry.id: entry for entry in (*images, *infos, *depths)}
    ids = [{entry.id for entry in entries} for entries in (images, infos, depths)]
    kept = {entry.id: entry for entry in bag.connections if settings.keeps(entry.topic)}
    expected = sum(entry.msgcount for entry in images)
    begin(expected)
    stream = BagStream(settings, types, memory, result.remarks.append)
    output = BagOutput(folder, settings.storage, types.store)
    try:
        copies = {key: output.copy(entry) for key, entry in kept.items()}
        added = {name: output.add(settings.topic(name), OUTPUTS[name])
                 for name in OUTPUTS if name in settings.topics}

        def advance(log_time: int | None) -> None:
            for name, at, data in stream.advance(log_time):
                output.push(added[name], at, data)

        # The first images have the first camera_info, which may come after them.
        first = bag.first(infos)
        if first is not None:
            stream.camera_info(first[2])
        for connection, log_time, data in bag.messages([*{**kept, **read}.values()]):
            if connection.id in copies:
                output.push(copies[connection.id], log_time, data)
            if connection.id in ids[0]:
                stream.image(log_time, settings.image, connection.msgtype, data)
                result.images += 1
                step()
            elif connection.id in ids[1]:
                stream.camera_info(data)
            elif connection.id in ids[2]:
                stream.depth(data)
            advance(log_time)
            horizon = stream.horizon
            output.release(log_time if horizon is None else horizon)
        advance(None)
        _remark(stream, result, expected)
        if not stream.frames:
            raise ValueError(f'no image of {settings.image} became depth: '
                             + ('; '.join(result.remarks) or 'the topic has no messages'))
        output.close({RECORD: json.dumps(record, sort_keys=True)})
    except BaseException:
        output.abort()
        raise


def _remark(stream: BagStream, result: BagResult, expected: int) -> None:
    result.frames = stream.frames
    result.metric = stream.newest is not None and bool(stream.newest.scale.metric)
    causes = stream.refused.most_common()
    for cause, count in causes[:_MOST_CAUSES]:
        result.remarks.append(f'{count} messages left out: {cause}')
    rest = sum(count for _, count in causes[_MOST_CAUSES:])
    if rest:
        result.remarks.append(f'{rest} messages left out for other causes')
    for cause, count in stream.stream.counters.dropped.items():
        if count:
            result.remarks.append(f'{count} images without depth: {cause}')
    if result.images != expected:
        result.remarks.append(f'the bag says that it has {expected} images, {result.images} were '
                              'found')


def _identity(model: PreparingModel, settings: BagSettings) -> str:
    """What the raw disparity of a window depends on besides its images."""
    return '\n'.join((settings.model, weights_of(settings.model), settings.codec, settings.device,
                      type(model).__name__, str(getattr(model, 'size', None))))


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Hold the folder against another process; the system lets go of it when this one ends."""
    with (part / 'lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ValueError(f'another process is at work in {part}: wait for it') from error
        yield


def _sync(folder: Path) -> None:
    """Bring the files to the disk before the bag gets its name."""
    for file in folder.iterdir():
        with file.open('rb') as opened:
            os.fsync(opened.fileno())

"""Figures, words and pictures of a stream that was recorded between its two ends."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dvd_ros.capture.source import Capture
from dvd_ros.evaluation.align import baselines, evaluate_disparity, fit_depth, valid_truth
from dvd_ros.evaluation.contact_sheet import write_contact_sheet
from dvd_ros.evaluation.metrics import all_metrics
from dvd_ros.evaluation.stream_record import StreamRecord
from dvd_ros.geometry.disparity import disparity_from_depth
from dvd_ros.geometry.points import write_ply

# Metres between which metric depth is turned back into disparity, for a fit.
_METRIC_RANGE = (0.1, 1000.0)


def stamp_faults(inputs: np.ndarray, depths: np.ndarray) -> list[str]:
    """
    Say what is wrong with the stamps of the depth images; empty if nothing is.

    ``inputs`` and ``depths`` are stamps in ns, in order of arrival. Each of ``depths`` has to be
    one of ``inputs``, there once, and later than the one before.
    """
    faults = []
    strange = int((~np.isin(depths, inputs)).sum())
    if strange:
        faults.append(f'{strange} of {len(depths)} stamps belong to no image')
    again = sum(count - 1 for count in Counter(depths.tolist()).values())
    if again:
        faults.append(f'{again} of {len(depths)} stamps came again')
    backwards = int((np.diff(depths) < 0).sum())
    if backwards:
        faults.append(f'{backwards} of {len(depths)} stamps are earlier than the one before')
    return faults


def figures(record: StreamRecord) -> dict[str, Any]:
    """
    Count and time a recorded stream.

    Returns numbers by name, None where there is nothing to measure. ``dropped``: images by
    cause, as the depth node counts them. ``lost_before``: images that never reached it.
    ``lost_after``: depth images that it published and that did not arrive. ``unfinished``:
    images that it still had in work. ``rate_in``: images per second. ``rate``: depth images per
    second, from the first image to the last depth. ``latency_p50``, ``latency_p95``: seconds from
    the stamp of an image to the arrival of its depth; ``first_depth``: the first of them.
    ``compute``: seconds of the newest run of network and alignment. ``window``, ``segments``: of
    the record.
    """
    counts = record.counts
    published = len(record.depths)
    latency = (record.arrivals - record.depths) * 1e-9
    p50, p95 = (float(v) for v in np.percentile(latency, (50, 95))) if published else (None, None)
    span = (record.inputs[-1] - record.inputs[0]) * 1e-9 if len(record.inputs) > 1 else 0.0
    whole = (record.arrivals[-1] - record.inputs[0]) * 1e-9 if published else 0.0
    return {
        'frames_in': len(record.inputs),
        'published': published,
        'dropped': {key.removeprefix('dropped_'): int(value) for key, value in counts.items()
                    if key.startswith('dropped_') and value},
        'lost_before': len(record.inputs) - int(counts['received']) if counts else None,
        'lost_after': int(counts['published']) - published if counts else None,
        'unfinished': int(counts['in_work']) if counts else None,
        'rate_in': (len(record.inputs) - 1) / span if span > 0 else None,
        'rate': published / whole if whole > 0 else None,
        'latency_p50': p50,
        'latency_p95': p95,
        'first_depth': float(latency[0]) if published else None,
        'compute': counts.get('compute_ms', 0.0) * 1e-3 or None,
        'window': record.window,
        'segments': record.segments,
        'stamp_faults': stamp_faults(record.inputs, record.depths),
    }


def true_depth(record: StreamRecord, capture: Capture,
               cut_short: bool = False) -> tuple[list[np.ndarray | None], str]:
    """
    Give the true depth of the kept frames, reduced as their depth is; None where unknown.

    The n-th image of the record is taken for the n-th frame of ``capture``, which is known to
    hold if all of them were seen, or if play was ``cut_short`` at the end. The text returned
    with the depth is empty, or says why there is none although the capture has it.
    """
    if not capture.has_truth:
        return [None] * len(record.kept), ''
    if not _all_seen(record, capture, cut_short):
        return [None] * len(record.kept), (
            f'Not compared with true depth: {len(record.inputs)} images were seen of '
            f'{capture.length}, so it is not known which they were.')
    truths: list[np.ndarray | None] = []
    for index, depth in zip(_frame_indices(record), record.depth, strict=True):
        truth = capture.truth(index) if index is not None else None
        truths.append(None if truth is None else cv2.resize(
            truth, depth.shape[::-1], interpolation=cv2.INTER_NEAREST))
    return truths, ''


def shown_images(record: StreamRecord, capture: Capture,
                 cut_short: bool = False) -> list[np.ndarray]:
    """
    Give the kept frames' images, uint8 [h',w',3] RGB, black where there is none.

    An image that did not reach the recorder is read again from the source, where it is a
    recording and it is known which of its frames it was (as in `true_depth`).
    """
    images = list(record.images)
    lost = {frame: place for place, frame in enumerate(_frame_indices(record))
            if frame is not None and not images[place].any()}
    if lost and not capture.live and _all_seen(record, capture, cut_short):
        for index, frame in enumerate(capture):
            if index in lost:
                place = lost.pop(index)
                images[place] = cv2.resize(frame.image, images[place].shape[1::-1],
                                           interpolation=cv2.INTER_AREA)
            if not lost:
                break
    return images


def accuracy(record: StreamRecord, truths: list[np.ndarray | None], near: float,
             far: float, metric: bool = False) -> dict[str, dict[str, float]]:
    """
    Score the kept depth against the truth, beside predictions that need no model.

    One least-squares scale and shift in disparity for all of it, see align.evaluate_disparity;
    ``near`` and ``far`` are the nominal metres of disparity 1 and 0. Returns scores by name
    ('dvd_ros', 'image row', 'constant'); empty where no pixel has both depth and truth. Where depth
    is ``metric`` there is 'as measured', too: of the metres as they are, without any fit.
    """
    near, far = _METRIC_RANGE if metric else (near, far)
    if not _comparable(record, truths, far):
        return {}
    depth, truth = _with_truth(record, truths)
    floors = baselines(truth)
    scores = {'as measured': all_metrics(depth, truth, np.isfinite(depth) & valid_truth(truth))
              } if metric else {}
    disparity = disparity_from_depth(depth, near, far)
    return {**scores, 'dvd_ros': evaluate_disparity(disparity, truth),
            'image row': floors['image row'], 'constant': floors['constant']}


def write_pictures(folder: Path, record: StreamRecord, images: list[np.ndarray],
                   truths: list[np.ndarray | None], near: float, far: float,
                   title: str, metric: bool = False) -> list[Path]:
    """
    Write contact_sheet.png and cloud.ply; returns the paths of those that could be made.

    ``images`` and ``truths`` are those of the kept frames (`shown_images`, `true_depth`).

    With true depth the depth on the sheet is in its metres, by the fit of `accuracy`; without, it
    is nominal, and so is the cloud. Depth that is ``metric`` is shown as it is. Raises OSError if
    a file cannot be written.
    """
    written = []
    near, far = _METRIC_RANGE if metric else (near, far)
    if len(record.kept):
        shown: list[np.ndarray] = list(record.depth)
        known: list[np.ndarray | None] | None = None
        if _comparable(record, truths, far):
            known = truths
            if not metric:
                disparity = disparity_from_depth(record.depth, near, far)
                hole = np.full(record.depth.shape[1:], np.nan, np.float32)
                shown = list(fit_depth(disparity, np.stack([hole if t is None else t
                                                            for t in truths])))
        start = record.inputs[0] if len(record.inputs) else record.depths[0]
        times = (record.depths[record.kept] - start) * 1e-9
        path = folder / 'contact_sheet.png'
        write_contact_sheet(path, images, shown, known, times.tolist(),
                            columns=5, width=180, title=title,
                            unit='m' if known or metric else 'm nominal')
        written.append(path)
    if len(record.points):
        path = folder / 'cloud.ply'
        write_ply(path, record.points, record.colours)
        written.append(path)
    return written


def table(result: dict[str, Any]) -> str:
    """
    Put what `figures` returned into lines for a terminal.

    ``result`` may further hold ``accuracy`` (of `accuracy`), ``scored`` (frames in it) and
    ``ready`` (seconds from the start of the program to the first depth).
    """
    def number(name: str, form: str) -> str:
        return '-' if result.get(name) is None else format(result[name], form)

    dropped = result['dropped']
    causes = ', '.join(f'{count} {cause.replace("_", " ")}' for cause, count in dropped.items())
    rows = [
        ('frames in', str(result['frames_in']), f'{number("rate_in", ".1f")} per second'),
        ('published', str(result['published']), ''),
        ('dropped', str(sum(dropped.values())), causes),
    ]
    for name, words in (('lost_before', 'images lost on the way to the depth node'),
                        ('lost_after', 'depth images lost on the way from it'),
                        ('unfinished', 'images still in work')):
        if result[name]:
            rows.append(('lost' if name != 'unfinished' else 'unfinished',
                         str(result[name]), words))
    rows += [
        ('rate', f'{number("rate", ".1f")} /s', 'depth images, from first image to last depth'),
        ('latency p50', f'{number("latency_p50", ".2f")} s', 'from image stamp to depth'),
        ('latency p95', f'{number("latency_p95", ".2f")} s', ''),
        ('computing', f'{number("compute", ".2f")} s',
         f'for a window of {result["window"]} frames, network and alignment'),
        ('first depth', f'{number("first_depth", ".2f")} s', 'after its image'
         + (f', {result["ready"]:.1f} s after the start' if result.get('ready') else '')),
    ]
    if result['segments'] > 1:
        rows.append(('segments', str(result['segments']), 'each on a scale of its own'))
    lines = [f'{name:<12} {value:>8}   {words}'.rstrip() for name, value, words in rows]
    if result.get('accuracy'):
        lines += ['', f'against true depth, {result["scored"]} frames, one scale and shift'
                  + (' but for the first:' if 'as measured' in result['accuracy'] else ':'),
                  f'{"":<12} {"AbsRel":>8} {"delta1":>8}']
        lines += [f'{name:<12} {scores["abs_rel"]:8.3f} {scores["delta1"]:8.3f}'
                  for name, scores in result['accuracy'].items()]
    return '\n'.join(lines)


def verdict(result: dict[str, Any]) -> str:
    """Say in one sentence whether the depth belongs to the images, from `figures`."""
    if not result['published']:
        return 'No depth was published.'
    if result['stamp_faults']:
        return f'WRONG: {"; ".join(result["stamp_faults"])}.'
    return ('Every depth image has the stamp of an input image; none came twice, '
            'all came in order.')


def _all_seen(record: StreamRecord, capture: Capture, cut_short: bool) -> bool:
    """Tell whether the n-th image of the record is the n-th frame of the source."""
    return len(record.inputs) == capture.length or cut_short


def _frame_indices(record: StreamRecord) -> list[int | None]:
    """Return which image of the record each kept depth belongs to; None for a strange stamp."""
    frame_of = {stamp: index for index, stamp in reversed(list(enumerate(record.inputs.tolist())))}
    return [frame_of.get(stamp) for stamp in record.depths[record.kept].tolist()]


def _with_truth(record: StreamRecord,
                truths: list[np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
    """Return depth and truth, both [T,h,w], of the kept frames that have one."""
    index = [i for i, truth in enumerate(truths) if truth is not None]
    if not index:
        return record.depth[:0], record.depth[:0]
    return record.depth[index], np.stack([truth for truth in truths if truth is not None])


def _comparable(record: StreamRecord, truths: list[np.ndarray | None], far: float) -> bool:
    """Tell whether any kept pixel has truth, and depth that the clip at ``far`` left alone."""
    depth, truth = _with_truth(record, truths)
    return bool(((depth < far) & np.isfinite(truth) & (truth > 0.0)).any())

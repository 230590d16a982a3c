"""Writes one depth frame to a folder: picture, depth, cloud and how it was scaled."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dvd_ros.geometry import Intrinsics, points_from_depth, write_ply
from dvd_ros.geometry.millimetres import millimetres
from dvd_ros.stream import DepthFrame


class SnapshotError(OSError):
    """A snapshot cannot be written; the text says why."""


def save_snapshot(done: DepthFrame, hfov: float, folder: str, limit: int) -> Path:
    """Write a frame into a new folder within `folder` and return its path.

    Files: `rgb.png`; `depth.npy` (float32 [H,W] metres) and `depth.png` (16 bit, millimetres, 0
    none); `cloud.ply`; `frame.json` (stamp, frame, intrinsics, alignment, scale). The name is the
    frame's stamp, in whole nanoseconds: nothing that comes by a topic or a service has a say in
    where is written. The new folder appears when it is complete.

    Parameters
    ----------
    done:
        the frame.
    hfov:
        horizontal field of view in radians, for a frame without intrinsics.
    folder:
        absolute path of the folder that all snapshots are in; it is made if its parent is there.
    limit:
        entries that it may hold.

    Raises
    ------
    SnapshotError
        where `folder` is empty or full, or anything cannot be written.

    """
    if not folder:
        raise SnapshotError('parameter snapshot_folder names no folder')
    try:
        root = Path(folder)
        root.mkdir(exist_ok=True)
        root = root.resolve(strict=True)
        if sum(1 for _ in root.iterdir()) >= limit:
            raise SnapshotError(f'{root} holds {limit} snapshots already (snapshot_limit); move '
                                'some away')
        # By mkdtemp nobody else can have put a link in its place.
        scratch = Path(tempfile.mkdtemp(prefix='.unfinished-', dir=root))
        try:
            _write(done, hfov, scratch)
            scratch.chmod(0o755)
            target = root / f'{int(done.stamp):020d}'
            if target.exists() or target.is_symlink():
                raise SnapshotError(f'{target} is there already')
            return scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except SnapshotError:
        raise
    except OSError as error:
        raise SnapshotError(f'snapshot failed: {error}') from error


def _write(done: DepthFrame, hfov: float, folder: Path) -> None:
    height, width = done.depth.shape
    image = done.frame.image
    intrinsics = (done.frame.intrinsics or Intrinsics.from_hfov(
        image.shape[1], image.shape[0], hfov)).scaled(width, height)
    for name, pixels in (('rgb.png', image[..., ::-1]), ('depth.png', millimetres(done.depth))):
        if not cv2.imwrite(str(folder / name), pixels):
            raise SnapshotError(f'{name} was not written')
    np.save(folder / 'depth.npy', done.depth)
    write_ply(folder / 'cloud.ply', points_from_depth(done.depth, intrinsics), image)
    (folder / 'frame.json').write_text(json.dumps(_words(done, intrinsics), indent=2) + '\n')


def _words(done: DepthFrame, intrinsics: Intrinsics) -> dict[str, Any]:
    fit, scale = done.alignment, done.scale
    return {
        'stamp_ns': int(done.stamp), 'frame_id': done.frame.frame_id,
        'intrinsics': asdict(intrinsics),
        'intrinsics_assumed': done.frame.intrinsics is None,
        'segment': done.segment, 'window': done.window,
        'alignment': {
            'scale': float(fit.scale), 'shift': float(fit.shift), 'cut': bool(fit.cut),
            'scale_sigma': _number(fit.scale_sigma), 'correlation': _number(fit.correlation)},
        'metric_scale': {
            'scale': float(scale.a), 'offset': float(scale.b), 'metric': bool(scale.metric),
            'nominal': bool(scale.nominal), 'relative_sigma': _number(scale.relative_sigma),
            'reason': scale.reason,
            'sources': {source.name: source.status for source in scale.sources}},
    }


def _number(value: float) -> float | None:
    """JSON knows no NaN and no infinity."""
    return float(value) if math.isfinite(value) else None

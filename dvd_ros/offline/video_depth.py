"""A recording to a folder of depth, previews and records."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dvd_ros.evaluation.contact_sheet import write_contact_sheet
from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.points import points_from_depth, write_ply
from dvd_ros.offline.depth_files import DepthFiles
from dvd_ros.offline.preview import Preview
from dvd_ros.stream.frame import DepthFrame

# Stamps, files and windows of the frames.
RECORD = 'alignment.json'
# Frames kept for the contact sheet, at most; every other one goes when there are more.
_KEPT, _WIDTH = 24, 240


@dataclass(frozen=True)
class VideoOutputs:
    """What is written: depth 'png', 'npz', 'exr' or 'none'; ply 'last', 'none' or every N-th."""

    depth: str = 'png'
    ply: str = 'last'
    preview: bool = True

    def __post_init__(self) -> None:
        if self.depth not in ('png', 'npz', 'exr', 'none'):
            raise ValueError(f'--depth must be png, npz, exr or none, got {self.depth!r}')
        if self.ply not in ('last', 'none') and not (self.ply.isdecimal() and int(self.ply) > 0):
            raise ValueError(f'--ply must be last, none or a number of frames, got {self.ply!r}')


class VideoDepth:
    """
    Takes depth frames in order and writes them into ``folder``; holds a few small ones only.

    hfov: radians, of frames without intrinsics. rate: Hz, of the preview. near, far: metres at
    the ends of its colours. Raises OSError where something cannot be written.
    """

    def __init__(self, folder: Path, outputs: VideoOutputs, rate: float, near: float, far: float,
                 hfov: float) -> None:
        self._folder, self._outputs, self._hfov = folder, outputs, hfov
        self._files = DepthFiles(folder / 'depth', outputs.depth) \
            if outputs.depth != 'none' else None
        self._preview = Preview(folder / 'preview.mp4', rate, near, far) \
            if outputs.preview else None
        self._every = int(outputs.ply) if outputs.ply.isdecimal() else 0
        self._windows: list[dict[str, Any]] = []
        self._frames: list[dict[str, Any]] = []
        self._kept: list[tuple[int, np.ndarray, np.ndarray]] = []
        self._stride = 1
        self._last: DepthFrame | None = None
        self.count = 0

    @property
    def too_far(self) -> int:
        """Pixels beyond what 16 bits of millimetres can say."""
        return self._files.too_far if self._files else 0

    def add(self, done: DepthFrame) -> None:
        """Write the next frame."""
        index, fit, scale = self.count, done.alignment, done.scale
        file = self._files.write(index, done.depth) if self._files else None
        if self._preview:
            self._preview.add(done.frame.image, done.depth)
        if not self._windows or self._windows[-1]['window'] != done.window:
            self._windows.append({
                'window': done.window, 'segment': done.segment, 'scale': float(fit.scale),
                'shift': float(fit.shift), 'scale_sigma': _number(fit.scale_sigma),
                'correlation': _number(fit.correlation), 'cut': bool(fit.cut),
                'metric': bool(scale.metric), 'metric_scale': float(scale.a),
                'metric_offset': float(scale.b),
                'metric_relative_sigma': _number(scale.relative_sigma)})
        self._frames.append({'stamp': done.stamp, 'window': done.window,
                             'file': str(file.relative_to(self._folder)) if file else None})
        if self._every and index % self._every == 0:
            self._cloud(done, f'cloud_{index:06d}.ply')
        if index % self._stride == 0:
            self._keep(index, done)
        self._last = done
        self.count += 1

    def close(self, title: str) -> None:
        """Write what is known at the end only."""
        if self._preview:
            self._preview.close()
        (self._folder / RECORD).write_text(json.dumps(
            {'windows': self._windows, 'frames': self._frames}, indent=1) + '\n')
        if self._last is None:
            return
        if self._outputs.ply == 'last':
            self._cloud(self._last, 'cloud.ply')
        write_contact_sheet(
            self._folder / 'contact.png', [image for _, image, _ in self._kept],
            [depth for _, _, depth in self._kept], None,
            [(self._frames[at]['stamp'] - self._frames[0]['stamp']) * 1e-9
             for at, _, _ in self._kept],
            title=title, unit='m' if self._last.scale.metric else 'm nominal')

    def _keep(self, index: int, done: DepthFrame) -> None:
        height, width = done.frame.size
        size = min(width, _WIDTH), max(1, round(height * min(1.0, _WIDTH / width)))
        self._kept.append((
            index, cv2.resize(done.frame.image, size, interpolation=cv2.INTER_AREA),
            cv2.resize(done.depth, size, interpolation=cv2.INTER_NEAREST)))
        if len(self._kept) == _KEPT:
            del self._kept[1::2]
            self._stride *= 2

    def _cloud(self, done: DepthFrame, name: str) -> None:
        height, width = done.frame.size
        camera = done.frame.intrinsics or Intrinsics.from_hfov(width, height, self._hfov)
        write_ply(self._folder / name, points_from_depth(done.depth, camera), done.frame.image)


def _number(value: float) -> float | None:
    """JSON has neither NaN nor infinity."""
    return float(value) if math.isfinite(value) else None

"""What a training tells: a bar, metrics.jsonl, TensorBoard, and a curve drawn of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from dvd_ros.evaluation.drift_plot import Panel, draw

_log = logging.getLogger(__name__)
METRICS, CURVE = 'metrics.jsonl', 'curve.png'


def tensorboard_there() -> bool:
    """Tell whether TensorBoard can be logged for; where not, print what is needed."""
    if find_spec('tensorboard') or find_spec('tensorboardX'):
        return True
    print('no TensorBoard log: the package tensorboard is not installed '
          '(pip install -r requirements/train.txt); metrics.jsonl and curve.png are written')
    return False


class Journal:
    """Lines of metrics in a folder; what lies beyond the step that a run goes on from is cut.

    A disk that is full stops the lines, with a warning, not the training.
    """

    def __init__(self, folder: Path, step: int) -> None:
        path = folder / METRICS
        part = path.with_suffix('.part')
        kept = [line for line in read_metrics(folder) if line['step'] <= step]
        part.write_text(''.join(json.dumps(line) + '\n' for line in kept), encoding='utf-8')
        part.replace(path)
        self._file: FileIO | None = path.open('ab', buffering=0)

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """Add a line; ``step``: how many are done."""
        if self._file is None:
            return
        try:
            self._file.write((json.dumps({'step': step, **values}) + '\n').encode())
        except OSError as error:
            _log.warning('no more metrics are written after step %d: %s', step - 1, error)
            self.close()

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a folder's metrics; a last one that was cut off is left out."""
    return list(_lines(folder / METRICS))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text(encoding='utf-8').splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return


def draw_curve(folder: Path) -> None:
    """Draw loss and held-out loss against hours and against frames as `curve.png`."""
    lines = [line for line in read_metrics(folder) if 'total' in line or 'held_out' in line]
    train = [line for line in lines if 'total' in line]
    held = [line for line in lines if 'held_out' in line]
    if len(train) < 2:
        return
    panels = []
    for name, axis, unit in (('against time', 'seconds', 3600.0), ('against data', 'frames', 1e3)):
        shown = {'training': _line(train, axis, unit, 'total', smooth=max(1, len(train) // 50))}
        if held:
            shown['held out'] = _line(held, axis, unit, 'held_out')
        values = np.concatenate([y for _, y in shown.values()])
        low, high = float(values.min()), float(values.max())
        panels.append(Panel(f'loss {name}', 'hours' if axis == 'seconds' else '1000 frames', shown,
                            (max(0.9 * low, 1e-6), 1.1 * max(high, 1.1 * low, 2e-6)), True))
    if all(float(x[-1]) > 0 for panel in panels for x, _ in panel.lines.values()):
        draw(folder / CURVE, panels)


def _line(lines: list[dict[str, Any]], axis: str, unit: float, value: str,
          smooth: int = 1) -> tuple[np.ndarray, np.ndarray]:
    x = np.array([line[axis] for line in lines]) / unit
    y = np.array([line[value] for line in lines])
    weights = np.ones(smooth) / smooth
    return x[smooth - 1:], np.convolve(y, weights, 'valid')

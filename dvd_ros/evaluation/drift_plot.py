"""Line plots as one PNG, drawn with OpenCV alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

# BGR, in the order of the lines.
_COLOURS = ((60, 60, 220), (30, 140, 240), (160, 100, 20), (60, 140, 40))
_BLACK, _GREY = (40, 40, 40), (215, 215, 215)
_WIDTH, _HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 34, 42
_FONT, _LEGEND = cv2.FONT_HERSHEY_SIMPLEX, 0.36


@dataclass(frozen=True, eq=False)
class Panel:
    """
    One pair of axes.

    lines: by name, x [N] and y [N]. limits: of y; what lies outside is drawn at the edge.
    logarithmic: y on a logarithmic axis.
    """

    title: str
    x_name: str
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]]
    limits: tuple[float, float]
    logarithmic: bool = False


def draw(path: Path, panels: Sequence[Panel], columns: int = 2) -> None:
    """Write the panels, row by row, as a PNG; raises OSError where that cannot be written."""
    rows = -(-len(panels) // columns)
    sheet = np.full((rows * _HEIGHT, columns * _WIDTH, 3), 255, np.uint8)
    for i, panel in enumerate(panels):
        y, x = divmod(i, columns)
        sheet[y * _HEIGHT:(y + 1) * _HEIGHT, x * _WIDTH:(x + 1) * _WIDTH] = _panel(panel)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), sheet):
        raise OSError(f'cannot write {path}')


def _panel(panel: Panel) -> np.ndarray:
    image = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    most = max(float(x[-1]) for x, _ in panel.lines.values())
    scaled = np.log if panel.logarithmic else np.asarray
    low, high = (float(scaled(limit)) for limit in panel.limits)

    def column(x: np.ndarray | float) -> np.ndarray:
        return _LEFT + width * np.asarray(x) / most

    def row(y: np.ndarray | float) -> np.ndarray:
        y = np.clip(np.nan_to_num(np.asarray(y, float)), *panel.limits)
        return _TOP + height * (1.0 - (scaled(y) - low) / (high - low))

    for tick in _ticks(panel.limits, panel.logarithmic):
        at = int(round(float(row(tick))))
        cv2.line(image, (_LEFT, at), (_LEFT + width, at), _GREY, 1)
        _text(image, f'{tick:g}', (8, at + 4))
    for tick in _ticks((0.0, most), False):
        at = int(round(float(column(tick))))
        cv2.line(image, (at, _TOP), (at, _TOP + height), _GREY, 1)
        _text(image, f'{tick:g}', (at - 10, _TOP + height + 15))
    _text(image, panel.title, (_LEFT, 20), 0.42)
    _text(image, panel.x_name, (_LEFT + width // 2 - 20, _HEIGHT - 8))
    legend = _LEFT + 190
    for i, (name, (x, y)) in enumerate(panel.lines.items()):
        colour = _COLOURS[i % len(_COLOURS)]
        points = np.stack([column(x), row(y)], axis=1)
        # Sixteenths of a pixel.
        cv2.polylines(image, [np.round(points * 16).astype(np.int32)], False, colour, 1,
                      cv2.LINE_AA, 4)
        _text(image, name, (legend, 20), _LEGEND, colour)
        legend += cv2.getTextSize(name, _FONT, _LEGEND, 1)[0][0] + 16
    cv2.rectangle(image, (_LEFT, _TOP), (_LEFT + width, _TOP + height), _BLACK, 1)
    return image


def _text(image: np.ndarray, text: str, at: tuple[int, int], size: float = 0.36,
          colour: tuple[int, int, int] = _BLACK) -> None:
    cv2.putText(image, text, at, _FONT, size, colour, 1, cv2.LINE_AA)


def _ticks(limits: tuple[float, float], logarithmic: bool) -> list[float]:
    low, high = limits
    if logarithmic:
        steps = [m * 10.0 ** e for e in range(-6, 7) for m in (1, 2, 5)]
        return [s for s in steps if low <= s <= high]
    raw = (high - low) / 5
    base = 10.0 ** np.floor(np.log10(raw))
    step = base * min((1, 2, 5, 10), key=lambda m: abs(np.log(m * base / raw)))
    count = int(np.floor(high / step + 1e-9)), int(np.ceil(low / step - 1e-9))
    return [round(k * step, 10) for k in range(count[1], count[0] + 1)]

"""Curves over time as SVG, for a page that loads nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9')
_WIDTH, _HEIGHT = 520, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 30, 34
_TICKS = 5
# Decimals of a pixel; a curve has one point per frame.
_PLACES = 1


def curves(title: str, times: Sequence[float], lines: Mapping[str, Sequence[float]],
           x_name: str = 'seconds') -> str:
    """
    Draw lines over one axis of time; where a value is NaN a line is broken.

    ``times``: [N], rising. ``lines``: values [N] by name. Returns an ``<svg>`` element, all texts
    escaped; '' where there is no value at all.
    """
    values = np.concatenate([np.asarray(line, float) for line in lines.values()])
    values = values[np.isfinite(values)]
    if not values.size:
        return ''
    low, high, y_step = _axis(float(values.min()), float(values.max()))
    first, last = float(times[0]), float(times[-1])
    last = last if last > first else first + 1.0
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(time: float) -> float:
        return round(_LEFT + width * (time - first) / (last - first), _PLACES)

    def y(value: float) -> float:
        return round(_TOP + height * (high - value) / (high - low), _PLACES)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
             f'<title>{escape(title)}</title>',
             f'<text class="head" x="{_LEFT}" y="14">{escape(title)}</text>']
    for tick in _ticks(low, high, y_step):
        parts += [f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick)}" '
                  f'y2="{y(tick)}"/>',
                  f'<text x="{_LEFT - 5}" y="{y(tick) + 4}" text-anchor="end">'
                  f'{_number(tick, y_step)}</text>']
    x_step = _step((last - first) / _TICKS)
    for tick in _ticks(first, last, x_step):
        parts.append(f'<text x="{x(tick)}" y="{_HEIGHT - 19}" text-anchor="middle">'
                     f'{_number(tick, x_step)}</text>')
    parts.append(f'<text x="{_LEFT + width / 2}" y="{_HEIGHT - 5}" text-anchor="middle">'
                 f'{escape(x_name)}</text>')
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = [(x(time), y(value)) if math.isfinite(value) else None
                  for time, value in zip(times, line, strict=True)]
        parts.append(f'<g stroke="{colour}" fill="none"><title>{escape(name)}</title>'
                     f'{_runs(points)}</g>')
    if len(lines) > 1:
        # Beside each other above the curves, as far apart as their names need.
        at = float(_LEFT)
        for number, name in enumerate(lines):
            colour = COLOURS[number % len(COLOURS)]
            parts.append(f'<text x="{at}" y="26" fill="{colour}" style="fill:{colour}">'
                         f'&#9644; {escape(name)}</text>')
            at += 22 + 6.2 * len(name)
    return '\n'.join([*parts, '</svg>'])


def _runs(points: Sequence[tuple[float, float] | None]) -> str:
    """Draw the unbroken parts of a line; a point alone is a dot."""
    parts: list[str] = []
    run: list[tuple[float, float]] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
            continue
        if len(run) == 1:
            parts.append(f'<circle cx="{run[0][0]}" cy="{run[0][1]}" r="1.5"/>')
        elif run:
            parts.append('<polyline points="' + ' '.join(f'{x},{y}' for x, y in run) + '"/>')
        run = []
    return ''.join(parts)


def _axis(low: float, high: float) -> tuple[float, float, float]:
    """Limits of an axis at whole steps around the values, and the step."""
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-9):
        low, high = low - 0.05 * abs(low) - 1e-6, high + 0.05 * abs(high) + 1e-6
    if 0.0 < low < 0.5 * high:
        low = 0.0
    step = _step((high - low) / _TICKS)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step


def _step(least: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)


def _ticks(low: float, high: float, step: float) -> list[float]:
    first = math.ceil(low / step - 1e-6)
    return [number * step for number in range(first, math.floor(high / step + 1e-6) + 1)]


def _number(value: float, step: float) -> str:
    return f'{value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}'

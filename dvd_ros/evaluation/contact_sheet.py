"""A clip on one picture: image, depth, true depth and error over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

_GAP, _LABEL, _BAR, _HEAD = 6, 86, 92, 30
# Letters of a name in a line of the label.
_DETAIL = 13
_PAPER, _INK, _HOLE = 255, (30, 30, 30), 128
_WORST_ERROR = 0.5
# What stands beside a row of pictures (its lines), the pictures, and the bar of their colours.
_Row = tuple[str, list[np.ndarray], np.ndarray | None]


def contact_sheet(images: Sequence[np.ndarray], depth: Sequence[np.ndarray],
                  truth: Sequence[np.ndarray | None] | None = None,
                  times: Sequence[float] | None = None, columns: int = 6, width: int = 240,
                  title: str = '', unit: str = 'm') -> np.ndarray:
    """
    Draw evenly spaced frames of a clip side by side.

    Parameters
    ----------
    images
        uint8 [H,W,3] RGB, one per frame.
    depth
        float [H,W] per frame, metres, NaN where there is none. For an error that means something
        it has to be in the metres of the truth: see align.fit_depth.
    truth
        float [H,W] or None per frame, metres, NaN or 0 where unknown. Without any, the rows of
        true depth and error are left out.
    times
        Seconds per frame, written above the columns; else frame numbers are.
    columns, width
        Most frames shown, and the width of each in pixels.
    title, unit
        Written above and beside the colour bar, for instance 'm (nominal)'.

    Returns
    -------
    uint8 [h,w,3] RGB. Depth is coloured by inverse depth, near is red; error is
    |depth - truth| / truth, from black (0) to bright (50 % and more); grey is no value.

    Raises
    ------
    ValueError
        If there is no frame, the lists differ in length, or columns or width are too small.

    """
    return comparison_sheet(images, {'': depth}, truth, times, columns, width, title, unit)


def comparison_sheet(images: Sequence[np.ndarray], depths: Mapping[str, Sequence[np.ndarray]],
                     truth: Sequence[np.ndarray | None] | None = None,
                     times: Sequence[float] | None = None, columns: int = 6, width: int = 240,
                     title: str = '', unit: str = 'm') -> np.ndarray:
    """
    Draw contact_sheet for several predictions of the same frames, one below the other.

    ``depths``: what contact_sheet takes as depth, by a name that stands beside it. All share one
    scale of colours. The other arguments, result and errors are those of contact_sheet.
    """
    count = len(images)
    for depth in depths.values():
        if count == 0 or len(depth) != count:
            raise ValueError(f'a contact sheet needs one depth per image and at least one, got '
                             f'{count} images and {len(depth)} depths')
    for name, given in (('truth', truth), ('times', times)):
        if given is not None and len(given) != count:
            raise ValueError(f'{name} must have one entry per image, got {len(given)} for {count}')
    if columns < 1 or width < 32:
        raise ValueError(f'columns must be at least 1 and width 32 pixels, got {columns}, {width}')

    shown = np.unique(np.linspace(0, count - 1, min(columns, count)).round().astype(int))
    size = (width, round(width * images[0].shape[0] / images[0].shape[1]))
    drawn = {name: [_valid(depth[i]) for i in shown] for name, depth in depths.items()}
    first = next(iter(drawn.values()))
    truths = ([] if truth is None else
              [np.full_like(d, np.nan) if truth[i] is None else _valid(truth[i])
               for i, d in zip(shown, first, strict=True)])
    if all(np.isnan(one).all() for one in truths):
        truths = []
    near, far = depth_range(truths or [one for depth in drawn.values() for one in depth])

    depth_bar = _depth_bar(size[1], near, far, unit)
    rows: list[_Row] = [
        ('image', [cv2.resize(images[i], size, interpolation=cv2.INTER_AREA) for i in shown], None)]
    true_row: list[_Row] = []
    if truths:
        nearest = [1.0 / _dense(1.0 / t, width) for t in truths]
        true_row = [('true depth', [_resized(_colour_depth(t, near, far), size) for t in nearest],
                     depth_bar)]
    if len(drawn) > 1:
        rows += true_row
    for name, depth in drawn.items():
        rows.append((f'depth\n{name}', [_resized(_colour_depth(d, near, far), size)
                                        for d in depth], depth_bar))
        if truths:
            errors = [_dense(np.abs(d - t) / t, width) for d, t in zip(depth, truths, strict=True)]
            rows += true_row if len(drawn) == 1 else []
            rows.append((f'error\n{name}', [_resized(_colour_error(e), size) for e in errors],
                         _error_bar(size[1])))
    heads = [f't = {times[i]:.2f} s' if times is not None else f'frame {i}' for i in shown]
    return _compose(rows, heads, size, title)


def write_contact_sheet(path: str | Path, images: Sequence[np.ndarray],
                        depth: Sequence[np.ndarray],
                        truth: Sequence[np.ndarray | None] | None = None,
                        times: Sequence[float] | None = None, columns: int = 6,
                        width: int = 240, title: str = '', unit: str = 'm') -> None:
    """Write contact_sheet (same arguments) to an image file; OSError if that fails."""
    sheet = contact_sheet(images, depth, truth, times, columns, width, title, unit)
    if not cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
        raise OSError(f'cannot write the contact sheet {path}: is its folder there and writable?')


def colour_depth(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    """Colour metres [H,W] by inverse depth: near red, far blue, none grey; uint8 [H,W,3] RGB."""
    return _colour_depth(_valid(depth), near, far)


def _valid(depth: np.ndarray | None) -> np.ndarray:
    depth = np.asarray(depth, np.float32)
    return np.where(np.isfinite(depth) & (depth > 0.0), depth, np.float32(np.nan))


def depth_range(depths: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return (near, far) in metres between which nearly all depths [H,W] lie, never equal."""
    values = np.concatenate([depth[np.isfinite(depth)] for depth in depths])
    if values.size == 0:
        return 1.0, 2.0
    near, far = (float(value) for value in np.percentile(values, (1.0, 99.0)))
    return near, max(far, near * 1.05)


def _colour_depth(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    return _colours((1.0 / depth - 1.0 / far) / (1.0 / near - 1.0 / far), cv2.COLORMAP_TURBO)


def _colour_error(error: np.ndarray) -> np.ndarray:
    return _colours(error / _WORST_ERROR, cv2.COLORMAP_INFERNO)


def _colours(unit: np.ndarray, colormap: int) -> np.ndarray:
    levels = (np.clip(np.nan_to_num(unit), 0.0, 1.0) * 255.0).round().astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, colormap), cv2.COLOR_BGR2RGB)
    colours[~np.isfinite(unit)] = _HOLE
    return colours


def _dense(values: np.ndarray, width: int) -> np.ndarray:
    """Widen the points of sparse values (lidar), so that a smaller picture still shows them."""
    found = np.isfinite(values)
    if found.mean() > 0.3:
        return values
    reach = 2 * -(-values.shape[1] // width) + 1
    spread = cv2.dilate(np.where(found, values, -1.0).astype(np.float32),
                        np.ones((reach, reach), np.uint8))
    return np.where(spread >= 0.0, spread, np.float32(np.nan))


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    # Averaging colours would invent depths.
    return cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)


def _depth_bar(height: int, near: float, far: float, unit: str) -> np.ndarray:
    at = np.linspace(0.0, 1.0, 5)
    labels = [f'{1.0 / (1.0 / near + part * (1.0 / far - 1.0 / near)):.3g}' for part in at]
    return _bar(height, cv2.COLORMAP_TURBO, labels, unit)


def _error_bar(height: int) -> np.ndarray:
    labels = [f'{100 * _WORST_ERROR * (1 - part):.3g}' for part in np.linspace(0.0, 1.0, 5)]
    labels[0] = '>' + labels[0]
    return _bar(height, cv2.COLORMAP_INFERNO, labels, '% of truth')


def _bar(height: int, colormap: int, labels: list[str], unit: str) -> np.ndarray:
    """Draw a vertical colour bar, the highest value on top; labels from top to bottom."""
    bar = np.full((height, _BAR, 3), _PAPER, np.uint8)
    top, bottom = 20, height - 8
    ramp = np.linspace(1.0, 0.0, bottom - top)[:, None].repeat(14, axis=1)
    bar[top:bottom, 2:16] = _colours(ramp, colormap)
    for part, label in zip(np.linspace(0.0, 1.0, len(labels)), labels, strict=True):
        y = round(top + part * (bottom - top - 1))
        bar[y, 16:20] = _INK
        _write(bar, label, 23, y + 4, 0.38)
    _write(bar, unit, 2, 11, 0.38)
    return bar


def _compose(rows: list[_Row], heads: list[str], size: tuple[int, int],
             title: str) -> np.ndarray:
    width, height = size
    top = _HEAD + (_HEAD if title else 0)
    sheet = np.full((top + len(rows) * (height + _GAP),
                     _LABEL + len(heads) * (width + _GAP) + _BAR, 3), _PAPER, np.uint8)
    if title:
        _write(sheet, title, _GAP, 22, 0.6)
    for column, head in enumerate(heads):
        _write(sheet, head, _LABEL + column * (width + _GAP) + 2, top - 9, 0.45)
    for row, (label, pictures, bar) in enumerate(rows):
        y = top + row * (height + _GAP)
        name, _, detail = label.partition('\n')
        _write(sheet, name, _GAP, y + height // 2 + 5, 0.45)
        for line, at in enumerate(range(0, len(detail), _DETAIL)):
            _write(sheet, detail[at:at + _DETAIL], _GAP, y + height // 2 + 20 + 12 * line, 0.32)
        for column, picture in enumerate(pictures):
            x = _LABEL + column * (width + _GAP)
            sheet[y:y + height, x:x + width] = picture
        if bar is not None:
            sheet[y:y + height, -_BAR:] = bar
    return sheet


def _write(image: np.ndarray, text: str, x: int, y: int, size: float) -> None:
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)

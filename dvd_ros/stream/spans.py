"""Which frames of a finite clip make up which window."""

from __future__ import annotations


def window_spans(frames: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """
    Cut a clip into overlapping windows, as the published DVD inference does.

    Returns [(start, end), ...], end exclusive. Windows start ``size - overlap`` frames apart; the
    last is moved back so that it is full too, and then overlaps more. A clip of at most ``size``
    frames is one window.

    Raises ValueError unless frames >= 1, size >= 1 and 0 <= overlap < size.
    """
    if frames < 1:
        raise ValueError(f'a clip needs at least 1 frame, got {frames}')
    if size < 1:
        raise ValueError(f'a window needs at least 1 frame, got {size}')
    if not 0 <= overlap < size:
        raise ValueError(f'overlap must be in 0..size-1 = 0..{size - 1} frames, got {overlap}')
    if frames <= size:
        return [(0, frames)]
    starts = list(range(0, frames - size, size - overlap)) + [frames - size]
    return [(start, start + size) for start in starts]

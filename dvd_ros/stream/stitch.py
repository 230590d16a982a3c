"""The published DVD rule for a finite clip: align each window to the last, blend the overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dvd_ros.stream.overlap_fit import least_squares

SCALE_LIMITS = (0.7, 1.5)


def dvd_scale_shift(current: np.ndarray, reference: np.ndarray,
                    scale_only: bool = False) -> tuple[float, float]:
    """
    Return (scale, shift) of DVD's rule: least squares, then the scale clipped to 0.7..1.5.

    The shift is not solved again after clipping; that is what was published.
    """
    if scale_only:
        current = np.asarray(current, np.float64)
        scale = float(np.sum(current * reference) / (np.sum(current * current) + 1e-6))
        shift = 0.0
    else:
        scale, shift = least_squares(current, reference)
    return float(np.clip(scale, *SCALE_LIMITS)), shift


def stitch(windows: Sequence[np.ndarray], spans: Sequence[tuple[int, int]],
           scale_only: bool = False) -> np.ndarray:
    """
    Join the raw disparities of a clip's windows into one.

    Parameters
    ----------
    windows
        One float array [T,H,W,C] (or [T,H,W]) per span, relative disparity. Frames beyond the
        span's length are padding and are dropped.
    spans
        (start, end) per window, as from window_spans: the first starts at 0, none leaves a gap.
    scale_only
        Fit a scale without a shift.

    Returns
    -------
    float32 [frames,H,W,C] (or [frames,H,W]), not negative from the second window on.

    Raises
    ------
    ValueError
        If windows and spans do not fit together.

    Notes
    -----
    Source: sliding-window inference of EnVision-Research/DVD. For live use see WindowAligner:
    here the overlap is blended, that is, frames already returned would change.

    """
    if len(windows) != len(spans) or not windows:
        raise ValueError(f'stitch needs one window per span and at least one, got {len(windows)} '
                         f'windows and {len(spans)} spans')
    result = np.empty((max(end for _, end in spans), *windows[0].shape[1:]), np.float32)
    done = 0
    for index, (window, (start, end)) in enumerate(zip(windows, spans, strict=True)):
        overlap = done - start
        if start < 0 or overlap < 0 or end <= done:
            raise ValueError(f'span {index} = ({start}, {end}) does not go on from frame {done}')
        if len(window) < end - start or window.shape[1:] != windows[0].shape[1:]:
            raise ValueError(f'window {index} is {list(window.shape)}, its span needs '
                             f'{[end - start, *windows[0].shape[1:]]}')
        window = window[:end - start]
        if overlap == 0:
            result[start:end] = window
        else:
            tail = result[start:done]
            scale, shift = dvd_scale_shift(window[:overlap], tail, scale_only)
            aligned = np.maximum(window * np.float32(scale) + np.float32(shift), 0.0)
            alpha = np.linspace(0.0, 1.0, overlap, dtype=np.float32)
            alpha = alpha.reshape(-1, *[1] * (window.ndim - 1))
            result[start:done] = (1.0 - alpha) * tail + alpha * aligned[:overlap]
            result[done:end] = aligned[overlap:]
        done = end
    return result

"""Live alignment: every window to the scale of its segment, without drift."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.stream.alignment import Alignment, to_stream_scale
from dvd_ros.stream.chain import MIN_CORRELATION, ScaleChain
from dvd_ros.stream.config import StreamConfig
from dvd_ros.stream.overlap_fit import correlation_of, robust_sd_ratio
from dvd_ros.stream.published_rule import PublishedRule
from dvd_ros.stream.sampling import sample

# Two windows that see the same frames otherwise than this have nothing to do with each other.
_CUT_CORRELATION = 0.2


class WindowAligner:
    """
    Brings raw window disparities to one scale, window after window.

    ``config.rule='bounded'``: compare the raw overlap with the raw tail of the window before
    (robust ratio of standard deviations), compose with that tail's own scale and shift, and fuse
    with a weak prior at (1, 0); see ScaleChain. The segment's scale is that of its first window.
    Where both windows see a structure in the overlap but not the same one, a new segment begins
    with a scale of its own (``cut``).

    ``config.rule='dvd'``: the rule published with DVD, as in `stitch`; it knows no cuts, and its
    scale decays on long streams.
    """

    def __init__(self, config: StreamConfig | None = None) -> None:
        self._bounded = (config or StreamConfig()).rule == 'bounded'
        self._segment = -1
        self.reset()

    def reset(self, cut: bool = False) -> None:
        """
        Forget the past: the next window begins a new segment with a scale of its own.

        ``cut``: say of that window that it shows another scene.
        """
        self._raw: np.ndarray | None = None  # last window, sampled
        self._shape: tuple[int, ...] = ()
        self._chain, self._published_rule = ScaleChain(), PublishedRule()
        self._cut = cut

    def align(self, raw: np.ndarray, new: int) -> Alignment:
        """
        Align the next window.

        Parameters
        ----------
        raw
            float [T,H,W], the model's relative disparity (0 farthest, 1 nearest); NaN is ignored
            in the fit.
        new
            How many frames at its end were in no window before. The T - new before them must be
            the last frames of the previous window.

        Returns
        -------
        Alignment
            With float32 [new,H,W] of its own memory, never written to again.

        Raises
        ------
        ValueError
            If the shapes do not fit; the aligner is as before then.

        """
        if raw.ndim != 3 or not 1 <= new <= len(raw):
            raise ValueError(f'align needs raw [T,H,W] with new in 1..T, got {list(raw.shape)} '
                             f'and new={new}')
        sampled = sample(raw).astype(np.float64)
        overlap = len(raw) - new
        if self._raw is not None:
            if raw.shape[1:] != self._shape:
                raise ValueError(f'window is {list(raw.shape[1:])}, the one before was '
                                 f'{list(self._shape)}; call reset() first')
            if overlap > len(self._raw):
                raise ValueError(f'window shares {overlap} frames with the one before, which had '
                                 f'only {len(self._raw)}')
        cut, correlation = self._cut, math.nan
        self._cut = False
        before = self._line
        if self._bounded and self._raw is not None:
            correlation, cut = self._follow(sampled, overlap)
        elif not self._bounded:
            correlation = self._published_rule.follow(sampled, overlap)
        if cut:
            self._chain = ScaleChain()
        disagreement = None
        if cut or self._raw is None:
            self._segment += 1
        elif overlap:
            disagreement = _disagreement(sampled[:overlap], self._line,
                                         self._raw[-overlap:], before)
        self._raw, self._shape = sampled, raw.shape[1:]

        scale, shift = self._line
        return Alignment(to_stream_scale(raw[overlap:], scale, shift), scale, shift,
                         self._chain.scale_sigma if self._bounded else math.nan, correlation,
                         self._segment, cut, disagreement)

    @property
    def _line(self) -> tuple[float, float]:
        """Scale and shift of the newest window."""
        rule = self._chain if self._bounded else self._published_rule
        return rule.scale, rule.shift

    def _follow(self, sampled: np.ndarray, overlap: int) -> tuple[float, bool]:
        """Take the chain to the window `sampled`; return the correlation and whether it broke."""
        assert self._raw is not None
        if overlap == 0:
            self._chain.unlinked()
            return math.nan, False
        current, past = sampled[:overlap], self._raw[-overlap:]
        fit = robust_sd_ratio(current, past)
        # The fit's weights hide how many pixels disagree; without them a few may hide the rest.
        if (fit.solved and fit.correlation < MIN_CORRELATION
                and correlation_of(current, past) < _CUT_CORRELATION):
            return fit.correlation, True
        self._chain.follow(fit, len(sampled) - overlap)
        return fit.correlation, False


def _disagreement(current: np.ndarray, line: tuple[float, float], past: np.ndarray,
                  past_line: tuple[float, float]) -> np.ndarray:
    """Mean over time of |current - past|, both [T,h,w] raw, each by its own scale and shift."""
    apart = current * line[0] - past * past_line[0] + (line[1] - past_line[1])
    return np.abs(apart, out=apart).mean(axis=0).astype(np.float32)

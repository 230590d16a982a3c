"""Live alignment: every window to the scale of its segment, without drift."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.stream.alignment import Alignment
from dvd_ros.stream.config import RULES
from dvd_ros.stream.overlap_fit import robust_sd_ratio
from dvd_ros.stream.stitch import dvd_scale_shift

# Pixels per frame that take part in the fit; more cost time and add nothing.
_SAMPLES = 8192
# The model's output is normalised to 0..1, so each window by itself is about (scale 1, shift 0):
# the prior that keeps a chain of any length in bounds. On rendered clips (0.2, 0.1) errs less by
# 0.003 to 0.02 AbsRel, but on real video mini's frames differ by their place in the window, which
# the chain takes for a shift of the scene: that walks to 0.5 in 6 s there, with this one to 0.2.
_PRIOR_SIGMA = (0.05, 0.025)
# Errors of a window are smooth over the image and its frames: so many are independent.
_INDEPENDENT = 32.0
# Below this correlation the overlap says nothing of the scale.
_MIN_CORRELATION = 0.5
# Scale uncertainty (relative) of a window whose overlap says nothing.
_UNKNOWN_SIGMA = 0.2


class WindowAligner:
    """
    Brings raw window disparities to one scale, window after window.

    ``rule='bounded'``: compare the raw overlap with the raw tail of the window before (robust
    ratio of standard deviations), compose with that tail's own scale and shift, and fuse with a
    weak prior at (1, 0): a two-state Kalman filter whose error does not grow with the number of
    windows. The segment's scale is that of its first window.

    ``rule='dvd'``: the rule published with DVD, as in `stitch`; its scale decays on long streams.

    Raises ValueError for an unknown rule.
    """

    def __init__(self, rule: str = 'bounded') -> None:
        if rule not in RULES:
            raise ValueError(f'rule must be one of {", ".join(RULES)}, got {rule!r}')
        self._rule = rule
        self._segment = -1
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next window begins a new segment with a scale of its own."""
        self._raw: np.ndarray | None = None        # last window, sampled
        self._reference: np.ndarray | None = None  # the same on the stream's scale ('dvd' only)
        self._shape: tuple[int, ...] = ()
        self._state = np.array([1.0, 0.0])         # scale, shift of the last window
        self._covariance = np.zeros((2, 2))

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
        step = max(1, math.ceil(math.sqrt(raw[0].size / _SAMPLES)))
        sampled = raw[:, step // 2::step, step // 2::step].astype(np.float64)
        overlap = len(raw) - new
        if self._raw is None:
            self._segment += 1
            correlation = math.nan
        else:
            if raw.shape[1:] != self._shape:
                raise ValueError(f'window is {list(raw.shape[1:])}, the one before was '
                                 f'{list(self._shape)}; call reset() first')
            if overlap > len(self._raw):
                raise ValueError(f'window shares {overlap} frames with the one before, which had '
                                 f'only {len(self._raw)}')
            correlation = self._follow(sampled, overlap)

        scale, shift = float(self._state[0]), float(self._state[1])
        published = raw[overlap:].astype(np.float32) * np.float32(scale) + np.float32(shift)
        np.maximum(published, 0.0, out=published)
        if self._rule == 'dvd':
            self._keep_reference(sampled, overlap, scale, shift)
        self._raw, self._shape = sampled, raw.shape[1:]
        sigma = math.sqrt(self._covariance[0, 0]) if self._rule == 'bounded' else math.nan
        return Alignment(published, scale, shift, sigma, correlation, self._segment)

    def _follow(self, sampled: np.ndarray, overlap: int) -> float:
        """Set state and covariance for the window `sampled`; return the correlation."""
        if overlap == 0:
            self._state = np.array([1.0, 0.0])
            self._covariance = np.diag(np.square(_PRIOR_SIGMA))
            return math.nan
        assert self._raw is not None
        if self._rule == 'dvd':
            return self._follow_published_rule(sampled[:overlap], overlap)

        fit = robust_sd_ratio(sampled[:overlap], self._raw[-overlap:])
        count = max(_INDEPENDENT * fit.support, 1.0)
        ratio, level = fit.scale, fit.shift
        if fit.solved and fit.correlation >= _MIN_CORRELATION:
            ratio_variance = ratio ** 2 * (1.0 - fit.correlation ** 2) / count
        else:
            # The scale is not to be seen here, the level still is.
            level += (ratio - 1.0) * fit.centre
            ratio, ratio_variance = 1.0, _UNKNOWN_SIGMA ** 2
        self._state, self._covariance = _compose(
            self._state, self._covariance, ratio, level, ratio_variance,
            fit.spread ** 2 / count, fit.centre)
        self._state, self._covariance = _fuse_with_prior(self._state, self._covariance)
        return fit.correlation

    def _follow_published_rule(self, current: np.ndarray, overlap: int) -> float:
        assert self._reference is not None
        reference = self._reference[-overlap:]
        finite = np.isfinite(current) & np.isfinite(reference)
        if not finite.any():
            self._state = np.array([1.0, 0.0])
            return math.nan
        current, reference = current[finite], reference[finite]
        self._state = np.array(dvd_scale_shift(current, reference))
        spread = current.std() * reference.std()
        return float(np.cov(current, reference, bias=True)[0, 1] / spread) if spread else 0.0

    def _keep_reference(self, sampled: np.ndarray, overlap: int, scale: float,
                        shift: float) -> None:
        aligned = sampled * scale + shift
        if self._raw is not None:
            np.maximum(aligned, 0.0, out=aligned)
        if overlap and self._reference is not None:
            alpha = np.linspace(0.0, 1.0, overlap)[:, None, None]
            aligned[:overlap] = ((1.0 - alpha) * self._reference[-overlap:]
                                 + alpha * aligned[:overlap])
        self._reference = aligned


def _compose(state: np.ndarray, covariance: np.ndarray, ratio: float, level: float,
             ratio_variance: float, level_variance: float,
             centre: float) -> tuple[np.ndarray, np.ndarray]:
    """Chain previous = ratio * current + level onto stream = scale * previous + shift."""
    scale, shift = state
    move = np.array([[ratio, 0.0], [level, 1.0]])
    # A wrong ratio turns the line about the centre of the data, a wrong level lifts it.
    noise = scale * np.array([[1.0, 0.0], [-centre, 1.0]])
    return (np.array([scale * ratio, scale * level + shift]),
            move @ covariance @ move.T
            + noise @ np.diag([ratio_variance, level_variance]) @ noise.T)


def _fuse_with_prior(state: np.ndarray,
                     covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weigh the state with the prior (1, 0) by inverse covariance."""
    prior = np.diag(np.square(_PRIOR_SIGMA))
    gain = covariance @ np.linalg.inv(covariance + prior)
    fused = covariance - gain @ covariance
    return state + gain @ (np.array([1.0, 0.0]) - state), 0.5 * (fused + fused.T)

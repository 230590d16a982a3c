"""How a chain of windows keeps gain and level, where those of every window are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dvd_ros.evaluation.chain_rules import RULES, new_chain
from dvd_ros.evaluation.drift_simulation import CENTRE, DriftCase, Shape, SimulatedWindow, simulate
from dvd_ros.stream import Alignment

# Windows before a count over which gain and offset are averaged.
_AVERAGED = 20
# A seam is between a window and the next; least squares still has its scale over the first ones.
FIRST_SEAMS = 30
# Pixels of a frame that its line is read off: more say the same.
_PIXELS = 192
# Least squares gets as far as 0, and below, which has no logarithm.
_LEAST_GAIN, _SEAM_GAIN = 1e-12, 1e-9


@dataclass(frozen=True, eq=False)
class Track:
    """
    One rule over a stream, by window; arrays are [N], of several streams [seeds, N].

    gain: of published disparity against the truth, mean over the new frames.
    offset: published minus true where the truth is CENTRE, likewise.
    seam: mean |difference| of the last frame as published and as the next window has it, by the
    gain it was published with: a scale that is lost leaves no seams. NaN where that gain is less
    than 1e-9, at a cut and for the last window.
    cut, declared: where a scene began, and where the rule began a segment (not the first).
    """

    gain: np.ndarray
    offset: np.ndarray
    seam: np.ndarray
    cut: np.ndarray
    declared: np.ndarray

    @property
    def log_gain(self) -> np.ndarray:
        """Of the gain, or of next to nothing where there is none."""
        return np.log(np.maximum(self.gain, _LEAST_GAIN))


@dataclass(frozen=True)
class Figures:
    """
    Scores of one rule after a number of windows, over seeds and the last 20 of those windows.

    gain: geometric mean. gain_sd: standard deviation of its logarithm. offset, offset_sd: mean
    and standard deviation.
    """

    gain: float
    gain_sd: float
    offset: float
    offset_sd: float


def figures(track: Track, windows: int) -> Figures:
    """Score tracks [seeds, N] after ``windows``; of less than 20 the last alone counts."""
    part = slice(windows - (_AVERAGED if windows > _AVERAGED else 1), windows)
    log_gain, offset = track.log_gain[:, part], track.offset[:, part]
    return Figures(float(np.exp(log_gain.mean())), float(log_gain.std()),
                   float(offset.mean()), float(offset.std()))


def published_line(alignment: Alignment, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Give scale and shift [new] by which each new frame of raw [T,H,W] was published.

    Read off what was published, so that a rule that treats the frames of a window differently
    is seen as it is. Where all of a frame is clamped at 0 the alignment's own are taken.
    """
    new = len(alignment.disparity)
    step = max(1, raw[0].size // _PIXELS)
    out = alignment.disparity.reshape(new, -1)[:, ::step].astype(np.float64)
    into = raw[-new:].reshape(new, -1)[:, ::step].astype(np.float64)
    kept = out > 0.0
    count = np.maximum(kept.sum(axis=1), 1)
    out_mean, in_mean = (out * kept).sum(axis=1) / count, (into * kept).sum(axis=1) / count
    into = (into - in_mean[:, None]) * kept
    spread = np.square(into).sum(axis=1)
    solved = spread > 1e-9
    scale = np.where(solved, (into * out).sum(axis=1) / np.where(solved, spread, 1.0),
                     alignment.scale)
    return scale, np.where(solved, out_mean - scale * in_mean, alignment.shift)


def track_streams(case: DriftCase, windows: int, seeds: Sequence[int],
                  shape: Shape | None = None) -> dict[str, Track]:
    """Run every rule over the same simulated streams, one per seed: name -> Track [seeds, N]."""
    shape = shape or Shape()
    runs = [_track_stream(case, windows, seed, shape) for seed in seeds]
    return {name: Track(*(np.stack([getattr(run[name], field) for run in runs]) for field in
                          ('gain', 'offset', 'seam', 'cut', 'declared')))
            for name in RULES}


def _track_stream(case: DriftCase, windows: int, seed: int, shape: Shape) -> dict[str, Track]:
    chains = {name: new_chain(rule) for name, rule in RULES.items()}
    tracks = {name: Track(*(np.full(windows, np.nan) for _ in range(3)),
                          *(np.zeros(windows, bool) for _ in range(2))) for name in RULES}
    before: dict[str, Alignment] = {}
    last: np.ndarray | None = None
    for i, window in enumerate(simulate(case, windows, seed, shape)):
        new = shape.window if i == 0 else shape.stride
        again = window.raw[shape.overlap - 1].astype(np.float64)
        for name, chain in chains.items():
            done, track = chain.align(window.raw, new), tracks[name]
            track.gain[i], track.offset[i] = _gain_and_offset(done, window)
            track.cut[i] = window.cut
            if last is not None:
                was = before[name]
                track.declared[i] = done.segment != was.segment
                # With less gain the levels' rounding would be the seam.
                gain = abs(track.gain[i - 1])
                if not window.cut and gain > _SEAM_GAIN:
                    jump = (again * done.scale - last * was.scale) + (done.shift - was.shift)
                    track.seam[i - 1] = np.abs(jump).mean() / gain
            before[name] = done
        last = window.raw[-1].astype(np.float64)
    return tracks


def _gain_and_offset(done: Alignment, window: SimulatedWindow) -> tuple[float, float]:
    scale, shift = published_line(done, window.raw)
    gain, level = window.gain[-len(scale):], window.level[-len(scale):]
    at_centre = scale * (gain * CENTRE + level) + shift
    return float((scale * gain).mean()), float(at_centre.mean() - CENTRE)

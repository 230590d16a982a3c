"""Does the scale of the shipped model's stream hold? Ten laps of one hall, 10 000 frames, rendered.

A hand-held camera walks a closed path again and again (dvd_ros.training.walk; needs numba), the
model sees it in the live stream's windows once, and each rule chains the same raw windows. Gain is
the slope of published disparity over a window's new frames. Prints:

laps 2..       gain to that of the first lap at the same poses, mean of the lap's windows
from 2         the last of these to lap 2: without the way from the very first window's scale to
               where the rule settles, which is in the first lap
by truth       last lap to first of the gains against true inverse depth
trend          straight line through log gain against the truth, from the first window to the last,
               each place of the lap with a level of its own; its standard error, from lap to lap
wander         standard deviation of log gain to the first lap at the same poses, all windows
in lap         standard deviation of log gain against the truth along a lap: how well one scale
               serves all places, the model's own inconstancy included
offset         published disparity less that of the first lap at the same poses, last lap

'unchained' is every window as the model gave it: what the model itself drifts and wanders.
Segments other than the first share no scale with it: none should begin. --cache keeps frames and
raw windows (2.4 GB at the default size), so that only the first run renders, some minutes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from _walk_windows import WalkWindows
from tqdm import tqdm

from dvd_ros.evaluation.drift_plot import Panel, draw
from dvd_ros.evaluation.lap_drift import DriftFigures, LapDrift, drift_figures, lap_drift
from dvd_ros.regressor import load_regressor
from dvd_ros.training.walk import WalkConfig

MOST = 0.03  # what issue 4 asks of ours, end to end


def table(drift: LapDrift, rate: float) -> str:
    """Rows by rule; see the head of this file."""
    figures = {name: drift_figures(track, drift.lap) for name, track in drift.tracks.items()}
    widest = max(map(len, figures))
    laps = range(2, len(next(iter(figures.values())).laps) + 2)
    head = ' '.join(f'{f"lap {k}":>7}' for k in laps)
    # A lap's middle, from the middle of the first.
    minutes = ' '.join(f'{(k - 1) * (drift.frame[1 + drift.lap] - drift.frame[1]) / rate / 60:7.1f}'
                       for k in laps)
    lines = [f'{"":{widest}}  {head}  from 2  by truth    trend +- error  wander  in lap   offset  '
             'segments',
             f'{"min":{widest}}  {minutes}']
    for name, row in figures.items():
        gains = ' '.join(f'{gain:+7.2%}' for gain in row.laps)
        settled = (1.0 + row.laps[-1]) / (1.0 + row.laps[0]) - 1.0
        segments = len(np.unique(drift.tracks[name].segment))
        lines.append(f'{name:{widest}}  {gains} {settled:+7.2%}  {row.truth_laps[-1]:+8.2%} '
                     f'{row.trend:+8.2%} {row.trend_sigma:8.2%}  {row.wander:6.3f}  '
                     f'{row.in_lap:6.3f}  {row.offsets[-1]:+7.4f}  {segments:8d}')
    return '\n'.join(lines)


def verdict(row: DriftFigures) -> str:
    """Whether ours is what issue 4 asks for."""
    found = {'last lap to first': row.laps[-1], 'the same by truth': row.truth_laps[-1],
             'trend': row.trend}
    return ', '.join(f'{name} {value:+.2%} {"holds" if abs(value) < MOST else "FAILS"}'
                     for name, value in found.items())


def panels(drift: LapDrift, rate: float) -> list[Panel]:
    """Gain and offset to the first lap at the same poses, against time."""
    minutes = drift.frame / rate / 60
    later = slice(1 + drift.lap, None)
    gain = {name: (minutes[later], t.against_lap[later]) for name, t in drift.tracks.items()}
    offset = {name: (minutes[later], t.offset[later]) for name, t in drift.tracks.items()}
    return [Panel('gain to first lap', 'min', gain, (0.1, 2.0), logarithmic=True),
            Panel('offset to first lap', 'min', offset, (-0.5, 0.5))]


def main() -> None:
    """Parse the command line, walk, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='mini')
    parser.add_argument('--frames', type=int, default=10_000)
    parser.add_argument('--lap', type=int, default=1000, help='frames')
    parser.add_argument('--rate', type=float, default=15.0, help='Hz')
    parser.add_argument('--size', type=int, nargs=2, default=(144, 192), metavar=('H', 'W'))
    parser.add_argument('--seed', type=int, default=2, help='of hall, path and camera')
    parser.add_argument('--cache', type=Path, metavar='FOLDER')
    parser.add_argument('--plot', type=Path, metavar='FILE.png')
    options = parser.parse_args()
    config = WalkConfig(options.frames, options.lap, options.rate, *options.size,
                        seed=options.seed)
    if options.frames < 2 * options.lap:
        parser.error('a walk of less than two laps shows no drift')
    started = time.perf_counter()
    windows = WalkWindows(config, load_regressor(options.model), options.cache)
    drift = lap_drift(tqdm(windows, 'windows', len(windows)), config.lap)
    print(f'{len(windows)} windows, {config.frames} frames of {config.height}x{config.width}, '
          f'laps of {config.lap}, {config.frames / config.rate / 60:.1f} min at {config.rate:g} Hz '
          f'({time.perf_counter() - started:.0f} s)')
    print(f'the model: correlation with true inverse depth {np.median(drift.correlation):.3f}, '
          f'with the first lap {np.nanmedian(drift.lap_correlation):.4f} (medians); its own gain '
          f'varies along the lap by {np.log(np.maximum(drift.raw_gain, 1e-12)).std():.3f} '
          '(sd of log)\n')
    print(table(drift, config.rate))
    print(f'\nours, against what issue 4 asks for: '
          f'{verdict(drift_figures(drift.tracks["ours"], drift.lap))}')
    if options.plot:
        draw(options.plot, panels(drift, config.rate))
        print(f'drawn: {options.plot}')


if __name__ == '__main__':
    main()

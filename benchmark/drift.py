"""How the scale of a stream holds over thousands of windows, by rule of alignment.

Simulated windows with true scale and shift (see _drift_simulation.py), chained by least squares,
by DVD's published rule and by ours. Prints for each case, after so many windows, over all seeds:
the gain of what is published against the truth (geometric mean), the standard deviation of its
logarithm, and the offset where disparity is 0.5 (mean, and the largest mean of a seed over the last
half of its windows); and the jump of a frame's disparity between the window that published it and
the next, by the gain, over the first 30 windows, as a multiple of that of least squares. --plot
draws gain and offset.

benchmark/drift_walk.py does the same on a rendered walk with the shipped model.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from _chained_rules import RULES
from _drift_simulation import CASES, Case, simulate

SEAMS = 30
MARKS = (100, 300, 1000, 3000)


def run(case: Case, seed: int, windows: int, length: int, new: int,
        ) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Gain [windows], offset [windows] and mean seam jump of each rule on one stream."""
    rules = {name: make() for name, make in RULES.items()}
    gain = {name: np.empty(windows) for name in rules}
    offset = {name: np.empty(windows) for name in rules}
    jumps: dict[str, list[float]] = {name: [] for name in rules}
    last: dict[str, np.ndarray] = {}
    for index, window in enumerate(simulate(case, seed, windows, length, new)):
        overlap = length - window.new
        for name, rule in rules.items():
            scale, shift, begins = rule(window.raw, window.new)
            gain[name][index] = scale / window.scale
            offset[name][index] = scale * (0.5 - window.shift) / window.scale + shift - 0.5
            if index < SEAMS and overlap and not begins:
                again = scale * window.raw[overlap - 1] + shift
                jumps[name].append(float(np.abs(again - last[name]).mean()) / gain[name][index])
            last[name] = scale * window.raw[-1] + shift
    return {name: (gain[name], offset[name], float(np.mean(jumps[name]))) for name in rules}


def report(case: str, results: list[dict[str, tuple[np.ndarray, np.ndarray, float]]],
           windows: int) -> list[str]:
    """Table rows of one case."""
    rows = []
    reference = np.mean([result['least squares'][2] for result in results])
    for name in RULES:
        seam = np.mean([result[name][2] for result in results]) / reference
        for mark in [m for m in MARKS if m < windows] + [windows]:
            logs = np.log(np.maximum([result[name][0][mark - 1] for result in results], 1e-12))
            ends = [result[name][1][mark - 1] for result in results]
            settled = [float(result[name][1][mark // 2:mark].mean()) for result in results]
            rows.append(f'| {case} | {name} | {mark} | {np.exp(logs.mean()):.3g} | '
                        f'{logs.std():.3f} | {np.mean(ends):+.3f} | '
                        f'{np.abs(settled).max():.3f} | {seam:.2f} |')
    return rows


def plot(path: Path, curves: dict[str, list[dict[str, tuple[np.ndarray, np.ndarray, float]]]],
         ) -> None:
    """Gain (logarithmic) and offset against the window, mean over seeds, one row a case."""
    import cv2
    colours = {'least squares': (60, 60, 220), 'published (dvd)': (40, 160, 240),
               'bounded': (90, 160, 40)}
    width, height, left = 520, 150, 150
    image = np.full((40 + len(curves) * (height + 30), left + 2 * (width + 40), 3), 255, np.uint8)

    def text(words: str, x: int, y: int, colour: tuple[int, ...] = (0, 0, 0)) -> None:
        cv2.putText(image, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
    for i, (name, colour) in enumerate(colours.items()):
        text(name, left + 160 * i, 18, colour)
    text('gain, 0.01 .. 10', left, 36)
    text('offset, -0.5 .. 0.5', left + width + 40, 36)
    for row, (case, results) in enumerate(curves.items()):
        top = 44 + row * (height + 30)
        text(case, 6, top + height // 2)
        for column, (low, high) in enumerate(((np.log(0.01), np.log(10.0)), (-0.5, 0.5))):
            x0 = left + column * (width + 40)
            cv2.rectangle(image, (x0, top), (x0 + width, top + height), (190, 190, 190), 1)
            level = int(top + height * (1 - (0 - low) / (high - low)))
            cv2.line(image, (x0, level), (x0 + width, level), (220, 220, 220), 1)
            for name, colour in colours.items():
                values = np.mean([np.log(np.maximum(r[name][0], 1e-9)) if column == 0 else
                                  r[name][1] for r in results], axis=0)
                x = x0 + np.arange(len(values)) * width / max(len(values) - 1, 1)
                y = top + height * (1 - (np.clip(values, low, high) - low) / (high - low))
                points = np.stack([x, y], 1).round().astype(np.int32)
                cv2.polylines(image, [points], False, colour, 1, cv2.LINE_AA)
    cv2.imwrite(str(path), image)


def main() -> None:
    """Parse the command line, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--windows', type=int, default=3000)
    parser.add_argument('--seeds', type=int, default=12)
    parser.add_argument('--case', action='append', choices=list(CASES), help='default: all')
    parser.add_argument('--length', type=int, default=13, help='frames of a window')
    parser.add_argument('--new', type=int, default=8, help='of them new')
    parser.add_argument('--plot', type=Path, metavar='PNG')
    options = parser.parse_args()
    print(f'{options.seeds} seeds, windows of {options.length}, {options.new} of them new\n')
    print('| case | rule | windows | gain | sd log gain | offset | settled offset, worst | seam |')
    print('|---|---|--:|--:|--:|--:|--:|--:|', flush=True)
    curves = {}
    start = time.monotonic()
    for case in options.case or CASES:
        curves[case] = [run(CASES[case], seed, options.windows, options.length, options.new)
                        for seed in range(options.seeds)]
        print('\n'.join(report(case, curves[case], options.windows)), flush=True)
    print(f'\n{time.monotonic() - start:.0f} s')
    if options.plot:
        plot(options.plot, curves)


if __name__ == '__main__':
    main()

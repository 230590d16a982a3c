"""Is confidence worth its name? Predicted against observed error, on rendered and real clips.

Runs the live DepthStream over held-out rendered clips (needs numba) and over recordings with true
depth (--folder; default: those in ../shared/data that are there), and scores every fourth pixel
and line of depth with one scale and shift per clip. Prints a reliability table: pixels by their
confidence, and the part of them whose depth is within 25 %; and the abs_rel of the less and of the
more confident half of each clip's pixels, and of those of all clips together.

--fit finds the weights of dvd_ros/stream/confidence.py anew, on other rendered clips (88 serve),
without parallax and with it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from accuracy import SHARED, recording, rendered
from tqdm import tqdm

from dvd_ros.evaluation.align import align_disparity, true_disparity, valid_truth
from dvd_ros.regressor import load_regressor
from dvd_ros.stream import DepthStream, Frame, StreamConfig
from dvd_ros.stream.confidence import features
from dvd_ros.stream.sampling import sample

BINS = np.array([0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
FAR = 80.0


@dataclass(frozen=True)
class Scored:
    """
    Pixels of one clip: confidence [N], features [N,7], abs_rel [N].

    The last three features are NaN where parallax told nothing.
    """

    confidence: np.ndarray
    features: np.ndarray
    abs_rel: np.ndarray


def score(regressor: object, frames: list[Frame], truth: np.ndarray,
          config: StreamConfig) -> Scored:
    """Run the stream over a clip and compare with true depth [T,H,W] in metres."""
    stream = DepthStream(regressor, config)  # type: ignore[arg-type]
    done = [d for frame in frames for d in stream.push(frame)] + stream.flush()
    disparity = np.stack([sample(d.disparity) for d in done])
    true = np.stack([sample(t) for t in truth])
    likely = np.stack([sample(d.confidence) for d in done])
    seen = np.full((*true.shape, 7), np.nan)
    for here, d in zip(seen, done, strict=True):
        some = features(sample(d.disparity), d.disagreement, d.told)
        here[..., :some.shape[-1]] = some
    valid = valid_truth(true, FAR)
    fitted, _, _ = align_disparity(disparity, true_disparity(true), valid & (disparity > 0))
    depth = np.clip(1 / np.maximum(fitted[valid], 1 / FAR), 1e-3, FAR)
    return Scored(likely[valid], seen[valid], np.abs(depth - true[valid]) / true[valid])


def halves(scored: list[Scored]) -> str:
    """abs_rel of the less and of the more confident half of pixels: in each clip, and of all."""
    def split(confidence: np.ndarray, error: np.ndarray) -> np.ndarray:
        error = error[np.argsort(confidence, kind='stable')]
        return np.array([error[:len(error) // 2].mean(), error[len(error) // 2:].mean()])
    each = np.mean([split(clip.confidence, clip.abs_rel) for clip in scored], axis=0)
    together = split(np.concatenate([clip.confidence for clip in scored]),
                     np.concatenate([clip.abs_rel for clip in scored]))
    return ' | '.join(f'{low:.3f} | {high:.3f} | {high / low:.2f}' for low, high in
                      (each, together))


def reliability(scored: list[Scored]) -> str:
    """Rows of confidence, share of pixels, and the share of these that is within 25 %."""
    likely = np.concatenate([clip.confidence for clip in scored])
    right = np.concatenate([clip.abs_rel < 0.25 for clip in scored])
    rows = []
    for low, high in zip(BINS[:-1], BINS[1:], strict=True):
        here = (likely >= low) & (likely < high if high < 1 else likely <= high)
        if here.sum() > 100:
            rows.append(f'| {low:.1f}..{high:.1f} | {likely[here].mean():.2f} | '
                        f'{right[here].mean():.2f} | {100 * here.mean():.0f} % |')
    return '\n'.join(rows)


def fit(scored: list[Scored], told: bool) -> tuple[np.ndarray, float]:
    """
    Weights and bias of a logistic regression, by Newton's method; clips count alike.

    It is of the pixels of which parallax told something, or of the others without its features.
    """
    parts = []
    for clip in scored:
        rows = np.isfinite(clip.features).all(1) == told
        x = clip.features[rows, :None if told else 4]
        parts.append((np.c_[x, np.ones(len(x))], clip.abs_rel[rows] < 0.25,
                      np.full(len(x), 1 / max(len(x), 1))))
    x, y, share = (np.concatenate(part) for part in zip(*parts, strict=True))
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        likely = 1 / (1 + np.exp(-x @ weights))
        curve = share * likely * (1 - likely)
        weights += np.linalg.solve((x * curve[:, None]).T @ x + 1e-6 * np.eye(len(weights)),
                                   x.T @ (share * (y - likely)))
    return weights[:-1], float(weights[-1])


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='mini')
    parser.add_argument('--clips', type=int, default=32, help='rendered; one in four is a street')
    parser.add_argument('--frames', type=int, default=45)
    parser.add_argument('--latency', default='low', choices=('low', 'smooth'))
    parser.add_argument('--parallax', action='store_true')
    parser.add_argument('--folder', type=Path, action='append', default=[])
    parser.add_argument('--fit', action='store_true')
    options = parser.parse_args()
    config = StreamConfig(latency=options.latency, parallax=options.parallax)
    regressor = load_regressor(options.model)
    seed = 4000 if options.fit else 1000
    scenes = (scene for part, street, first in ((3, 0.0, seed), (1, 1.0, seed + 500))
              for scene in rendered(options.clips * part // 4, options.frames, street, first))
    scenes = tqdm(scenes, 'rendered', options.clips)
    if options.fit:
        both = [[score(regressor, *scene, StreamConfig(latency=options.latency, parallax=told))
                 for told in (False, True)] for scene in scenes]
        for told in (False, True):
            weights, bias = fit([pair[told] for pair in both], told)
            print('with' if told else 'without', 'parallax: weights', weights.round(3).tolist(),
                  'bias', round(bias, 3))
        return
    clips = [score(regressor, *scene, config) for scene in scenes]
    sets = {'rendered': clips}
    for folder in options.folder or [p for p in sorted(SHARED.glob('*'))
                                     if (p / 'associations.txt').is_file()]:
        sets[folder.name] = [score(regressor, *recording(folder), config)]
    print('| | abs_rel of the less confident half | more | ratio | of all clips: less | more | '
          'ratio |\n|---|--:|--:|--:|--:|--:|--:|')
    for name, scored in sets.items():
        print(f'| {name} | {halves(scored)} |')
    for name, scored in sets.items():
        print(f'\n| {name}: confidence | mean | within 25 % | of all pixels |\n|---|--:|--:|--:|\n'
              f'{reliability(scored)}')


if __name__ == '__main__':
    main()

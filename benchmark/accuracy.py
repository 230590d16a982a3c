"""Depth accuracy on scenes that the shipped model never saw, beside predictions without a model.

Runs the live DepthStream, at its defaults, with `latency: smooth` and with `parallax`, over
rendered held-out clips (scenes of --style by seeds that training never uses; needs numba) and over
recordings with true depth (--folder; default: those in ../shared/data that are there). One
least-squares scale and shift in disparity per clip, as in the reference's evaluation. Prints a
table; rendered scores are means over the clips, with the standard error of the model's, which is
large where clips are few: some have a near thing across the view.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dvd_ros.capture import open_capture
from dvd_ros.evaluation.align import baselines, evaluate_disparity, report
from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.regressor import Regressor, load_regressor
from dvd_ros.stream import DepthStream, Frame, StreamConfig

SHARED = Path(__file__).resolve().parents[2] / 'shared' / 'data'
COLUMNS = ('abs_rel', 'rmse', 'delta1')
SETTINGS = {'model': StreamConfig(), 'model, smooth': StreamConfig(latency='smooth'),
            'model, parallax': StreamConfig(parallax=True)}


def rendered(clips: int, frames: int, street: float, seed: int, style: str = 'plain',
             ) -> Iterator[tuple[list[Frame], np.ndarray]]:
    """Held-out clips: frames, and true depth [T,H,W] in metres."""
    from dvd_ros.training.render import RenderConfig, render_clip
    config = RenderConfig(frames=frames, street=street, style=style)
    for index in range(clips):
        clip = render_clip(seed + index, config)
        height, width = clip.depth.shape[1:]
        camera = Intrinsics(width, height, clip.focal, clip.focal, (width - 1) / 2,
                            (height - 1) / 2)
        yield [Frame(image, round(i * 1e9 / clip.rate), intrinsics=camera)
               for i, image in enumerate(clip.images)], clip.depth


def recording(folder: Path) -> tuple[list[Frame], np.ndarray]:
    """A recording with true depth: frames, and depth [T,H,W] in metres (NaN: unknown)."""
    capture = open_capture(folder)
    frames = list(capture)
    truths = [capture.truth(i) for i in range(len(frames))]
    if any(truth is None for truth in truths):
        raise ValueError(f'{folder} has no true depth for some of its frames')
    return frames, np.stack([t for t in truths if t is not None])


def stream_disparity(regressor: Regressor, frames: Iterable[Frame],
                     config: StreamConfig | None = None) -> np.ndarray:
    """Disparity [T,H,W] of every frame as the live stream publishes it."""
    stream = DepthStream(regressor, config)
    done = [d for frame in frames for d in stream.push(frame)] + stream.flush()
    return np.stack([d.disparity for d in done])


def score(regressor: Regressor, frames: list[Frame], truth: np.ndarray) -> dict[str, dict]:
    """Scores of the model, the image row and a constant on one clip."""
    return {**{name: evaluate_disparity(stream_disparity(regressor, frames, config), truth)
               for name, config in SETTINGS.items()},
            **baselines(truth)}


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='mini')
    parser.add_argument('--clips', type=int, default=64, help='of rooms, and again of streets')
    parser.add_argument('--frames', type=int, default=29)
    parser.add_argument('--seed', type=int, default=1000, help='of the first held-out scene')
    parser.add_argument('--style', choices=('plain', 'rich'), default='plain', help='of scenes')
    parser.add_argument('--folder', type=Path, action='append', default=[])
    options = parser.parse_args()
    regressor = load_regressor(options.model)
    folders = options.folder or [p for p in sorted(SHARED.glob('*')) if
                                 (p / 'associations.txt').is_file()]
    rows: dict[str, dict[str, float]] = {}
    notes: list[str] = []
    for name, street in (('rendered rooms', 0.0), ('rendered streets', 1.0)):
        scenes = rendered(options.clips, options.frames, street, options.seed,
                          options.style)
        scores = [score(regressor, *scene) for scene in tqdm(scenes, name, options.clips)]
        for kind in scores[0]:
            rows[f'{name}: {kind}'] = {column: float(np.mean([s[kind][column] for s in scores]))
                                       for column in COLUMNS}
        for kind in SETTINGS:
            errors = [s[kind]['abs_rel'] for s in scores]
            notes.append(f'{name}: {kind}, abs_rel of {len(errors)} clips: median '
                         f'{np.median(errors):.4f}, standard error of the mean '
                         f'{np.std(errors) / len(errors) ** 0.5:.4f}')
    for folder in folders:
        for kind, scored in score(regressor, *recording(folder)).items():
            rows[f'{folder.name}: {kind}'] = {column: scored[column] for column in COLUMNS}
    print(report(rows))
    print('\n'.join(notes))


if __name__ == '__main__':
    main()

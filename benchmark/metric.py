"""Metres from each kind of source, without any alignment, beside what an oracle would make of it.

Runs the live DepthStream and, on its disparity, StreamScale with one source. For every row:

- metric after: seconds of stream until depth is metric, and the share of frames that are;
- abs_rel: mean of |depth - truth| / truth over metric frames, nothing aligned; pixels that are
  said to be too far (+Inf) count as 80 m, as in the oracle's protocol; inf: how many they are;
- oracle: the same pixels after the best least-squares line of the whole clip, known afterwards
  (dvd_ros/evaluation/align.py); ratio: abs_rel / oracle. Below 1 the live line is better: it
  follows the scale within the clip.

Sources: on redkitchen 1 % of the pixels of the depth image, the others are truth; on KITTI half of
the lidar's points, the others are truth, and the road 1.65 m below; on rendered held-out clips
(needs numba) the floor below the camera, its mean height and its tilt known: with the model's
disparity, with true disparity (which shows the method alone), and with the floor's pixels told from
truth (which shows what the model's disparity allows, however well the floor is found). Rendered
rows are means over the clips that became metric; medians of the clips' ratios are beside.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dvd_ros.capture import open_capture
from dvd_ros.evaluation.align import MAX_DEPTH, fit_depth, valid_truth
from dvd_ros.geometry import Intrinsics, rays
from dvd_ros.regressor import Regressor, load_regressor
from dvd_ros.scale import (
    DepthImageSource,
    GroundSource,
    Observation,
    ScaleSource,
    ScaleState,
    Silence,
    StreamScale,
)
from dvd_ros.stream import DepthStream, Frame

SHARED = Path(__file__).resolve().parents[2] / 'shared' / 'data'
KITTI_HEIGHT = 1.65
_BEAM = 5  # lines of the image from one beam of its lidar to the next


@dataclass
class Scored:
    """One clip: seconds until metric (nan: never), shares, errors over metric frames."""

    after: float
    metric: float
    abs_rel: float = np.nan
    infinite: float = np.nan
    oracle: float = np.nan
    reason: str = ''

    @property
    def ratio(self) -> float:
        return self.abs_rel / self.oracle


def stream_disparity(regressor: Regressor, frames: Sequence[Frame]) -> np.ndarray:
    """Disparity [T,H,W] of every frame as the live stream publishes it."""
    stream = DepthStream(regressor)
    done = [d for frame in frames for d in stream.push(frame)] + stream.flush()
    return np.stack([d.disparity for d in done])


def metric_depth(frames: Sequence[Frame], disparity: np.ndarray, source: ScaleSource,
                 feed: Callable[[int], None]) -> tuple[np.ndarray, list[ScaleState]]:
    """Metric depth [T,H,W] and state of every frame; ``feed(i)`` pushes the readings of frame i."""
    scale = StreamScale(sources=[source])
    depths, states = [], []
    for i, frame in enumerate(frames):
        feed(i)
        states.append(scale.update(frame.stamp, frame.intrinsics, disparity[i]))
        depths.append(scale.depth(disparity[i], states[-1]))
    return np.stack(depths), states


def score(frames: Sequence[Frame], disparity: np.ndarray, truth: np.ndarray,
          source: ScaleSource, feed: Callable[[int], None]) -> Scored:
    """Score one source on one clip; ``truth`` [T,H,W] metres, NaN where unknown."""
    depth, states = metric_depth(frames, disparity, source, feed)
    metric = np.array([state.metric for state in states])
    if not metric.any():
        return Scored(np.nan, 0.0, reason=states[-1].sources[0].status)
    after = (frames[int(np.argmax(metric))].stamp - frames[0].stamp) * 1e-9
    valid = valid_truth(truth) & metric[:, None, None] & ~np.isnan(depth)
    bounded = np.clip(depth, 1e-3, MAX_DEPTH)
    return Scored(after, float(metric.mean()), error(bounded, truth, valid),
                  float(np.isinf(depth[valid]).mean()),
                  error(fit_depth(disparity, truth), truth, valid))


def error(depth: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> float:
    """Mean over frames of the mean of |depth - truth| / truth of a frame's valid pixels."""
    means = [np.mean(np.abs(depth[i][mask] - truth[i][mask]) / truth[i][mask])
             for i, mask in enumerate(valid) if mask.any()]
    return float(np.mean(means)) if means else np.nan


def sparse_depth(regressor: Regressor, folder: Path, share: float,
                 name: str) -> list[tuple[str, list[Scored]]]:
    """A share of a recording's depth as source, the rest as truth; for KITTI the road as well.

    Single pixels at random, or with a share of 0.5 bands of lines.
    """
    capture = open_capture(folder)
    frames = list(capture)
    truth = np.stack([capture.truth(i) for i in range(len(frames))])
    disparity = stream_disparity(regressor, frames)
    if share < 0.5:
        chosen = np.random.default_rng(0).random(truth.shape) < share
    else:  # bands of a lidar's own height: about every other beam
        chosen = np.broadcast_to((np.arange(truth.shape[1]) // _BEAM % 2 == 0)[:, None],
                                 truth.shape)
    source = DepthImageSource()
    rows = [(name, [score(frames, disparity, np.where(chosen, np.nan, truth), source,
                          lambda i: source.push(frames[i].stamp,
                                                np.where(chosen[i], truth[i], np.nan)))])]
    if 'kitti' in folder.name:
        rows.append(('kitti: ground, 1.65 m', [score(
            frames, disparity, truth, GroundSource(KITTI_HEIGHT), lambda i: None)]))
        slope = np.broadcast_to(rays(frames[0].intrinsics)[..., 1], truth.shape)
        rows.append(('kitti: ground, road told by lidar', [score(
            frames, disparity, truth, ToldFloor([frame.stamp for frame in frames], truth,
                                                slope / KITTI_HEIGHT), lambda i: None)]))
    return rows


class ToldFloor:
    """The ground source with a finder that knows: its pixels are where truth is on the floor."""

    name = 'told floor'

    def __init__(self, stamps: Sequence[int], truth: np.ndarray, inverse: np.ndarray) -> None:
        """Take true depth [T,H,W] and inverse depth of the floor [T,H,W], NaN where there is none.

        A pixel is on the floor where the two agree by 5 %.
        """
        self._number = {stamp: i for i, stamp in enumerate(stamps)}
        self._truth, self._inverse = truth, inverse

    def observe(self, stamp: int, intrinsics: Intrinsics | None,
                disparity: np.ndarray) -> Observation | Silence:
        """See ScaleSource."""
        i = self._number[stamp]
        with np.errstate(invalid='ignore'):
            floor = (np.abs(self._inverse[i] * self._truth[i] - 1.0) < 0.05) & (disparity > 0.0)
        if floor.sum() < 100:
            return Silence('no floor in view')
        inverse = self._inverse[i][floor]
        return Observation(disparity[floor], inverse, 0.02 * inverse, 0.03)


def rendered(regressor: Regressor, clips: int, frames: int, seed: int, street: float,
             name: str) -> list[tuple[str, list[Scored]]]:
    """The floor below the camera in rendered clips, by three kinds of disparity."""
    from dvd_ros.training.render import RenderConfig, render_clip
    config = RenderConfig(frames=frames, street=street)
    kinds = ('model', 'true disparity', 'model, floor told')
    scored: dict[str, list[Scored]] = {kind: [] for kind in kinds}
    for index in tqdm(range(clips), name):
        clip = render_clip(seed + index, config)
        height, width = clip.depth.shape[1:]
        camera = Intrinsics(width, height, clip.focal, clip.focal, 0.5 * (width - 1),
                            0.5 * (height - 1))
        images = [Frame(image, round(i * 1e9 / clip.rate), '', camera)
                  for i, image in enumerate(clip.images)]
        poses = clip.poses
        # A camera path bobs by centimetres; a robot's height is one number.
        above, down = poses[:, 2, 3], -poses[:, 2, :3]
        ideal = 1.0 / clip.depth
        ideal = (ideal / np.quantile(ideal, 0.99)).astype(np.float32)
        model = stream_disparity(regressor, images)
        for kind, disparity in (('model', model), ('true disparity', ideal)):
            source = GroundSource(float(above.mean()))
            scored[kind].append(score(images, disparity, clip.depth, source,
                                      lambda i, to=source, down=down: to.set_orientation(
                                          np.arcsin(down[i, 2]),
                                          np.arctan2(down[i, 0], down[i, 1]))))
        slope = np.stack([rays(camera) @ one for one in down])
        told = ToldFloor([image.stamp for image in images], clip.depth,
                         np.where(slope > 0.03, slope, np.nan) / above[:, None, None])
        scored[kinds[2]].append(score(images, model, clip.depth, told, lambda i: None))
    return [(f'{name}: ground, {kind}', scored[kind]) for kind in kinds]


def table(rows: Sequence[tuple[str, list[Scored]]]) -> str:
    """Return the rows as a table for terminals and markdown."""
    lines = ['| source | clips metric | metric after, s | frames metric | abs_rel | inf | oracle '
             '| ratio | median ratio |', '|---|---:|---:|---:|---:|---:|---:|---:|---:|']
    for name, scored in rows:
        known = [one for one in scored if np.isfinite(one.abs_rel)]
        counts = f'{len(known)}/{len(scored)}'
        if not known:
            lines.append(f'| {name} | {counts} | never: {scored[0].reason} | | | | | | |')
            continue
        mean = {key: float(np.mean([getattr(one, key) for one in known]))
                for key in ('after', 'metric', 'abs_rel', 'infinite', 'oracle')}
        # True disparity has no error to compare with.
        ratios = [one.ratio for one in known] if mean['oracle'] > 1e-4 else []
        ratio = f'{mean["abs_rel"] / mean["oracle"]:.2f}' if ratios else '-'
        middle = f'{np.median(ratios):.2f}' if len(ratios) > 1 else '-'
        lines.append(f'| {name} | {counts} | {mean["after"]:.2f} | {mean["metric"]:.2f} '
                     f'| {mean["abs_rel"]:.4f} | {mean["infinite"]:.4f} | {mean["oracle"]:.4f} '
                     f'| {ratio} | {middle} |')
    return '\n'.join(lines)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='mini')
    parser.add_argument('--clips', type=int, default=24, help='of rooms, and again of streets')
    parser.add_argument('--frames', type=int, default=29)
    parser.add_argument('--seed', type=int, default=1000, help='of the first held-out scene')
    options = parser.parse_args()
    regressor = load_regressor(options.model)
    rows: list[tuple[str, list[Scored]]] = []
    for folder, share, name in ((SHARED / 'sevenscenes_redkitchen', 0.01,
                                 'redkitchen: 1 % of depth image'),
                                (SHARED / 'kitti_raw_city', 0.5, 'kitti: every other lidar beam')):
        if folder.is_dir():
            rows += sparse_depth(regressor, folder, share, name)
        else:
            print(f'skipped: {folder} is not there')
    if options.clips:
        try:
            import numba  # noqa: F401
        except ImportError:
            print('skipped: rendered clips need numba')
        else:
            for street, name in ((1.0, 'rendered streets'), (0.0, 'rendered rooms')):
                rows += rendered(regressor, options.clips, options.frames, options.seed, street,
                                 name)
    print(table(rows))


if __name__ == '__main__':
    main()

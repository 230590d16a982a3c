"""Score models on the same clips: predictions first, then one walk over the frames for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from dvd_ros.evaluation.align import MAX_DEPTH
from dvd_ros.evaluation.clip_score import (
    ClipScore,
    ClipScorer,
    paired_differences,
    standard_error,
)
from dvd_ros.evaluation.clips import MOST_FRAMES, Clip, Shot, open_clips
from dvd_ros.evaluation.contact_sheet import comparison_sheet
from dvd_ros.evaluation.eval_setting import EvalSetting, Regressors
from dvd_ros.evaluation.flow import FlowEstimator
from dvd_ros.evaluation.predict import Prediction
from dvd_ros.geometry.disparity import depth_from_disparity
from dvd_ros.scale.config import ScaleConfig

# Pictures of a clip, and the width of each.
_COLUMNS, _WIDTH = 5, 220
# What needs no model: the least that one must beat.
BASELINES = ('constant', 'image row')


@dataclass(frozen=True)
class EvalConfig:
    """
    How sources are read and scored.

    kind, split: of data sets, see dvd_ros.datasets.open_dataset. every, most: which frames.
    known_depth: share (0..1) of the pixels of true depth that is the stream's source of metres;
    the others are its truth. max_depth: metres; true depth beyond is not scored.

    Raises ValueError naming the value that is out of range.
    """

    kind: str = ''
    split: str = ''
    every: int = 1
    most: int = MOST_FRAMES
    known_depth: float = 0.0
    max_depth: float = MAX_DEPTH
    scale: ScaleConfig = ScaleConfig()

    def __post_init__(self) -> None:
        if not 0.0 <= self.known_depth <= 1.0:
            raise ValueError(f'known-depth must be in 0..1, got {self.known_depth}')
        if not self.max_depth > 0.0:
            raise ValueError(f'max-depth must be more than 0 metres, got {self.max_depth}')
        for name, value in (('every', self.every), ('max-frames', self.most)):
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')


@dataclass(eq=False)
class ClipResult:
    """
    One clip: its scores by label of the setting, and those of BASELINES where depth is known.

    sheet: uint8 [h,w,3] RGB, pictures of some frames. trouble: lines on what was left out.
    """

    name: str
    source: str
    frames: int
    size: tuple[int, int]
    results: dict[str, ClipScore]
    baselines: dict[str, ClipScore]
    sheet: np.ndarray
    trouble: list[str]


@dataclass(eq=False)
class Evaluation:
    """All clips; ``failed``: those that could not be scored, name and why; ``said``: of sources."""

    settings: list[EvalSetting]
    config: EvalConfig
    clips: list[ClipResult] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, dict[str, tuple[float, float, int]]]:
        """Return by row and score: mean over clips, its standard error, and their number."""
        rows: dict[str, list[dict[str, float]]] = {}
        for clip in self.clips:
            for label, score in (clip.results | clip.baselines).items():
                rows.setdefault(label, []).append(score.scores)
        order = [*(s.label for s in self.settings), *BASELINES]
        return {label: {name: _mean_of([s[name] for s in rows[label] if name in s])
                        for name in dict.fromkeys(key for s in rows[label] for key in s)}
                for label in order if label in rows}

    def differences(self) -> dict[str, dict[str, tuple[float, float, int]]]:
        """Return by setting but the first: its scores less the first's, see paired_differences."""
        first, *others = [setting.label for setting in self.settings]
        return {label: paired_differences([clip.results[first].scores for clip in self.clips],
                                          [clip.results[label].scores for clip in self.clips])
                for label in others} if self.clips else {}


def evaluate(settings: Sequence[EvalSetting], sources: Sequence[str],
             config: EvalConfig | None = None,
             say: Callable[[str], None] = lambda line: None) -> Evaluation:
    """
    Score the settings on all clips of the sources; of one clip at a time disparity is in memory.

    ``say`` is told of progress, line by line. A clip that cannot be scored is noted in ``failed``
    and the others go on.

    Raises what load_regressor raises, ValueError where two settings have one label, and what
    open_clips raises for a source that is none.
    """
    config = config or EvalConfig()
    labels = [setting.label for setting in settings]
    if len(set(labels)) < len(labels):
        raise ValueError(f'settings to compare must differ, got {", ".join(labels)}')
    regressors = Regressors()
    result = Evaluation(list(settings), config)
    opened = [(source, *open_clips(source, config.kind, config.split, config.every, config.most))
              for source in sources]
    for source, clips, said in opened:
        result.said += said
        for clip in clips:
            say(f'{clip.name} ...')
            try:
                scored = _evaluate_clip(settings, regressors, clip, source, config)
            except ValueError as error:
                trouble = '; '.join([str(error), *clip.trouble()])
                result.failed.append((clip.name, trouble))
                say(f'{clip.name}: not scored: {trouble}')
            else:
                result.clips.append(scored)
                for line in scored.trouble:
                    say(line)
    return result


def _evaluate_clip(settings: Sequence[EvalSetting], regressors: Regressors, clip: Clip,
                   source: str, config: EvalConfig) -> ClipResult:
    predictions = {setting.label: setting.run(regressors.load(setting), clip, config.scale,
                                              config.known_depth) for setting in settings}
    count = len(next(iter(predictions.values())).disparity)
    if not count:
        raise ValueError(f'{clip.name} has no frame that can be used')
    scorers = {label: ClipScorer(prediction, config.known_depth, config.max_depth)
               for label, prediction in predictions.items()}
    bare: dict[str, ClipScorer] = {}
    for index, shot in enumerate(clip):
        if index == 0 and shot.truth is not None:
            bare = {name: ClipScorer(_baseline(name, shot.frame.size, count),
                                     max_depth=config.max_depth) for name in BASELINES}
        for scorer in (*scorers.values(), *bare.values()):
            scorer.fit(shot)
    shown = set(np.linspace(0, count - 1, min(count, _COLUMNS)).round().astype(int).tolist())
    pictures = _Pictures(list(predictions), clip.name)
    flows = FlowEstimator()
    first: Shot | None = None
    for index, shot in enumerate(clip):
        first = first or shot
        flow = flows.next(shot.frame.image)
        depths = {label: scorer.add(shot, flow) for label, scorer in scorers.items()}
        for scorer in bare.values():
            scorer.add(Shot(shot.frame, shot.truth), None)
        if index in shown:
            seconds = (shot.frame.stamp - first.frame.stamp) * 1e-9
            pictures.add(shot, seconds, {label: _drawn(depth, predictions[label], index, config)
                                         for label, depth in depths.items()})
    assert first is not None
    results = {label: scorer.done() for label, scorer in scorers.items()}
    fitted = any(score.line is not None for score in results.values())
    return ClipResult(clip.name, source, count, first.frame.size, results,
                      {name: scorer.done() for name, scorer in bare.items()},
                      pictures.sheet('m' if fitted else 'm nominal'), clip.trouble())


class _Pictures:
    """Some frames of a clip, kept to be drawn."""

    def __init__(self, labels: Sequence[str], title: str) -> None:
        self._images: list[np.ndarray] = []
        self._truths: list[np.ndarray | None] = []
        self._times: list[float] = []
        self._depths: dict[str, list[np.ndarray]] = {label: [] for label in labels}
        self._title = title

    def add(self, shot: Shot, seconds: float, depths: dict[str, np.ndarray | None]) -> None:
        self._images.append(shot.frame.image)
        self._truths.append(shot.truth)
        self._times.append(seconds)
        for label, depth in depths.items():
            self._depths[label].append(np.full(shot.frame.size, np.nan, np.float32)
                                       if depth is None else depth)

    def sheet(self, unit: str) -> np.ndarray:
        # One prediction needs no name beside it.
        depths = self._depths if len(self._depths) > 1 else {'': next(iter(
            self._depths.values()))}
        return comparison_sheet(self._images, depths, self._truths, self._times, _COLUMNS, _WIDTH,
                                self._title, unit)


def _drawn(depth: np.ndarray | None, prediction: Prediction, index: int,
           config: EvalConfig) -> np.ndarray | None:
    """Return what a picture shows: depth by the fit, else nominal metres."""
    disparity = prediction.disparity[index]
    if depth is not None or disparity is None:
        return depth
    return depth_from_disparity(disparity, config.scale.near, config.scale.far)


def _baseline(name: str, size: tuple[int, int], count: int) -> Prediction:
    rows = np.arange(1, size[0] + 1, dtype=np.float32)[:, None] / size[0]
    values = np.broadcast_to(rows if name == 'image row' else np.float32(1.0), size)
    return Prediction([values] * count)


def _mean_of(values: list[float]) -> tuple[float, float, int]:
    return float(np.mean(values)), standard_error(values), len(values)

"""How much depth flickers: the live stream beside the same network on each frame alone.

Flicker is the mean absolute change of disparity from frame to frame along the optical flow
(dvd_ros/evaluation/flow.py), where both frames see the same thing. Disparity is relative, so each
prediction is measured by its own spread: the mean over frames of the standard deviation within a
frame. That is fair to both: it is blind to scale and shift, a frame's level that jumps does not
enlarge it, and a prediction that is flat is divided by its flatness. Beside it the same in 1/m,
after one fit of scale and shift to the truth per clip, which favours what is noisy, for noise
makes the fitted scale small; and the accuracy, for steady and wrong is no use. 'truth' is true
depth itself, measured in the same way: what the motion of the camera and the sensor's noise make.

Prints a table and the ratios to 'frames', all of one run. 'smooth' is the stream with the
parameter latency: smooth, 'no fade' that with fade: 0, 'parallax' that with parallax: true.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from dvd_ros.capture import open_capture
from dvd_ros.evaluation.align import report, true_disparity
from dvd_ros.evaluation.clip_score import ClipScorer
from dvd_ros.evaluation.clips import Shot
from dvd_ros.evaluation.eval_setting import EvalSetting
from dvd_ros.evaluation.flow import FlowEstimator
from dvd_ros.evaluation.predict import Prediction
from dvd_ros.regressor import load_regressor
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.stream import StreamConfig

FOLDER = Path(__file__).resolve().parents[2] / 'shared' / 'data' / 'sevenscenes_redkitchen'
COLUMNS = ('abs_rel', 'delta1', 'flicker', 'warp_error')


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='mini')
    parser.add_argument('--folder', type=Path, default=FOLDER, help='a recording with true depth')
    parser.add_argument('--frames', type=int, default=0, help='the first so many (default: all)')
    options = parser.parse_args()
    capture = open_capture(options.folder)
    if not capture.has_truth:
        raise SystemExit(f'{options.folder} has no true depth, which accuracy needs')
    shots = [Shot(frame, capture.truth(i)) for i, frame in enumerate(capture)]
    shots = shots[:options.frames or None]
    regressor = load_regressor(options.model)
    settings = {'stream': EvalSetting(),
                'smooth': EvalSetting(stream=StreamConfig(latency='smooth')),
                'no fade': EvalSetting(stream=StreamConfig(fade=0)),
                'parallax': EvalSetting(stream=StreamConfig(parallax=True)),
                'frames': EvalSetting(protocol='frames')}
    predictions = {name: setting.run(regressor, shots, ScaleConfig())
                   for name, setting in settings.items()}
    predictions['truth'] = Prediction([
        None if shot.truth is None else _without_holes(shot.truth) for shot in shots])
    scorers = {name: ClipScorer(prediction) for name, prediction in predictions.items()}
    for shot in shots:
        for scorer in scorers.values():
            scorer.fit(shot)
    flows = FlowEstimator()
    for shot in shots:
        flow = flows.next(shot.frame.image)
        for scorer in scorers.values():
            scorer.add(shot, flow)
    scores = {name: scorer.done().scores for name, scorer in scorers.items()}
    print(report({name: {column: row[column] for column in COLUMNS}
                  for name, row in scores.items()}))
    for row in ('stream', 'smooth', 'no fade', 'parallax'):
        for name, words in (('flicker', 'flicker, each by its own spread'),
                            ('warp_error', 'flicker in 1/m, each after its own fit'),
                            ('abs_rel', 'abs_rel')):
            print(f'{words}: {row} / frames = {scores[row][name] / scores["frames"][name]:.3f}')


def _without_holes(depth: np.ndarray) -> np.ndarray:
    disparity = true_disparity(depth)
    return np.where(disparity > 0.0, disparity, np.float32(np.nan))


if __name__ == '__main__':
    main()

"""The shipped model gives depth, not noise, on the shipped clip; and stays small."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('diffusers')

import dvd_ros  # noqa: E402
from dvd_ros.capture import open_capture  # noqa: E402
from dvd_ros.evaluation.align import baselines, evaluate_disparity  # noqa: E402
from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.stream import DepthStream  # noqa: E402

ASSETS = Path(dvd_ros.__file__).parent / 'assets'


@pytest.fixture(scope='module')
def scored():
    """Scores of the stream over the first frames of the clip, beside what needs no model."""
    capture = open_capture(ASSETS / 'demo')
    frames = [frame for frame, _ in zip(capture, range(29), strict=False)]
    stream = DepthStream(load_regressor('mini'))
    done = [d for frame in frames for d in stream.push(frame)] + stream.flush()
    assert [d.stamp for d in done] == [frame.stamp for frame in frames]
    truth = np.stack([capture.truth(i) for i in range(len(frames))])
    disparity = np.stack([d.disparity for d in done])
    return evaluate_disparity(disparity, truth), baselines(truth), disparity


def test_the_shipped_model_beats_what_needs_no_model(scored):
    model, simple, _ = scored
    assert model['abs_rel'] < 0.9 * min(row['abs_rel'] for row in simple.values())
    assert model['delta1'] > max(row['delta1'] for row in simple.values())


def test_its_disparity_varies_and_stays_in_range(scored):
    disparity = scored[2]
    assert np.isfinite(disparity).all()
    assert disparity.min() >= 0.0
    assert disparity.std() > 0.03
    # Neighbouring frames agree far better than pixels do.
    assert np.abs(np.diff(disparity, axis=0)).mean() < 0.3 * disparity.std()


def test_model_and_clip_stay_within_their_size():
    def size(folder):
        return sum(path.stat().st_size for path in (ASSETS / folder).rglob('*') if path.is_file())
    assert size('mini') <= 12_000_000
    assert size('demo') <= 1_500_000

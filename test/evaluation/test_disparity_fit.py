import json

import numpy as np
import pytest

from dvd_ros.evaluation import align_disparity, baselines, evaluate_disparity, fit_depth, report
from dvd_ros.evaluation.align import true_disparity


def test_fit_equals_the_reference(golden):
    expected = json.loads(golden('values.json').read_text())['metrics']
    arrays = np.load(golden('metrics.npz'))
    fitted, scale, shift = align_disparity(
        arrays['pred_disparity'], arrays['gt_disparity'], arrays['align_mask'])
    assert scale == pytest.approx(expected['align_video_scale'], rel=1e-5)
    assert shift == pytest.approx(expected['align_video_shift'], rel=1e-5)
    np.testing.assert_allclose(fitted, arrays['aligned_disparity'], rtol=1e-5, atol=1e-6)
    truth = np.where(arrays['valid_mask'], arrays['gt_depth'], np.nan)
    np.testing.assert_allclose(fit_depth(arrays['pred_disparity'], truth), arrays['pred_depth'],
                               rtol=2e-5)


def clip(seed=0):
    """Ten frames of a floor that meets a far wall, with boxes; metres."""
    rng = np.random.default_rng(seed)
    floor = np.minimum(6.0, 30.0 / np.maximum(np.arange(40) - 12, 1))
    truth = floor[:, None] * np.ones((10, 40, 50))
    for frame in truth:
        y, x = rng.integers(5, 25, 2)
        frame[y:y + 12, x:x + 15] = rng.uniform(1.0, 2.0)
    return truth


def test_scale_and_shift_cost_nothing():
    truth = clip()
    scores = evaluate_disparity(0.37 / truth + 0.2, truth)
    assert scores['abs_rel'] < 1e-5
    assert scores['delta1'] == 1.0
    assert scores['coverage'] == 1.0


def test_one_fit_for_the_clip_not_one_per_frame():
    truth = clip()
    flicker = (1.0 / truth) * np.linspace(0.6, 1.4, 10)[:, None, None]
    assert evaluate_disparity(flicker, truth)['abs_rel'] > 0.1


def test_pixels_without_truth_do_not_count_and_missing_predictions_show():
    truth = clip()
    disparity = 0.5 / truth
    truth[:, :5] = np.nan
    truth[:, 5] = 0.0
    truth[:, 6] = 200.0
    disparity[:, :7] = 0.9
    disparity[:, 20:25] = np.nan
    scores = evaluate_disparity(disparity, truth)
    assert scores['abs_rel'] < 1e-5
    assert scores['coverage'] == pytest.approx(28 / 33)


def test_zero_disparity_is_measured_although_it_is_not_fitted():
    truth = clip()
    disparity = 0.5 / truth
    disparity[:, 25:] = 0.0
    assert evaluate_disparity(disparity, truth)['abs_rel'] > 0.3


def test_baselines_are_what_they_say():
    truth = clip()
    scores = baselines(truth)
    flat = 1.0 / true_disparity(truth).mean()
    assert scores['constant']['abs_rel'] == pytest.approx(
        np.mean(np.abs(flat - truth) / truth), rel=1e-5)
    assert scores['image row']['abs_rel'] < scores['constant']['abs_rel']
    rows = np.broadcast_to(np.arange(40.0)[:, None] * 3 + 7, truth.shape)
    assert scores['image row']['abs_rel'] == pytest.approx(
        evaluate_disparity(rows, truth)['abs_rel'], rel=1e-4)


def test_report_is_a_table_with_every_row():
    lines = report(baselines(clip())).splitlines()
    assert len(lines) == 4
    assert len({len(line.split('|')) for line in lines}) == 1
    assert 'abs_rel' in lines[0]
    assert 'image row' in lines[3]


def test_no_truth_is_an_error():
    with pytest.raises(ValueError, match='no pixel'):
        evaluate_disparity(np.ones((2, 4, 4)), np.full((2, 4, 4), np.nan))
    with pytest.raises(ValueError, match='shape'):
        align_disparity(np.ones((2, 4, 4)), np.ones((2, 4, 5)), np.ones((2, 4, 4), bool))

import json

import numpy as np
import pytest

from dvd_ros.evaluation import all_metrics
from dvd_ros.evaluation.metrics import abs_rel, delta, rmse, silog

NAMES = {'abs_rel': 'abs_relative_difference', 'sq_rel': 'squared_relative_difference',
         'rmse': 'rmse_linear', 'rmse_log': 'rmse_log', 'log10': 'log10', 'silog': 'silog_rmse',
         'i_rmse': 'i_rmse', 'delta1': 'delta1_acc', 'delta2': 'delta2_acc', 'delta3': 'delta3_acc'}


@pytest.mark.parametrize('suffix', ['', '__nomask'])
def test_metrics_equal_the_reference(golden, suffix):
    expected = json.loads(golden('values.json').read_text())['metrics']
    arrays = np.load(golden('metrics.npz'))
    scores = all_metrics(arrays['pred_depth'], arrays['gt_depth_filled'],
                         None if suffix else arrays['align_mask'])
    compared = 0
    for name, theirs in NAMES.items():
        if theirs + suffix in expected:
            assert scores[name] == pytest.approx(expected[theirs + suffix], rel=1e-5), name
            compared += 1
    assert compared == (7 if suffix else 10)


def test_by_hand():
    truth = np.array([[[2.0, 4.0], [1.0, 8.0]]])
    depth = np.array([[[2.0, 5.0], [0.5, 16.0]]])
    assert abs_rel(depth, truth) == pytest.approx((0 + 0.25 + 0.5 + 1.0) / 4)
    assert rmse(depth, truth) == pytest.approx(np.sqrt((0 + 1 + 0.25 + 64) / 4))
    assert delta(depth, truth) == 0.25          # 5/4 is not below the threshold
    assert delta(depth, truth, power=3) == 0.5
    assert silog(3 * truth, truth) == pytest.approx(0.0, abs=1e-5)


def test_every_frame_counts_the_same_and_empty_frames_do_not():
    truth = np.ones((3, 2, 2))
    depth = truth.copy()
    depth[0] = 2.0
    mask = np.ones((3, 2, 2), bool)
    mask[0, 0] = False
    mask[0, 1, 1] = False
    mask[2] = False
    truth[2] = np.nan
    assert abs_rel(depth, truth, mask) == pytest.approx(0.5)


def test_what_cannot_be_measured_is_named():
    ones = np.ones((1, 2, 2))
    with pytest.raises(ValueError, match='no pixel'):
        all_metrics(ones, ones, np.zeros((1, 2, 2), bool))
    with pytest.raises(ValueError, match='shape'):
        all_metrics(ones, np.ones((1, 2, 3)))
    with pytest.raises(ValueError, match='1 of 4'):
        all_metrics(ones, np.array([[[1.0, 1.0], [np.nan, 1.0]]]))

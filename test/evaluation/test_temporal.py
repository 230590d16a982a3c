import json

import numpy as np
import pytest

from dvd_ros.evaluation.temporal import (
    relative_change_error,
    relative_temporal_difference,
    temporal_alignment_error,
)
from dvd_ros.geometry import Intrinsics, rays

CAMERA = Intrinsics(80, 60, 70.0, 70.0, 39.5, 29.5)


@pytest.mark.parametrize('suffix', ['', '__nomask'])
def test_change_equals_the_reference(golden, suffix):
    expected = json.loads(golden('values.json').read_text())['metrics']
    arrays = np.load(golden('metrics.npz'))
    measured = relative_temporal_difference(arrays['pred_depth'], arrays['gt_depth_filled'],
                                            None if suffix else arrays['align_mask'])
    assert measured == pytest.approx(expected['relative_temporal_diff' + suffix], rel=1e-5)


def test_pairs_without_a_pixel_are_no_pairs():
    depth = np.ones((3, 4, 5))
    mask = np.ones(depth.shape, bool)
    mask[0] = False
    assert relative_temporal_difference(2 * depth, depth, mask) == 0.0
    assert np.isnan(relative_change_error(depth[:2], depth[:2], mask[0]))


def view(pose):
    """Depth of the plane 0.2 y + z = 3 (camera at the origin: optical axis along z)."""
    normal = np.array([0.0, 0.2, 1.0])
    directions = rays(CAMERA) @ pose[:3, :3].T
    return (3.0 - normal @ pose[:3, 3]) / (directions @ normal)


def moved(x, angle):
    pose = np.eye(4)[:3].copy()
    pose[:, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    pose[:, 3] = x, 0.1, 0.3
    return pose


def test_a_still_world_has_no_alignment_error():
    poses = moved(0.0, 0.0), moved(0.1, 0.05)
    first, second = view(poses[0]), view(poses[1])
    right = temporal_alignment_error(first, second, *poses, CAMERA)
    assert right < 0.5  # rounding to pixels
    inverse = moved(0.0, 0.0), moved(-0.1, -0.05)
    assert temporal_alignment_error(first, second, *inverse, CAMERA) > 2.0
    longer = [np.vstack([pose, [0, 0, 0, 1]]) for pose in poses]
    assert temporal_alignment_error(first, second, *longer, CAMERA) == right


def test_alignment_error_is_percent_both_ways():
    still = moved(0.0, 0.0)
    first = np.full((60, 80), 2.0)
    # AbsRel of 2 against 2.2, and of 2.2 against 2.
    assert temporal_alignment_error(first, 1.1 * first, still, still, CAMERA) == pytest.approx(
        50.0 * (0.2 / 2.2 + 0.2 / 2.0))


def test_what_is_nowhere_is_no_number_and_sizes_must_agree():
    away = moved(0.0, np.pi)
    assert np.isnan(temporal_alignment_error(np.full((60, 80), 2.0), np.full((60, 80), 2.0),
                                             moved(0.0, 0.0), away, CAMERA))
    with pytest.raises(ValueError, match='one size'):
        temporal_alignment_error(np.ones((6, 8)), np.ones((6, 8)), away, away, CAMERA)

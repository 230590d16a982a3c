import json

import numpy as np
import pytest

from dvd_ros.evaluation.boundary import BoundaryCount, depth_edges, image_edges


def test_boundaries_equal_the_reference(golden):
    expected = json.loads(golden('values.json').read_text())['metrics']
    arrays = np.load(golden('metrics.npz'))
    count = BoundaryCount()
    for depth, rgb, mask in zip(arrays['pred_depth'], arrays['rgb'].transpose(0, 2, 3, 1),
                                arrays['align_mask'], strict=True):
        count.add(depth_edges(depth), image_edges(rgb), mask)
    for name, value in count.scores().items():
        assert value == pytest.approx(expected[f'boundary_{name}'], rel=1e-5), name


def box(left, depth=1.0):
    scene = np.full((40, 60), 3.0)
    scene[10:30, left:left + 20] = depth
    return scene


def test_an_edge_matches_within_a_pixel_and_no_farther():
    scores = []
    for left in (20, 21, 25):
        count = BoundaryCount()
        count.add(depth_edges(box(left)), depth_edges(box(20)), np.ones((40, 60), bool))
        scores.append(count.scores()['f1'])
    assert scores[0] == scores[1] == pytest.approx(1.0, abs=1e-5)
    assert scores[2] < 0.8


def test_depth_without_edges_recalls_none_and_the_unknown_has_none():
    count = BoundaryCount()
    count.add(depth_edges(np.full((40, 60), 2.0)), depth_edges(box(20)), np.ones((40, 60), bool))
    assert count.scores() == {'precision': 0.0, 'recall': 0.0, 'f1': 0.0}
    holes = np.full((40, 60), 2.0)
    holes[5:20, 5:20] = np.nan
    holes[25:30] = 0.0
    assert not depth_edges(holes).any()


def test_bytes_and_floats_have_the_same_edges():
    image = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    np.testing.assert_array_equal(image_edges(image), image_edges(image.astype(np.float32) / 255))

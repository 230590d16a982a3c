"""Padding and scaling of clips, as the reference does it."""

import json

import numpy as np
import pytest
import torch

from dvd_ros.model.clip import network_size, pad_frames, padded_length, resize


def test_padding_table(golden):
    table = json.loads(golden('values.json').read_text())['pad_time_mod4']
    assert len(table) > 8
    assert [padded_length(row['T']) for row in table] == [row['padded'] for row in table]


def test_padding_repeats_the_last_frame():
    clip = torch.arange(7.0).view(7, 1, 1, 1)
    assert pad_frames(clip).flatten().tolist() == [0, 1, 2, 3, 4, 5, 6, 6, 6]
    assert pad_frames(clip[:5]).flatten().tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match='at least one frame'):
        padded_length(0)


def test_resize_there_and_back(golden):
    cases = json.loads(golden('values.json').read_text())['resize']
    with np.load(golden('resize.npz')) as file:
        for n, case in enumerate(cases):
            clip = torch.from_numpy(file[f'case{n}.input'])
            size = network_size(case['H'], case['W'], (case['target_h'], case['target_w']))
            assert list(size) == case['resized_hw']
            resized = resize(clip, size).numpy()
            np.testing.assert_allclose(resized, file[f'case{n}.resized'], rtol=0, atol=1e-5)
            depth = torch.from_numpy(file[f'case{n}.depth_in']).permute(0, 3, 1, 2)
            back = resize(depth, (case['H'], case['W'])).permute(0, 2, 3, 1).numpy()
            np.testing.assert_allclose(back, file[f'case{n}.depth_back'], rtol=0, atol=1e-5)


@pytest.mark.parametrize(('given', 'target', 'wanted'), [
    ((720, 1280), (480, 640), (480, 864)),
    ((480, 640), (480, 640), (480, 640)),
    ((100, 60), None, (112, 64)),
    ((1, 1), (32, 48), (48, 48)),
])
def test_network_size(given, target, wanted):
    assert network_size(*given, target) == wanted

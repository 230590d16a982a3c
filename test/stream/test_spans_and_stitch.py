import json

import numpy as np
import pytest

from dvd_ros.stream import stitch, window_spans


def test_spans_equal_the_reference(golden):
    table = json.loads(golden('values.json').read_text())['window_index']
    assert len(table) > 40
    for row in table:
        spans = window_spans(row['T'], row['window_size'], row['overlap'])
        assert spans == [tuple(span) for span in row['windows']], row


@pytest.mark.parametrize(('frames', 'size', 'overlap'),
                         [(0, 13, 5), (9, 0, 0), (9, 5, 5), (9, 5, -1)])
def test_impossible_spans(frames, size, overlap):
    with pytest.raises(ValueError, match='got'):
        window_spans(frames, size, overlap)


@pytest.mark.parametrize('case', range(7))
def test_stitch_equals_the_reference(golden, case):
    params = json.loads(golden('values.json').read_text())['stitch'][case]
    arrays = np.load(golden('stitch.npz'))
    windows = [arrays[f'case{case}.window{index}'] for index in range(len(params['windows']))]
    before = [window.copy() for window in windows]
    result = stitch(windows, params['windows'], scale_only=params['scale_only'])
    expected = arrays[f'case{case}.stitched']
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, atol=1e-5, rtol=0)
    for window, untouched in zip(windows, before, strict=True):
        np.testing.assert_array_equal(window, untouched)


def test_stitch_takes_clips_without_channels():
    windows = [np.random.default_rng(i).random((5, 3, 4), np.float32) for i in range(3)]
    spans = window_spans(9, 5, 3)
    with_channel = stitch([window[..., None] for window in windows], spans)
    np.testing.assert_array_equal(stitch(windows, spans), with_channel[..., 0])


@pytest.mark.parametrize(('windows', 'spans'), [
    ([], []),
    ([(5, 2, 2)], [(0, 5), (3, 8)]),
    ([(5, 2, 2), (5, 2, 2)], [(0, 5), (6, 11)]),
    ([(5, 2, 2), (4, 2, 2)], [(0, 5), (3, 8)]),
    ([(5, 2, 2), (5, 2, 3)], [(0, 5), (3, 8)]),
    ([(5, 2, 2), (5, 2, 2)], [(0, 5), (0, 5)]),
])
def test_windows_and_spans_must_fit(windows, spans):
    with pytest.raises(ValueError):
        stitch([np.ones(shape, np.float32) for shape in windows], spans)

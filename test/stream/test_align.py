import math

import numpy as np
import pytest

from dvd_ros.stream import StreamConfig, WindowAligner, stitch, window_spans


def scene(frames, height=24, width=32, seed=0):
    """Smooth disparity that drifts over time, sd about 0.2 within 0..1."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[0:height, 0:width]
    phase = rng.uniform(0, 6, 4)
    clip = [0.5 + 0.2 * np.sin(u / 5 + phase[0] + t / 40) + 0.2 * np.cos(v / 6 + phase[1] - t / 50)
            for t in range(frames)]
    return np.stack(clip).astype(np.float32)


def run(aligner, clip, size, overlap, distort):
    """Align a clip window by window; returns (all published frames, alignments)."""
    done, results = 0, []
    for index, (start, end) in enumerate(window_spans(len(clip), size, overlap)):
        results.append(aligner.align(distort(clip[start:end], index), end - done))
        done = end
    return np.concatenate([result.disparity for result in results]), results


def affine(window, index):
    rng = np.random.default_rng(1000 + index)
    if index == 0:
        return window
    return (window - np.float32(rng.normal(0, 0.02))) / np.float32(math.exp(rng.normal(0, 0.1)))


@pytest.mark.parametrize('rule', ['bounded', 'dvd'])
def test_windows_come_back_to_the_first_ones_scale(rule):
    clip = scene(45)
    published, results = run(WindowAligner(StreamConfig(rule=rule)), clip, 13, 5, affine)
    np.testing.assert_allclose(published, clip, atol=2e-3)
    assert all(result.correlation > 0.999 for result in results[1:])
    assert math.isnan(results[0].correlation)


def test_rule_dvd_equals_stitch_where_stitch_does_not_blend():
    rng = np.random.default_rng(0)
    clip = scene(50)
    spans = window_spans(50, 13, 5)
    noisy = {index: (affine(clip[start:end], index)
                     + rng.normal(0, 0.02, (end - start, 24, 32))).astype(np.float32)
             for index, (start, end) in enumerate(spans)}
    published, results = run(WindowAligner(StreamConfig(rule='dvd')), clip, 13, 5,
                             lambda _, index: noisy[index])
    stitched = stitch([noisy[index] for index in range(len(spans))], spans)
    blended = np.zeros(50, bool)
    for (_, end), (start, _) in zip(spans[:-1], spans[1:], strict=True):
        blended[start:end] = True
    assert 20 < (~blended).sum()
    np.testing.assert_allclose(published[~blended], stitched[~blended], atol=1e-5)
    assert all(math.isnan(result.scale_sigma) for result in results)


def drive(rule, windows, outliers=0.0):
    """Return the gain of the published scale over many windows of noisy, rescaled overlaps."""
    rng = np.random.default_rng(3)
    aligner, gains = WindowAligner(StreamConfig(rule=rule)), []
    clip = scene(13 + 8 * windows, 16, 20)
    for index in range(windows):
        gain, shift = (1.0, 0.0) if index == 0 else (
            math.exp(rng.normal(0, 0.05)), rng.normal(0, 0.02))
        window = clip[8 * index:8 * index + 13]
        window = window + rng.normal(0, 0.03, window.shape)
        moved = rng.random(window.shape) < outliers
        window = np.where(moved, window + 0.2 + rng.normal(0, 0.2, window.shape), window)
        result = aligner.align((window - shift) / gain, 13 if index == 0 else 8)
        gains.append(result.scale / gain)
    return np.array(gains)


@pytest.mark.parametrize('outliers', [0.0, 0.1])
def test_bounded_rule_does_not_decay(outliers):
    gains = drive('bounded', 300, outliers)
    assert np.abs(np.log(gains[50:])).max() < 0.15
    assert abs(np.log(gains[50:]).mean()) < 0.03


def test_published_rule_does_decay():
    # What the bounded rule is for: without this the test above would prove nothing.
    assert drive('dvd', 300)[50:].mean() < 0.85


@pytest.mark.parametrize('rule', ['bounded', 'dvd'])
def test_flat_windows_are_no_reason_to_invent_a_scale(rule):
    aligner = WindowAligner(StreamConfig(rule=rule))
    aligner.align(np.full((5, 6, 8), 0.4, np.float32), 5)
    result = aligner.align(np.full((5, 6, 8), 0.4, np.float32), 3)
    assert result.scale == pytest.approx(1.0)
    assert np.isfinite(result.disparity).all()
    np.testing.assert_allclose(result.disparity, 0.4, atol=1e-6)


def test_vague_overlap_keeps_the_level_and_says_that_it_knows_less():
    clip = scene(26)
    noise = np.random.default_rng(0).normal(0, 0.6, clip.shape)
    sure, unsure = WindowAligner(), WindowAligner()
    for aligner in (sure, unsure):
        aligner.align(clip[:13], 13)
    good = sure.align(clip[8:21], 8)
    bad = unsure.align(clip[8:21] + noise[8:21], 8)
    assert 0.2 < bad.correlation < 0.5 < good.correlation
    assert bad.scale_sigma > 5 * good.scale_sigma
    assert 0.7 < bad.scale < 1.5
    assert not bad.cut


def test_contradicting_overlap_begins_a_segment():
    clip = scene(40)
    aligner = WindowAligner()
    aligner.align(clip[:13], 13)
    assert not aligner.align(clip[8:21] * 0.8, 8).cut
    there = aligner.align(0.7 * (1.0 - clip[16:29]), 8)
    assert (there.cut, there.segment, there.scale, there.shift) == (True, 1, 1.0, 0.0)
    np.testing.assert_allclose(there.disparity, 0.7 * (1.0 - clip[21:29]), atol=1e-6)
    goes_on = aligner.align(0.35 * (1.0 - clip[24:37]), 8)
    assert not goes_on.cut
    assert goes_on.scale == pytest.approx(2.0, rel=0.05)


def test_an_announced_cut_is_told_once():
    aligner, clip = WindowAligner(), scene(40)
    aligner.align(clip[:13], 13)
    aligner.reset(cut=True)
    assert [aligner.align(clip[a:a + 13], 13 if a == 13 else 8).cut for a in (13, 21)] == [
        True, False]


def test_the_disagreement_shows_where_two_windows_differ():
    clip = scene(26, 48, 64)
    aligner = WindowAligner()
    assert aligner.align(clip[:13], 13).disagreement is None
    window = clip[8:21] * 0.8
    window[:, :10, :10] += 0.1
    apart = aligner.align(window, 8).disagreement
    assert apart[:4, :4].mean() > 0.08 > 0.02 > np.median(apart)


@pytest.mark.parametrize('rule', ['bounded', 'dvd'])
def test_missing_values_stay_missing_and_do_no_harm(rule):
    clip = scene(21)
    holes = clip.copy()
    holes[:, 3:6, 4:9] = np.nan
    published, _ = run(WindowAligner(StreamConfig(rule=rule)), holes, 13, 5, affine)
    np.testing.assert_array_equal(np.isnan(published), np.isnan(holes))
    np.testing.assert_allclose(published[~np.isnan(holes)], clip[~np.isnan(holes)], atol=2e-3)
    empty = WindowAligner(StreamConfig(rule=rule))
    empty.align(np.full((5, 4, 4), np.nan, np.float32), 5)
    assert empty.align(np.full((5, 4, 4), 0.5, np.float32), 3).scale == pytest.approx(1.0)


@pytest.mark.parametrize('rule', ['bounded', 'dvd'])
def test_published_frames_are_never_changed(rule):
    aligner, clip = WindowAligner(StreamConfig(rule=rule)), scene(60)
    raw = clip[:13].copy()
    first = aligner.align(raw, 13).disparity
    kept = first.copy()
    raw[:] = 9.0
    for start in range(8, 40, 8):
        aligner.align(affine(clip[start:start + 13], start), 8)
    np.testing.assert_array_equal(first, kept)
    assert (first >= 0.0).all()


def test_reset_begins_a_segment_with_a_scale_of_its_own():
    aligner, clip = WindowAligner(), scene(40)
    aligner.align(clip[:13], 13)
    assert aligner.align(clip[8:21] * 0.8, 8).scale > 1.2
    aligner.reset()
    aligner.reset()
    again = aligner.align(clip[20:33] * 0.5, 13)
    assert (again.segment, again.scale, again.shift) == (1, 1.0, 0.0)


@pytest.mark.parametrize('rule', ['bounded', 'dvd'])
def test_windows_without_overlap_are_taken_as_they_are(rule):
    aligner, clip = WindowAligner(StreamConfig(rule=rule)), scene(26)
    aligner.align(clip[:13], 13)
    result = aligner.align(clip[13:], 13)
    assert (result.scale, result.shift, result.segment) == (1.0, 0.0, 0)
    np.testing.assert_allclose(result.disparity, clip[13:])


def test_large_images_are_sampled_without_losing_the_scale():
    clip = scene(9, 360, 480)
    aligner = WindowAligner()
    aligner.align(clip[:5], 5)
    assert aligner.align(clip[2:7] * 0.8, 2).scale == pytest.approx(1.25, rel=5e-3)


@pytest.mark.parametrize(('shape', 'new'), [((5, 4), 5), ((5, 4, 4), 0), ((5, 4, 4), 6)])
def test_window_must_be_one(shape, new):
    with pytest.raises(ValueError, match='raw'):
        WindowAligner().align(np.zeros(shape), new)


def test_window_must_fit_the_one_before():
    aligner = WindowAligner()
    aligner.align(np.zeros((5, 4, 4)), 5)
    with pytest.raises(ValueError, match='reset'):
        aligner.align(np.zeros((5, 4, 6)), 2)
    with pytest.raises(ValueError, match='shares 8'):
        aligner.align(np.zeros((9, 4, 4)), 1)
    with pytest.raises(ValueError, match='rule'):
        StreamConfig(rule='median')


def test_a_model_whose_gain_depends_on_the_place_in_the_window_does_not_lose_its_scale():
    # Late frames of every window are 10 % flatter: all that an overlap shows is a falling scale.
    fall = np.linspace(1.05, 0.95, 13, dtype=np.float32)[:, None, None]
    clip = scene(13 + 8 * 150, 16, 20)
    aligner = WindowAligner()
    for index in range(150):
        result = aligner.align(clip[8 * index:8 * index + 13] * fall, 13 if index == 0 else 8)
    assert 0.4 < result.scale < 1.0
    assert result.scale_sigma > 0.01

import json
import re

import cv2
import numpy as np
import pytest

from dvd_ros.capture.demo_clip import write_clip
from dvd_ros.evaluation import eval_setting
from dvd_ros.evaluation.align import evaluate_disparity
from dvd_ros.evaluation.clips import Shot
from dvd_ros.evaluation.eval_report import as_html, as_json, terminal_table
from dvd_ros.evaluation.eval_run import EvalConfig, evaluate
from dvd_ros.evaluation.eval_setting import EvalSetting
from dvd_ros.evaluation.predict import predict_frames, predict_windows
from dvd_ros.geometry import Intrinsics
from dvd_ros.regressor.protocol import PreparedImage, Regressor
from dvd_ros.stream import Frame, stitch, window_spans

SIZE = 48, 64


class Brightness(Regressor):
    """A stand-in network: disparity is brightness, but for a line that each window has anew."""

    name, size, on_stage = 'brightness', None, None

    def __init__(self, window=45):
        self.window = window
        self.calls = 0

    def prepare(self, image):
        return PreparedImage(image, image.shape[:2])

    def predict_prepared(self, prepared):
        self.calls += 1
        shift = 0.1 * np.sin(3.0 * self.calls)
        return np.stack([one.content[..., 0] / np.float32(400) + np.float32(shift + 0.15)
                         for one in prepared]).astype(np.float32)


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """A folder with true depth, of a wall and a box that move; brightness is disparity."""
    monkeypatch.setattr(eval_setting, 'load_regressor', lambda *args, **kwargs: Brightness())
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.random((SIZE[0], 120)).astype(np.float32), (0, 0), 2) * 0.6
    disparity = np.stack([0.25 + texture[:, i:i + SIZE[1]] for i in range(30)])
    disparity[:, 10:30, 20:40] += 0.25
    images = np.repeat((disparity * 240).astype(np.uint8)[..., None], 3, axis=-1)
    folder = tmp_path / '<clip>'
    write_clip(folder, images, 1.0 / disparity, Intrinsics(64, 48, 60.0, 60.0, 31.5, 23.5), 30.0, 1)
    return folder


def run(clip, *settings, **config):
    return evaluate([EvalSetting().changed(text) for text in settings], [str(clip)],
                    EvalConfig(**config))


def test_the_stream_is_scored_as_the_reference_scores_a_clip(clip):
    result = run(clip, 'mini')
    (one,) = result.clips
    scores = one.results['mini'].scores
    assert one.frames == 30
    assert scores['abs_rel'] < 0.7 * one.baselines['constant'].scores['abs_rel']
    assert len(one.results['mini'].curves['abs_rel']) == 30
    assert scores['edge_f1'] > 0.0


def test_frame_by_frame_scores_are_those_of_the_whole_clip(clip):
    from dvd_ros.capture import open_capture
    capture = open_capture(clip)
    frames = list(capture)
    disparity = np.stack(predict_frames(Brightness(), map(Shot, frames)).disparity)
    truth = np.stack([capture.truth(i) for i in range(len(frames))])
    measured = run(clip, 'mini:protocol=frames').clips[0].results['mini:protocol=frames'].scores
    for name, value in evaluate_disparity(disparity, truth).items():
        assert measured[name] == pytest.approx(value, rel=1e-5), name


def test_flicker_tells_the_stream_from_single_frames(clip):
    result = run(clip, 'mini', 'mini:protocol=frames')
    stream, frames = (result.clips[0].results[name].scores['flicker']
                      for name in ('mini', 'mini:protocol=frames'))
    assert stream < 0.5 * frames
    mean, _, count = result.differences()['mini:protocol=frames']['flicker']
    assert mean == pytest.approx(frames - stream)
    assert count == 1


def test_reference_windows_are_those_of_window_spans():
    rng = np.random.default_rng(0)
    frames = [Frame(rng.integers(0, 255, (*SIZE, 3), np.uint8), i) for i in range(31)]
    for count in (5, 13, 29, 31):
        predicted = predict_windows(Brightness(), map(Shot, frames[:count]), 13, 5).disparity
        spans, network = window_spans(count, 13, 5), Brightness()
        expected = stitch([network.predict(np.stack([f.image for f in frames[a:b]]))
                           for a, b in spans], spans)
        np.testing.assert_array_equal(np.stack(predicted), expected)


def test_metres_by_known_depth_are_scored_without_a_fit(clip):
    (one,) = run(clip, 'mini', known_depth=0.1).clips
    scores = one.results['mini'].scores
    assert scores['metric_share'] > 0.5
    assert scores['metric_abs_rel'] < 0.2


def test_settings_are_read_from_text():
    setting = EvalSetting().changed('a/b:c:protocol=dvd,backend=torch')
    assert (setting.model, setting.window, setting.overlap) == ('a/b:c', 45, 9)
    assert setting.backend == 'torch'
    long = EvalSetting(protocol='dvd', window=81, overlap=21)
    assert (long.changed('mini').window, long.changed('mini').overlap) == (81, 21)
    stream = EvalSetting().changed('mini:overlap=9,latency=smooth,cuts=false').stream
    assert (stream.window, stream.overlap, stream.latency, stream.cuts) == (13, 9, 'smooth', False)
    for text, match in (('mini:speed=3', 'no option speed'), ('mini:overlap=x', 'type int'),
                        ('mini:protocol=fast', 'protocol'), ('mini:window=12', '4n'),
                        ('mini:overlap=13', 'overlap'), ('mini:a=1,b', "'b'")):
        with pytest.raises(ValueError, match=match):
            EvalSetting().changed(text)
    with pytest.raises(ValueError, match='differ'):
        evaluate([EvalSetting(), EvalSetting()], ['absent'])


def test_the_page_stands_alone_and_nothing_in_it_is_markup_of_others(clip):
    result = run(clip, 'mini', 'mini:overlap=9')
    result.failed.append(('<b>bad</b>', 'why & how'))
    page = as_html(result)
    assert '<b>bad' not in page
    assert '<clip>' not in page
    assert '&lt;clip&gt;' in page
    assert '<script' not in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert page.count('<svg') >= 4
    assert page.count('data:image/jpeg;base64,') == 1


def test_json_holds_scores_curves_and_no_nan(clip):
    content = json.loads(as_json(run(clip, 'mini')),
                         parse_constant=lambda name: pytest.fail(f'{name} in JSON'))
    curves = content['clips'][0]['results']['mini']['curves']
    assert curves['flicker'][0] is None
    assert curves['flicker'][1] >= 0.0
    assert content['summary']['mini']['abs_rel']['standard_error'] is None
    assert content['settings'][0]['window'] == 13


def test_the_table_has_every_clip_and_the_means(clip):
    table = terminal_table(run(clip, 'mini', 'mini:overlap=9'))
    assert '<clip>: mini:overlap=9' in table
    assert 'mean of 1: image row' in table
    assert 'mini:overlap=9 less mini' in table


def test_a_video_without_truth_is_measured_over_time_only(clip):
    (one,) = run(clip / 'clip.mp4', 'mini').clips
    assert set(one.results['mini'].scores) == {'flicker', 'fps'}
    assert one.baselines == {}
    assert one.sheet.ndim == 3


def test_a_clip_that_cannot_be_scored_does_not_stop_the_others(clip, tmp_path, monkeypatch):
    import dvd_ros.datasets
    monkeypatch.setattr(dvd_ros.datasets, 'detect', lambda folder: '', raising=False)
    monkeypatch.setattr(dvd_ros.datasets, 'open_dataset', None, raising=False)
    bad = tmp_path / 'bad'
    bad.mkdir()
    (bad / 'a.png').write_bytes(b'no image')
    result = evaluate([EvalSetting()], [str(bad), str(clip)])
    assert [one.name for one in result.clips] == ['<clip>']
    ((name, why),) = result.failed
    assert name == 'bad'
    assert 'no frame that can be used' in why
    assert 'skipped 1 frame' in why

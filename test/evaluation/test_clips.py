import cv2
import numpy as np
import pytest

import dvd_ros.datasets
from dvd_ros.datasets.sequence import BadSample, Sample
from dvd_ros.evaluation.clips import Clip, Shot, open_clips
from dvd_ros.stream import Frame


class Listed:
    """A source of shots from a list."""

    name = 'listed'

    def __init__(self, *shots):
        self._shots = shots

    def shots(self):
        return iter(self._shots)


def shot(stamp=0, truth=None):
    return Shot(Frame(np.zeros((6, 8, 3), np.uint8), stamp), truth)


@pytest.fixture
def unknown_layouts(monkeypatch):
    """Folders are of no known data set."""
    def detect(folder):
        raise ValueError(f'{folder} is of no known layout')
    monkeypatch.setattr(dvd_ros.datasets, 'detect', detect, raising=False)
    monkeypatch.setattr(dvd_ros.datasets, 'open_dataset', None, raising=False)


def test_a_damaged_image_is_skipped_named_and_counted_once(tmp_path, unknown_layouts):
    for name in ('a', 'b', 'c'):
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.zeros((6, 8, 3), np.uint8))
    (tmp_path / 'b.png').write_bytes(b'no image')
    (clip,), _ = open_clips(str(tmp_path))
    assert [len(list(clip)), len(list(clip))] == [2, 2]
    (line,) = clip.trouble()
    assert 'skipped 1 frame: ' in line
    assert 'cannot be read as an image' in line
    assert str(tmp_path / 'b.png') in line


def test_depth_of_another_size_is_skipped_and_named():
    good = shot(0, np.ones((6, 8), np.float32))
    clip = Clip(Listed(good, shot(1, np.ones((3, 4), np.float32)), shot(2)))
    assert [taken.frame.stamp for taken in clip] == [0, 2]
    assert 'depth of 4x3, image of 8x6' in clip.trouble()[0]


def test_an_empty_folder_is_an_error(tmp_path, unknown_layouts):
    with pytest.raises(ValueError, match='no source of frames'):
        open_clips(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        open_clips(str(tmp_path / 'absent'))


def test_every_nth_frame_and_no_more_than_asked_for():
    clip = Clip(Listed(*(shot(stamp) for stamp in range(10))), every=2, most=3)
    assert [taken.frame.stamp for taken in clip] == [0, 2, 4]
    assert 'only the first 3 frames' in clip.trouble()[0]
    whole = Clip(Listed(*(shot(stamp) for stamp in range(6))), every=2, most=3)
    assert len(list(whole)) == 3
    assert whole.trouble() == []
    with pytest.raises(ValueError, match='at least 1'):
        Clip(Listed(), every=0)


def test_a_data_set_gives_its_sequences_and_its_bad_samples(tmp_path, monkeypatch):
    class Three:
        name = 'scene/cam'

        def __len__(self):
            return 3

        def __getitem__(self, index):
            if index == 1:
                raise BadSample(tmp_path / '1.png', 'damaged')
            return Sample(np.zeros((6, 8, 3), np.uint8), np.ones((6, 8), np.float32), index,
                          pose=np.eye(4)[:3])

    class Found:
        sequences = [Three()]

        class skipped:
            frames, files = 0, {}

    asked = []
    monkeypatch.setattr(dvd_ros.datasets, 'detect', lambda folder: 'found', raising=False)
    monkeypatch.setattr(dvd_ros.datasets, 'open_dataset',
                        lambda *args: asked.append(args) or Found, raising=False)
    (clip,), said = open_clips(str(tmp_path), split='test')
    assert asked == [('found', tmp_path, 'test')]
    assert said == []
    shots = list(clip)
    assert [one.frame.stamp for one in shots] == [0, 2]
    assert shots[0].pose.shape == (3, 4)
    assert clip.trouble() == [f'scene/cam: skipped 1 frame: damaged (first: {tmp_path / "1.png"})']

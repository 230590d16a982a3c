"""The report on a recorded stream: counts, times, stamps, accuracy, pictures."""

import cv2
import numpy as np
import pytest

from dvd_ros.capture.source import Capture
from dvd_ros.evaluation.demo_report import (
    accuracy,
    figures,
    shown_images,
    stamp_faults,
    table,
    true_depth,
    verdict,
    write_pictures,
)
from dvd_ros.evaluation.stream_record import StreamRecord
from dvd_ros.stream import Frame

NEAR, FAR = 0.5, 20.0
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SIZE = (30, 40)


class Film(Capture):
    """Frames at 10 Hz whose true depth is another random picture each."""

    name, rate, has_truth = 'film', 10.0, True

    def __init__(self, length):
        self.length = length
        self.depths = np.random.default_rng(5).uniform(1.0, 6.0, (length, *SIZE))
        self.depths = self.depths.astype(np.float32)

    def __iter__(self):
        raise AssertionError('the report needs no images of the source')

    def truth(self, index):
        return self.depths[index]


def recorded(film, dropped=(), late=0, **changed):
    """The record of a film: depth is the truth in other units, 2 s late, each `late` ns more."""
    inputs = START + np.arange(film.length) * SECOND // 10
    out = np.array([i for i in range(film.length) if i not in dropped])
    values = {
        'inputs': inputs, 'depths': inputs[out],
        'arrivals': inputs[out] + 2 * SECOND + np.arange(len(out)) * late,
        'kept': np.arange(len(out)),
        # affine in 1/Z: far away enough that nothing is clipped at FAR
        'depth': (1.0 / (0.3 / film.depths[out] + 0.06)).astype(np.float32),
        'images': np.full((len(out), *SIZE, 3), 120, np.uint8),
        'counts': {'received': film.length, 'published': len(out), 'in_work': 0,
                   'compute_ms': 250.0, 'dropped_too_slow': len(dropped),
                   'dropped_unreadable': 0},
        'window': 13, 'segments': 1,
    }
    return StreamRecord(**values | changed)


def test_images_are_counted_and_timed():
    result = figures(recorded(Film(21), dropped=(3, 4, 9), late=10_000_000))
    assert result['frames_in'] == 21
    assert result['published'] == 18
    assert result['dropped'] == {'too_slow': 3}
    assert (result['lost_before'], result['lost_after'], result['unfinished']) == (0, 0, 0)
    assert result['rate_in'] == pytest.approx(10.0)
    # 18 until the last one came: 2.0 s of film, 2 s and 17 times 10 ms of waiting
    assert result['rate'] == pytest.approx(18 / 4.17)
    assert result['latency_p50'] == pytest.approx(2.085)
    assert result['latency_p95'] == pytest.approx(2.0 + 0.01 * 0.95 * 17)
    assert result['first_depth'] == pytest.approx(2.0)
    assert result['compute'] == pytest.approx(0.25)
    assert result['stamp_faults'] == []
    assert verdict(result).startswith('Every depth image has the stamp of an input image')


def test_what_is_lost_on_the_way_is_not_hidden():
    film = Film(10)
    counts = {'received': 8, 'published': 7, 'in_work': 1, 'compute_ms': 1.0}
    record = recorded(film, dropped=(0, 1, 2, 3), counts=counts)
    result = figures(record)
    assert (result['lost_before'], result['lost_after'], result['unfinished']) == (2, 1, 1)
    text = table(result)
    assert 'images lost on the way to the depth node' in text
    assert 'depth images lost on the way from it' in text
    assert 'images still in work' in text


@pytest.mark.parametrize(
    ('depths', 'words'),
    [
        ([1, 2, 4], None),
        ([], None),
        ([1, 2, 5], 'belong to no image'),
        ([1, 2, 2, 3], 'came again'),
        ([1, 3, 2], 'earlier than the one before'),
    ],
)
def test_stamps_that_are_wrong_are_named(depths, words):
    faults = stamp_faults(np.array([1, 2, 3, 4]), np.array(depths, np.int64))
    assert len(faults) == (words is not None)
    if words:
        assert words in faults[0]
        assert faults[0].startswith('1 of')


def test_wrong_stamps_and_no_depth_are_said():
    film = Film(6)
    record = recorded(film)
    swapped = recorded(film, depths=record.depths[[1, 0, 2, 3, 4, 5]])
    assert verdict(figures(swapped)).startswith('WRONG: 1 of 6')
    nothing = StreamRecord(inputs=record.inputs, depths=record.depths[:0],
                           arrivals=record.arrivals[:0])
    result = figures(nothing)
    assert verdict(result) == 'No depth was published.'
    assert result['latency_p50'] is None
    assert result['rate'] is None
    assert 'published           0' in table(result)


def test_depth_that_is_affine_to_the_truth_in_disparity_has_no_error():
    """Also where images were dropped: each depth finds the truth of its own image."""
    film = Film(12)
    record = recorded(film, dropped=(0, 1, 5))
    truths, trouble = true_depth(record, film)
    assert trouble == ''
    scores = accuracy(record, truths, NEAR, FAR)
    assert scores['dvd_ros']['abs_rel'] < 1e-4
    assert scores['dvd_ros']['delta1'] == 1.0
    assert scores['constant']['abs_rel'] > 0.2
    assert scores['image row']['abs_rel'] > 0.2
    result = figures(record) | {'accuracy': scores, 'scored': 9, 'ready': 7.5}
    assert 'against true depth, 9 frames' in table(result)
    assert '7.5 s after the start' in table(result)


def test_truth_is_reduced_as_depth_is():
    film = Film(4)
    whole = recorded(film)
    record = recorded(film, depth=np.stack(
        [cv2.resize(d, (20, 15), interpolation=cv2.INTER_NEAREST) for d in whole.depth]))
    truths, _ = true_depth(record, film)
    assert accuracy(record, truths, NEAR, FAR)['dvd_ros']['abs_rel'] < 1e-4


def test_no_truth_is_guessed():
    film = Film(8)
    lacking = recorded(film, inputs=START + np.arange(7) * SECOND // 10)
    truths, trouble = true_depth(lacking, film)
    assert truths == [None] * 8
    assert '7 images were seen of 8' in trouble
    assert accuracy(lacking, truths, NEAR, FAR) == {}
    film.has_truth = False
    assert true_depth(recorded(film), film) == ([None] * 8, '')


def test_a_film_cut_short_is_compared_as_far_as_it_was_seen():
    film = Film(8)
    short = Film(8)
    short.length = 20
    truths, trouble = true_depth(recorded(film), short, cut_short=True)
    assert trouble == ''
    np.testing.assert_array_equal(np.stack(truths), film.depths)


def test_depth_at_the_far_end_alone_gives_no_scores():
    film = Film(4)
    record = recorded(film, depth=np.full((4, *SIZE), FAR, np.float32))
    truths, _ = true_depth(record, film)
    assert accuracy(record, truths, NEAR, FAR) == {}


def test_pictures(tmp_path):
    film = Film(9)
    points = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    record = recorded(film, points=points, colours=np.full((50, 3), 7, np.uint8))
    truths, _ = true_depth(record, film)
    sheet, cloud = write_pictures(tmp_path, record, list(record.images), truths, NEAR, FAR,
                                  'film')
    with_truth = cv2.imread(str(sheet))
    assert cloud.read_bytes().startswith(b'ply\nformat binary_little_endian')
    assert b'element vertex 50\n' in cloud.read_bytes()
    (sheet,) = write_pictures(tmp_path, recorded(film), list(record.images), [None] * 9,
                              NEAR, FAR, 'film')
    without = cv2.imread(str(sheet))
    # four rows: image, depth, true depth, error; or the first two
    assert with_truth.shape[0] > 1.5 * without.shape[0]
    empty = StreamRecord(inputs=record.inputs, depths=record.depths[:0],
                         arrivals=record.arrivals[:0])
    assert write_pictures(tmp_path, empty, [], [], NEAR, FAR, 'film') == []


class Footage(Film):
    """A film that can be watched: frame n is grey of brightness n."""

    def __iter__(self):
        for index in range(self.length):
            image = np.full((2 * SIZE[0], 2 * SIZE[1], 3), index, np.uint8)
            yield Frame(image=image, stamp=index * SECOND // 10)


def test_a_preview_that_was_lost_is_read_again_from_the_source():
    footage = Footage(9)
    images = np.full((8, *SIZE, 3), 120, np.uint8)
    images[[1, 5]] = 0
    record = recorded(footage, dropped=(3,), images=images)
    shown = shown_images(record, footage)
    assert [int(image.mean()) for image in shown] == [120, 1, 120, 120, 120, 6, 120, 120]
    assert shown[1].shape == (*SIZE, 3)
    # Nothing lost: the source is not opened (Film refuses to be). Unknown which: black stays.
    assert len(shown_images(recorded(Film(9)), Film(9))) == 9
    assert not shown_images(record, Footage(12))[1].any()


def test_a_record_survives_its_file(tmp_path):
    record = recorded(Film(3), dropped=(1,))
    record.save(tmp_path / 'record.npz')
    again = StreamRecord.load(tmp_path / 'record.npz')
    for name, value in vars(record).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_a_record_that_does_not_fit_itself_is_refused():
    with pytest.raises(ValueError, match='depths and arrivals must be of one length, got 3 and 2'):
        recorded(Film(3), arrivals=np.array([1, 2]))


def test_metres_are_scored_as_they_are_and_after_a_fit():
    film = Film(6)
    record = recorded(film)
    truths, _ = true_depth(record, film)
    too_far = np.stack(truths) * np.float32(1.2)
    too_far[:, 0, 0] = np.nan  # withheld
    too_far[:, 0, 1] = np.inf
    scores = accuracy(recorded(film, depth=too_far), truths, NEAR, FAR, metric=True)
    assert scores['as measured']['abs_rel'] == pytest.approx(0.2, abs=1e-3)
    assert scores['dvd_ros']['abs_rel'] < 0.03  # of the pixel at infinity alone
    assert 'but for the first' in table(figures(record) | {'accuracy': scores, 'scored': 6})

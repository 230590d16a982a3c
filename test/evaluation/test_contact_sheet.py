import cv2
import numpy as np
import pytest

from dvd_ros.evaluation.contact_sheet import colour_depth, contact_sheet, write_contact_sheet


def clip(count=9):
    images = np.zeros((count, 30, 40, 3), np.uint8)
    images[..., 1] = 10 * np.arange(count)[:, None, None]
    depth = np.broadcast_to(np.linspace(1.0, 5.0, 40), (count, 30, 40)).copy()
    return images, depth


def test_sheet_grows_by_the_rows_that_there_are():
    images, depth = clip()
    without = contact_sheet(images, depth, columns=4, width=80)
    with_truth = contact_sheet(images, depth, depth, columns=4, width=80)
    assert without.dtype == np.uint8
    assert without.shape[2] == 3
    assert with_truth.shape[0] - without.shape[0] == 2 * (60 + 6)
    assert contact_sheet(images, depth, [None] * 9, columns=4, width=80).shape == without.shape
    assert contact_sheet(images[:1], depth[:1]).shape[1] < contact_sheet(images, depth).shape[1]


def find(sheet, colour, tolerance=3):
    return int((np.abs(sheet.astype(int) - colour).max(axis=-1) <= tolerance).sum())


def test_frames_are_spread_over_the_clip():
    images, depth = clip()
    sheet = contact_sheet(images, depth, columns=3, width=80)
    for number in (0, 4, 8):
        assert find(sheet, (0, 10 * number, 0), 0) >= 80 * 60 * 0.95, number


def test_error_row_shows_where_depth_is_wrong():
    images, depth = clip(1)
    wrong = depth.copy()
    wrong[:, :, 20:] *= 3.0
    good = contact_sheet(images + 90, depth, depth, width=80)
    bad = contact_sheet(images + 90, wrong, depth, width=80)
    rows = slice(-66, -6)
    assert good[rows, 90:160].max() < 10              # black
    assert bad[rows, 90:120].max() < 10
    assert bad[rows, 130:160].min() > 100


def test_near_is_red_far_is_blue_none_is_grey():
    colours = colour_depth(np.array([[1.0, 8.0, np.nan, 0.0, np.inf]]), 1.0, 8.0)[0].astype(int)
    assert colours[0, 0] > colours[0, 2]
    assert colours[1, 2] > colours[1, 0]
    assert (colours[2:] == 128).all()


def test_sparse_truth_stays_visible():
    images, depth = np.zeros((1, 120, 160, 3), np.uint8), np.full((1, 120, 160), 2.0)
    truth = np.full((1, 120, 160), np.nan)
    truth[0, 5::20, 5::20] = 2.0
    sheet = contact_sheet(images, depth, truth, width=40)
    row = sheet[30 + 2 * 36:30 + 2 * 36 + 30, 86:126].reshape(-1, 3).astype(int)
    assert ((row != 128).any(axis=1)).sum() >= 48


def test_written_file_is_the_sheet(tmp_path):
    images, depth = clip()
    write_contact_sheet(tmp_path / 'sheet.png', images, depth, depth, title='title')
    written = cv2.imread(str(tmp_path / 'sheet.png'))[..., ::-1]
    np.testing.assert_array_equal(written, contact_sheet(images, depth, depth, title='title'))
    with pytest.raises(OSError, match='nowhere'):
        write_contact_sheet(tmp_path / 'nowhere' / 'sheet.png', images, depth)


def test_clip_without_any_depth_still_draws():
    images, depth = clip()
    contact_sheet(images, depth * np.nan, depth * 0.0)


@pytest.mark.parametrize('change', [
    {'images': []}, {'depth': np.ones((3, 30, 40))}, {'truth': np.ones((3, 30, 40))},
    {'times': [0.0]}, {'columns': 0}, {'width': 8}])
def test_what_does_not_fit_is_named(change):
    images, depth = clip()
    with pytest.raises(ValueError, match='got'):
        contact_sheet(**{'images': images, 'depth': depth, **change})

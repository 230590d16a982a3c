"""A snapshot's files, and that it writes into its folder and nowhere else."""

import json

import cv2
import numpy as np
import pytest

from dvd_ros.geometry import Intrinsics
from dvd_ros.ros.snapshot import SnapshotError, save_snapshot
from dvd_ros.stream import DepthStream, Frame, StreamConfig

STAMP = 12_000_000_345


class Brightness:
    window = 5

    def predict(self, images):
        return images.mean(axis=-1, dtype=np.float32) / 255


@pytest.fixture(scope='module')
def done():
    stream = DepthStream(Brightness(), StreamConfig(window=5, overlap=1, cuts=False))
    image = np.random.default_rng(0).integers(30, 256, (6, 8, 3), dtype=np.uint8)
    for i in range(5):
        out = stream.push(Frame(image, STAMP - 4 + i, '../../cam', Intrinsics(8, 6, 9, 9, 4, 3)))
    return out[-1]


def test_the_files_hold_the_frame(done, tmp_path):
    path = save_snapshot(done, 1.0, str(tmp_path / 'new'), 3)
    assert path == tmp_path / 'new' / f'{STAMP:020d}'
    assert sorted(file.name for file in path.iterdir()) == [
        'cloud.ply', 'depth.npy', 'depth.png', 'frame.json', 'rgb.png']
    assert np.array_equal(cv2.imread(str(path / 'rgb.png'))[..., ::-1], done.frame.image)
    depth = np.load(path / 'depth.npy')
    assert np.array_equal(depth, done.depth)
    assert np.allclose(cv2.imread(str(path / 'depth.png'), cv2.IMREAD_UNCHANGED) / 1e3, depth,
                       atol=1e-3)
    assert b'element vertex 48' in (path / 'cloud.ply').read_bytes()
    words = json.loads((path / 'frame.json').read_text())
    assert words['stamp_ns'] == STAMP
    assert words['intrinsics']['fx'] == 9
    assert words['metric_scale']['nominal'] is True
    assert [entry.name for entry in (tmp_path / 'new').iterdir()] == [path.name]


def test_no_folder_a_full_one_and_a_second_time_are_refused(done, tmp_path):
    with pytest.raises(SnapshotError, match='names no folder'):
        save_snapshot(done, 1.0, '', 3)
    with pytest.raises(SnapshotError, match='snapshot failed'):
        save_snapshot(done, 1.0, str(tmp_path / 'not' / 'there'), 3)
    save_snapshot(done, 1.0, str(tmp_path), 2)
    with pytest.raises(SnapshotError, match='is there already'):
        save_snapshot(done, 1.0, str(tmp_path), 2)
    with pytest.raises(SnapshotError, match='holds 1 snapshots'):
        save_snapshot(done, 1.0, str(tmp_path), 1)


def test_a_link_in_the_way_is_not_followed(done, tmp_path):
    root, elsewhere = tmp_path / 'shots', tmp_path / 'elsewhere'
    root.mkdir()
    elsewhere.mkdir()
    (root / f'{STAMP:020d}').symlink_to(elsewhere)
    with pytest.raises(SnapshotError, match='is there already'):
        save_snapshot(done, 1.0, str(root), 9)
    assert list(elsewhere.iterdir()) == []

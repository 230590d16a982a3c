import cv2
import numpy as np
import pytest

from dvd_ros.cli.main import main


@pytest.fixture
def recording(tmp_path):
    """Four frames of RGB-D, depth 2 m with a hole."""
    folder = tmp_path / 'desk'
    for part in ('rgb', 'depth'):
        (folder / part).mkdir(parents=True)
    depth = np.full((24, 32), 10000, np.uint16)
    depth[:, :8] = 0
    for n in range(4):
        cv2.imwrite(str(folder / f'rgb/{n}.png'), np.full((24, 32, 3), 40 * n, np.uint8))
        cv2.imwrite(str(folder / f'depth/{n}.png'), depth)
    (folder / 'associations.txt').write_text(''.join(
        f'{n}.0 rgb/{n}.png {n}.0 depth/{n}.png\n' for n in range(4)))
    return folder


def test_data_tells_what_is_there(recording, tmp_path, capsys):
    picture = tmp_path / 'sheet.png'
    assert main(['data', str(recording), '-o', str(picture)]) == 0
    said = capsys.readouterr().out
    assert 'tum: 1 sequences, 4 frames' in said
    assert 'size 32x24' in said
    assert 'depth 2 .. 2 m; known 75.0 %' in said
    assert 'skipped 0 of 4 frames' in said
    assert cv2.imread(str(picture)).shape[1] > 4 * 320


def test_data_check_counts_what_is_broken(recording, capsys):
    (recording / 'rgb' / '1.png').write_bytes(b'no image')
    (recording / 'depth' / '2.png').unlink()
    assert main(['data', str(recording), '--check']) == 1
    said = capsys.readouterr().out
    assert 'read 2 of 4 frames' in said
    assert 'skipped 2 of 4 frames: 1 damaged image' in said
    assert f'1 missing depth (first: {recording / "depth" / "2.png"})' in said


def test_data_of_an_empty_folder(tmp_path, capsys):
    assert main(['data', str(tmp_path)]) == 1
    assert 'is empty' in capsys.readouterr().err

"""`dvd-ros video` on the clip that ships with the project."""

import json

import cv2
import numpy as np
import pytest

from dvd_ros.assets_path import ASSETS
from dvd_ros.capture import open_capture
from dvd_ros.cli.main import main
from dvd_ros.offline.depth_files import DepthFiles

CLIP = ASSETS / 'demo'
FRAMES = 18


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """A folder of a few small images of the shipped clip."""
    folder = tmp_path_factory.mktemp('clips') / 'few'
    folder.mkdir()
    for index, frame in zip(range(FRAMES), open_capture(CLIP), strict=False):
        cv2.imwrite(str(folder / f'{index}.png'),
                    cv2.resize(frame.image, (96, 72))[..., ::-1])
    return folder


def test_every_frame_becomes_depth_and_is_in_the_record(images, tmp_path, capsys):
    pytest.importorskip('onnxruntime', reason='ONNX Runtime is not installed here')
    out = tmp_path / 'out'
    assert main(['video', str(images), '-o', str(out), '--ply', '10']) == 0
    assert 'frames/s' in capsys.readouterr().out
    record = json.loads((out / 'alignment.json').read_text())
    assert [frame['stamp'] for frame in record['frames']] == [
        frame.stamp for frame in open_capture(images)]
    for frame in record['frames']:
        depth = cv2.imread(str(out / frame['file']), cv2.IMREAD_UNCHANGED)
        assert (depth.dtype, depth.shape) == (np.uint16, (72, 96))
        assert 500 <= depth.max() <= 20000   # nominal, between near and far
    assert {frame['window'] for frame in record['frames']} == {
        window['window'] for window in record['windows']}
    assert record['windows'][0]['scale'] == 1.0
    video = cv2.VideoCapture(str(out / 'preview.mp4'))
    count = 0
    while (read := video.read())[0]:
        assert read[1].shape == (72, 192, 3)
        count += 1
    assert count == FRAMES
    assert cv2.imread(str(out / 'contact.png')) is not None
    assert sorted(path.name for path in out.glob('*.ply')) == [
        'cloud_000000.ply', 'cloud_000010.ply']
    assert not out.with_name('out.part').exists()

    assert main(['video', str(images), '-o', str(out)]) == 1
    assert '--overwrite' in capsys.readouterr().err


@pytest.mark.parametrize(('arguments', 'told'), [
    (['--depth', 'jpg'], '--depth must be'), (['--ply', '0'], '--ply must be'),
    (['--known-depth', '0.1'], 'has no depth'), (['--hfov', '4'], '--hfov'),
])
def test_what_is_wrong_is_named_before_anything_is_written(images, tmp_path, capsys, arguments,
                                                           told):
    out = tmp_path / 'out'
    assert main(['video', str(images), '-o', str(out), *arguments]) == 1
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_png_counts_what_it_cannot_say_and_npz_keeps_it(tmp_path):
    depth = np.array([[1.5, np.nan], [np.inf, 70.0]], np.float32)
    files = DepthFiles(tmp_path, 'png')
    read = cv2.imread(str(files.write(0, depth)), cv2.IMREAD_UNCHANGED)
    assert read.tolist() == [[1500, 0], [0, 0]]
    assert files.too_far == 1
    with np.load(DepthFiles(tmp_path, 'npz').write(0, depth)) as file:
        assert np.array_equal(file['depth'], depth, equal_nan=True)


def test_a_folder_of_somebody_else_is_never_replaced(images, tmp_path, capsys):
    (tmp_path / 'letter.txt').write_text('keep me')
    assert main(['video', str(images), '-o', str(tmp_path), '--overwrite']) == 1
    assert 'is not replaced' in capsys.readouterr().err
    assert (tmp_path / 'letter.txt').exists()

"""What becomes of `dvd-ros bag` where bags, disks or processes are broken."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dvd_ros.cli.main import main

STORAGES = ['mcap', 'sqlite3']
PROGRAM = [sys.executable, '-m', 'dvd_ros.cli.main', 'bag']
ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return main(['bag', *map(str, arguments)])


def test_what_is_broken_is_counted_by_cause_and_the_rest_has_depth(recording, tmp_path, capsys,
                                                                   brightness):
    recording.frames(15)
    kind = 'sensor_msgs/msg/Image'
    recording.put(recording.stamp(3.5), recording.image_topic, kind, b'\0\1\0\0nonsense')
    recording.put(recording.stamp(4.5), recording.image_topic, kind, b'')
    for index in (5.5, 6.5):
        recording.image(recording.stamp(index), np.zeros((4, 4), np.float32), encoding='32FC1')
    recording.image(recording.stamp(7), recording.pixels(7))
    out = tmp_path / 'out'
    assert run(recording.write(tmp_path / 'in'), '-o', out) == 0
    told = capsys.readouterr().out
    assert '15 of 20 images have depth' in told
    assert "2 messages left out: /camera/image_raw: encoding '32FC1' is not known" in told
    assert told.count('messages left out: /camera/image_raw: no sensor_msgs/msg/Image') == 2
    assert '1 images without depth: repeated_stamp' in told
    assert len(recording.read(out, '/dvd/depth')) == 15
    assert [entry[0] for entry in recording.messages(out)].count(recording.image_topic) == 20


def test_a_bag_without_a_usable_image_fails_and_leaves_nothing(recording, tmp_path, capsys,
                                                              brightness):
    recording.put(recording.stamp(0), recording.image_topic, 'sensor_msgs/msg/Image', b'\0\1\0\0')
    assert run(recording.write(tmp_path / 'in'), '-o', tmp_path / 'out') == 1
    told = capsys.readouterr().err
    assert 'no image of /camera/image_raw became depth: 1 messages left out' in told
    assert [path.name for path in tmp_path.iterdir()] == ['in']


def environment():
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, paths))}


@pytest.mark.parametrize('storage', STORAGES)
def test_killed_and_started_again_it_ends_with_the_same_bag(recording, tmp_path, storage):
    pytest.importorskip('onnxruntime', reason='ONNX Runtime is not installed here')
    bag = recording.frames(61).write(tmp_path / 'in', storage)
    assert run(bag, '-o', tmp_path / 'whole') == 0
    out = tmp_path / 'out'
    windows = tmp_path / 'out.part' / 'windows'
    for count in (1, 4):
        process = subprocess.Popen([*PROGRAM, str(bag), '-o', str(out)], env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(windows.glob('*.npy'))) < count:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not out.exists()
    known = len(list(windows.glob('*.npy')))
    done = subprocess.run([*PROGRAM, str(bag), '-o', str(out)], env=environment(), text=True,
                          capture_output=True)
    assert (done.returncode, done.stderr) == (0, '')
    assert f'{7 - known} windows computed, {known} from before' in done.stdout
    assert recording.messages(out) == recording.messages(tmp_path / 'whole')
    assert not windows.parent.exists()


@pytest.mark.parametrize('storage', STORAGES)
def test_a_full_disk_is_said_and_what_was_computed_is_kept(recording, tmp_path, capsys,
                                                           brightness, storage, monkeypatch):
    bag, out = recording.frames(60).write(tmp_path / 'in', storage), tmp_path / 'out'
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for a window, but not for the bag; Python ignores the signal and gets an error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        assert run(bag, '-o', out) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = capsys.readouterr().err
    assert 'windows are kept' in told
    assert 'Traceback' not in told
    assert not out.exists()
    assert [path.name for path in (tmp_path / 'out.part').iterdir() if path.is_dir()] == ['windows']
    assert run(bag, '-o', out) == 0
    assert ' 0 from before' not in capsys.readouterr().out
    assert len(recording.read(out, '/dvd/depth')) == 60


@pytest.mark.parametrize('jobs', [1, 2])
def test_one_bag_that_fails_does_not_stop_the_others(recording, tmp_path, jobs):
    pytest.importorskip('onnxruntime', reason='ONNX Runtime is not installed here')
    first = recording.frames(13).write(tmp_path / 'first')
    cut = recording.write(tmp_path / 'cut')
    data = (cut / 'cut.mcap').read_bytes()
    (cut / 'cut.mcap').write_bytes(data[:len(data) // 2])
    last = recording.write(tmp_path / 'last', 'sqlite3')
    done = subprocess.run([*PROGRAM, str(first), str(cut), str(last), '-o', str(tmp_path / 'out'),
                           '--jobs', str(jobs)], env=environment(), capture_output=True, text=True)
    assert done.returncode == 1
    assert 'mcap recover' in done.stderr
    assert 'Traceback' not in done.stderr
    assert '1 of 3 bags failed' in done.stdout
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['first', 'last']
    assert len(recording.read(tmp_path / 'out' / 'last', '/dvd/depth')) == 13


def test_a_model_that_is_not_there_leaves_nothing(recording, tmp_path, capsys):
    bag = recording.frames(13).write(tmp_path / 'in')
    assert run(bag, '-o', tmp_path / 'out', '--model', tmp_path / 'none') == 1
    assert 'no model' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['in']


def test_a_bag_that_is_at_work_is_left_alone(recording, tmp_path, capsys, brightness):
    import fcntl
    bag = recording.frames(13).write(tmp_path / 'in')
    (tmp_path / 'out.part').mkdir()
    with (tmp_path / 'out.part' / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run(bag, '-o', tmp_path / 'out') == 1
    assert 'another process is at work' in capsys.readouterr().err


@pytest.mark.parametrize('spoil', ['empty', 'cut', 'unfinished', 'nothing', 'text'])
@pytest.mark.parametrize('storage', STORAGES)
def test_a_broken_bag_is_an_error_that_says_what_to_do(recording, tmp_path, capsys, brightness,
                                                      storage, spoil):
    bag = recording.frames(13).write(tmp_path / 'in', storage)
    (file,) = [path for path in bag.iterdir() if path.suffix in ('.mcap', '.db3')]
    data = file.read_bytes()
    if spoil == 'unfinished':
        (bag / 'metadata.yaml').unlink()
    elif spoil == 'nothing':
        bag = tmp_path / 'nowhere'
    else:
        file.write_bytes({'empty': b'', 'cut': data[:len(data) * 2 // 3],
                          'text': b'a letter to a friend' * 99}[spoil])
    assert run(bag, '-o', tmp_path / 'out') == 1
    told = capsys.readouterr().err
    assert {'unfinished': 'ros2 bag reindex', 'nothing': 'no bag at'}.get(
        spoil, 'recover') in told
    assert not (tmp_path / 'out').exists()

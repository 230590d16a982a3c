"""`dvd-ros demo` as a user runs it: processes over DDS, and how it ends when something is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 400.0  # seconds; the machine may be busy with other work
FRAMES, SIZE = 20, (48, 64)
PLAYED = 15


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """A clip with true depth: a floor that comes nearer."""
    from dvd_ros.capture import write_clip
    from dvd_ros.geometry import Intrinsics

    folder = tmp_path_factory.mktemp('clips') / 'floor'
    height, width = SIZE
    nearer = 1.0 + 0.005 * np.arange(FRAMES, dtype=np.float32)[:, None, None]
    depth = np.empty((FRAMES, *SIZE), np.float32)
    depth[:] = 1.0 / (np.linspace(0.2, 1.0, height)[:, None] * nearer)
    images = np.repeat((200 / depth).astype(np.uint8)[..., None], 3, axis=-1)
    write_clip(folder, images, depth, Intrinsics.from_hfov(width, height, 1.0), rate=20.0)
    return str(folder)


@pytest.fixture
def demo(tmp_path):
    """Start `dvd-ros demo` with arguments; all its processes end with the test."""
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    pytest.importorskip('dvd_ros.msg', reason='the messages are not built: bash scripts/setup.sh')
    started = []

    def start(*arguments):
        # Not the domain of other tests: the demo finds a free one.
        environment = {k: v for k, v in os.environ.items() if k != 'ROS_DOMAIN_ID'}
        process = subprocess.Popen(
            [sys.executable, '-m', 'dvd_ros.cli.main', 'demo', '--out', str(tmp_path), *arguments],
            cwd=ROOT, env=environment | {'PYTHONUNBUFFERED': '1'}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # A shell's background job, as which tests may run, passes on that SIGINT is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


@pytest.mark.slow
def test_a_clip_becomes_depth_figures_and_pictures(demo, clip, tiny, tmp_path):
    # Half as fast as it was taken, and cut off after three quarters.
    process = demo(clip, '--model', str(tiny), '--window', '5', '--overlap', '2',
                   '--rate', '10', '--seconds', str(PLAYED / 10 - 0.05))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    folder = tmp_path / 'floor'
    result = json.loads((folder / 'figures.json').read_text())
    assert result['frames_in'] == PLAYED
    assert result['stamp_faults'] == []
    assert (result['lost_before'], result['lost_after'], result['unfinished']) == (0, 0, 0)
    assert result['published'] + sum(result['dropped'].values()) == PLAYED
    assert result['published'] > 0
    assert result['rate_in'] == pytest.approx(10.0, rel=0.01)
    assert 0.0 < result['first_depth'] <= result['ready']
    # Of a floor the image row tells all, if the truth is that of the floor.
    assert result['scored'] == result['published']
    assert result['accuracy']['image row']['abs_rel'] < 0.1 < result['accuracy']['constant'][
        'abs_rel']
    assert np.isfinite(result['accuracy']['dvd_ros']['abs_rel'])
    sheet = cv2.imread(str(folder / 'contact_sheet.png'))
    assert sheet is not None
    assert sheet.shape[0] > 4 * 100
    header = (folder / 'cloud.ply').read_bytes().split(b'end_header')[0].decode()
    assert 'element vertex 3072' in header
    for words in ('frames in', 'published', 'dropped', 'latency p50', 'latency p95', 'AbsRel',
                  'Every depth image has the stamp of an input image', 'contact_sheet.png',
                  'cloud.ply'):
        assert words in out
    assert not list(folder.glob('record-*'))


def test_a_source_that_is_not_there_is_named(demo, tmp_path):
    process = demo(str(tmp_path / 'nowhere.mp4'))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert 'nowhere.mp4' in err
    assert 'Traceback' not in err
    assert 'loading' not in out


def test_a_wrong_setting_is_named(demo, clip):
    process = demo(clip, '--window', '8')
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert 'window must be 4n+1 frames' in err


@pytest.mark.slow
def test_a_node_that_fails_ends_the_demo_with_its_words(demo, clip, tmp_path):
    process = demo(clip, '--model', str(tmp_path / 'no_model'))
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert 'depth_node ended with status 1' in err
    assert 'no_model' in err
    assert 'Traceback' not in err


@pytest.mark.slow
@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_process(demo, clip, tiny, how):
    psutil = pytest.importorskip('psutil')
    process = demo(clip, '--model', str(tiny), '--window', '5', '--overlap', '2')
    end = time.monotonic() + PATIENCE
    children = []
    while len(children) < 2:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.1)
        children = psutil.Process(process.pid).children()
    process.send_signal(how)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert not [child for child in children if child.is_running()]

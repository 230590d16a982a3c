"""A fine-tuning on files as they lie on a disk, some of them damaged."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')
pytest.importorskip('peft')
pytest.importorskip('accelerate')

from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.training.journal import read_metrics  # noqa: E402


@pytest.fixture
def recordings(tmp_path):
    """Two recordings in TUM's layout."""
    for name in ('one', 'two'):
        folder = tmp_path / 'data' / name
        (folder / 'rgb').mkdir(parents=True)
        (folder / 'depth').mkdir()
        lists = {'rgb': '', 'depth': ''}
        for i in range(12):
            ramp = np.linspace(1, 4 - 0.1 * i, 48)[None].repeat(32, 0)
            image = np.repeat((60 * ramp).astype(np.uint8)[..., None], 3, -1)
            for kind, content in (('rgb', image), ('depth', (5000 * ramp).astype(np.uint16))):
                cv2.imwrite(str(folder / kind / f'{i}.png'), content)
                lists[kind] += f'{i / 10:.6f} {kind}/{i}.png\n'
        for kind, text in lists.items():
            (folder / f'{kind}.txt').write_text(text)
    return tmp_path / 'data'


def train(tiny, data, out, *changes):
    sources = [{'kind': 'tum', 'use': use, 'folder': str(data)} for use in ('image', 'clip')]
    settings = [f'model.start={tiny}', 'model.dtype=fp32', 'model.lora_rank=2', f'data={sources}',
                'sampling.size=[32, 48]', 'sampling.frames=5', 'sampling.image_odds=0.5',
                'sampling.image_batch=6', 'sampling.clip_batch=2', 'sampling.rounds=1',
                'sampling.workers=0', 'sampling.held_out_views=1', 'run.precision=fp32',
                'run.steps=4', 'run.tensorboard=false', 'run.preview_every=0', *changes]
    return main(['train', 'dvd', '-o', str(out), '--device', 'cpu',
                 *(part for one in settings for part in ('--set', one))])


def test_damaged_files_are_passed_over_and_counted(tiny, recordings, tmp_path, caplog):
    for name in ('one', 'two'):
        path = recordings / name / 'rgb' / '1.png'
        path.write_bytes(path.read_bytes()[:60])
        cv2.imwrite(str(recordings / name / 'depth' / '10.png'), np.ones((16, 48), np.uint16))
        (recordings / name / 'depth' / '11.png').unlink()
    assert train(tiny, recordings, tmp_path / 'out') == 0
    last = [line for line in read_metrics(tmp_path / 'out' / 'training') if 'total' in line][-1]
    assert last['step'] == 4
    assert last['skipped'] > 0
    assert 'rgb/1.png' in caplog.text
    assert (tmp_path / 'out' / 'model' / 'dit.safetensors').exists()


def test_nothing_but_damaged_files_stops_the_run(tiny, recordings, tmp_path, capsys):
    for path in recordings.glob('*/rgb/*.png'):
        path.write_bytes(b'not a picture')
    assert train(tiny, recordings, tmp_path / 'out') == 1
    assert '20 samples in a row cannot be used' in capsys.readouterr().err


def test_an_empty_folder_is_named(tiny, tmp_path, capsys):
    (tmp_path / 'data').mkdir()
    assert train(tiny, tmp_path / 'data', tmp_path / 'out') == 1
    assert 'data is empty' in capsys.readouterr().err
    assert train(tiny, tmp_path / 'lost', tmp_path / 'out') == 1
    assert 'there is no folder' in capsys.readouterr().err


def test_a_loss_that_is_not_finite_is_told_without_a_traceback(tiny, recordings, tmp_path, capsys):
    assert train(tiny, recordings, tmp_path / 'out', 'loss.pixel_weight=1.0e+39',
                 'optimiser.rate=1.0e+30') == 1
    message = capsys.readouterr().err
    assert 'is not finite at step' in message
    assert list((tmp_path / 'out' / 'training').glob('bad_batch_step*_process0.safetensors'))

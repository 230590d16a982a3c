"""`dvd-ros fetch`, with the Hub replaced: what is asked of it, and what is said without it."""

import argparse
import shutil

import huggingface_hub
import pytest

from dvd_ros.cli import fetch
from dvd_ros.regressor.weights import RELEASES, WAN_VAE, cache_folder, is_whole, released_files


def call(*arguments):
    parser = argparse.ArgumentParser()
    fetch.add_arguments(parser)
    return fetch.run(parser.parse_args(list(arguments)))


@pytest.fixture
def hub(tiny, monkeypatch, tmp_path):
    """A Hub that knows the three files and notes what was asked for."""
    monkeypatch.setenv('DVD_ROS_CACHE', str(tmp_path / 'cache'))
    asked = []

    def download(repo, name, *, local_dir):
        asked.append((repo, name))
        local_dir.mkdir(parents=True, exist_ok=True)
        shutil.copy(tiny / 'vae.safetensors', local_dir / name)
        return str(local_dir / name)

    monkeypatch.setattr(huggingface_hub, 'hf_hub_download', download)
    return asked


def test_it_brings_the_release_and_the_vae(hub, capsys):
    assert call('dvd-1.0', '--yes') == 0
    assert hub == [('FayeHongfeiZhang/DVD', 'model.safetensors'),
                   ('Wan-AI/Wan2.1-T2V-1.3B', 'Wan2.1_VAE.pth')]
    dit, vae = released_files('dvd-1.0')
    assert dit.parent.parent == vae.parent.parent == cache_folder()
    assert 'CC BY-NC 4.0' in capsys.readouterr().out
    # The second time only what is new is asked for.
    assert call('dvd-1.0', 'dvd-1.1', '--yes') == 0
    assert hub[2:] == [('FayeHongfeiZhang/DVD', 'dvd_1.1.safetensors')]
    assert call('dvd-1.1') == 0
    assert len(hub) == 3


@pytest.mark.parametrize(('tty', 'answer', 'status'), [
    (True, 'yes', 0), (True, 'no', 2), (True, '', 2), (False, 'yes', 2)])
def test_the_licence_must_be_accepted(hub, monkeypatch, capsys, tty, answer, status):
    monkeypatch.setattr('sys.stdin.isatty', lambda: tty, raising=False)
    monkeypatch.setattr('builtins.input', lambda question: answer)
    assert call() == status
    assert bool(hub) == (status == 0)
    if status:
        assert '--yes' in capsys.readouterr().err


def test_offline_it_says_which_file_belongs_where(hub, monkeypatch, capsys, tmp_path):
    def download(repo, name, *, local_dir):
        raise huggingface_hub.errors.LocalEntryNotFoundError('no connection')

    monkeypatch.setattr(huggingface_hub, 'hf_hub_download', download)
    cache = tmp_path / 'elsewhere'
    assert call('dvd-1.0', 'dvd-1.1', '--yes', '--cache', str(cache)) == 1
    said = capsys.readouterr().err
    assert 'no connection' in said
    for file in (*RELEASES.values(), WAN_VAE):
        assert f'{file.repo}/resolve/main/{file.name}' in said
        assert f'-> {cache / file.folder / file.name}' in said


def test_a_half_file_is_fetched_again(hub, tiny):
    path = RELEASES['dvd-1.1'].path(cache_folder())
    path.parent.mkdir(parents=True)
    path.write_bytes((tiny / 'dit.safetensors').read_bytes()[:-1])
    with pytest.raises(FileNotFoundError, match='not .wholly. in the cache'):
        released_files('dvd-1.1')
    assert call('--yes') == 0
    assert is_whole(path)


def test_a_download_that_ends_early_is_not_called_ready(hub, monkeypatch, capsys):
    def download(repo, name, *, local_dir):
        local_dir.mkdir(parents=True, exist_ok=True)
        (local_dir / name).write_bytes(b'<html>')

    monkeypatch.setattr(huggingface_hub, 'hf_hub_download', download)
    assert call('--yes') == 1
    assert 'not whole' in capsys.readouterr().err


def test_unknown_models_are_refused(hub, capsys):
    assert call('dvd-2', '--yes') == 2
    assert "no model 'dvd-2'" in capsys.readouterr().err
    assert hub == []


def test_the_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv('DVD_ROS_CACHE', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder() == tmp_path / 'dvd_ros'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert cache_folder() == tmp_path / 'home' / '.cache' / 'dvd_ros'


def test_whole_files_are_told_from_parts(golden, tmp_path):
    torch = pytest.importorskip('torch')
    assert is_whole(golden('model.safetensors'))
    assert not is_whole(tmp_path / 'none')
    torch.save({'a': torch.zeros(1000)}, tmp_path / 'vae.pth')
    assert is_whole(tmp_path / 'vae.pth')
    data = (tmp_path / 'vae.pth').read_bytes()
    (tmp_path / 'vae.pth').write_bytes(data[:-40])
    assert not is_whole(tmp_path / 'vae.pth')

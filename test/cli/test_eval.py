import argparse

import pytest

from dvd_ros.cli import eval as command
from dvd_ros.cli.main import main


def test_models_are_told_from_sources(tmp_path):
    (tmp_path / 'dit.safetensors').touch()
    for text in ('mini', 'dvd-1.1', 'mini:overlap=9', str(tmp_path), 'other.safetensors'):
        assert command.is_model(text), text
    for text in ('clip.mp4', str(tmp_path.parent), 'minimum', 'c:/clip.mp4'):
        assert not command.is_model(text), text


def test_windows_are_those_of_the_protocol_unless_given():
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(['--compare', 'mini', 'mini:overlap=9', 'clip.mp4'])
    assert (args.compare, args.what) == (['mini', 'mini:overlap=9'], ['clip.mp4'])
    assert (args.window, args.overlap) == (0, -1)


@pytest.mark.parametrize(('arguments', 'words'), [
    (['mini'], 'a model alone'),
    (['absent.mp4'], 'there is no absent.mp4'),
    (['clip.mp4', '--known-depth', '2'], 'known-depth'),
    (['clip.mp4', '--every', '0'], 'every'),
    (['clip.mp4', '--protocol', 'dvd', '--known-depth', '0.1'], 'live stream'),
    (['clip.mp4', '--window', '12'], '4n'),
])
def test_what_cannot_be_done_is_named(arguments, words, tmp_path, capsys):
    assert main(['eval', '--out', str(tmp_path / 'out'), *arguments]) == 1
    assert words in capsys.readouterr().err

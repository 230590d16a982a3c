"""`dvd-ros bench` on a tiny model."""

import pytest

pytest.importorskip('onnxruntime')

from dvd_ros.cli.main import main  # noqa: E402


def test_a_model_without_graphs_is_exported_and_set_beside_the_reference(tiny, capsys):
    pytest.importorskip('onnxscript')
    assert main(['bench', str(tiny), '--backend', 'onnxruntime', '--device', 'cpu', '--repeats',
                 '1']) == 0
    told = capsys.readouterr().out
    fast, reference = [line for line in told.splitlines() if line.endswith('x')]
    assert ', Onnx' in fast
    assert reference.startswith('reference order of work')
    assert reference.endswith(' 1.00x')
    assert '-' not in fast.split()[-4:]  # FLOPs were counted for it as well
    assert 'published frames/s' in told
    assert 'times the reference' in told


def test_without_a_checkpoint_the_reference_is_left_out_and_that_is_said(small_export, capsys):
    assert main(['bench', str(small_export), '--device', 'cpu', '--size', '32x48',
                 '--repeats', '1']) == 0
    told = capsys.readouterr().out
    assert 'no reference beside it, and no FLOPs:' in told
    assert 'small, Onnx' in told
    assert 'times the reference' not in told


@pytest.mark.parametrize(('arguments', 'words'), [
    (['--size', 'big'], '--size big'), (['--repeats', '0'], 'repeats must be at least 1'),
    (['--window', '13'], 'exported for windows of 9')])
def test_bad_arguments_are_named(small_export, capsys, arguments, words):
    size = [] if '--size' in arguments else ['--size', '32x48']
    assert main(['bench', str(small_export), '--device', 'cpu', *size, *arguments]) == 1
    assert words in capsys.readouterr().err

"""Engines on disk: found again, kept to their owner, and refused where anything has changed."""

import dataclasses
import stat

import pytest

from dvd_ros.export_manifest import Graph
from dvd_ros.regressor.engine_cache import EngineCache, EngineKey

GRAPH = Graph('encoder', 'encoder_32x48.onnx', (32, 48), (9, 3, 32, 48), (8, 3, 4, 6), 'a' * 64)
KEY = EngineKey('a' * 64, 'b' * 64, '10.3.0', 'Orin', '8.7', GRAPH.input, GRAPH.output, 'usual')
DATA = bytes(range(256)) * 5
PASSED = {'passed': True, 'frame': 1e-4}


@pytest.fixture
def cache(tmp_path):
    return EngineCache(tmp_path / 'engines')


def keep(cache, key=KEY, accuracy=PASSED):
    return cache.accept(cache.stage(GRAPH, key, DATA), GRAPH, key, name='small', precision='fp32',
                        accuracy=accuracy)



def test_an_engine_is_found_again(cache):
    path = keep(cache)
    assert cache.load(GRAPH, KEY) == DATA
    assert [note.path for note in cache.notes()] == [path]
    cache.remove(GRAPH, KEY)
    assert list(cache.folder.iterdir()) == []


def test_files_are_their_owners_alone(cache):
    keep(cache)
    cache.save_timing(KEY, b'timings')
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in cache.folder.iterdir()}
    assert modes == {0o600}


def test_a_staged_engine_does_not_count(cache):
    cache.stage(GRAPH, KEY, DATA)
    with pytest.raises(FileNotFoundError, match='no TensorRT engine.*dvd-ros engine build'):
        cache.load(GRAPH, KEY)


@pytest.mark.parametrize(('change', 'words'), [
    ({'gpu': 'H100'}, r'there is one for gpu Orin, here it is H100'),
    ({'tensorrt': '10.4.0'}, r'tensorrt 10\.3\.0, here it is 10\.4\.0'),
    ({'capability': '9.0'}, 'capability 8.7'),
    ({'weights': 'c' * 64}, r'weights b{12}\.\.\., here it is c{12}\.\.\.'),
    ({'input': (13, 3, 32, 48)}, r'input \[9, 3, 32, 48\], here it is \[13, 3, 32, 48\]')])
def test_an_engine_for_something_else_is_not_taken(cache, change, words):
    path = keep(cache)
    other = dataclasses.replace(KEY, **change)
    with pytest.raises(FileNotFoundError, match=words):
        cache.load(GRAPH, other)
    # Nor where somebody gives it the name that the other would have.
    path.rename(cache.path(GRAPH, other))
    path.with_suffix('.json').rename(cache.path(GRAPH, other).with_suffix('.json'))
    with pytest.raises(ValueError, match='was built for .*delete it and dvd-ros engine build'):
        cache.load(GRAPH, other)


def test_an_engine_of_another_graph_is_not_the_nearest(cache):
    keep(cache)
    with pytest.raises(FileNotFoundError, match=r'encoder_32x48\.onnx: dvd-ros'):
        cache.load(GRAPH, dataclasses.replace(KEY, onnx='d' * 64))


def test_damage_is_named(cache):
    path = keep(cache)
    path.write_bytes(DATA[:-1])
    with pytest.raises(ValueError, match='1279 bytes of 1280, it was cut short: dvd-ros engine'):
        cache.load(GRAPH, KEY)
    path.write_bytes(DATA[:-1] + b'x')
    with pytest.raises(ValueError, match='is damaged.*sha256.*dvd-ros engine build'):
        cache.load(GRAPH, KEY)
    path.unlink()
    with pytest.raises(FileNotFoundError, match='no TensorRT engine'):
        cache.load(GRAPH, KEY)


@pytest.mark.parametrize('content', ['{', '[]', '{"name": "small"}', '{"key": 3}', None])
def test_a_bad_note_is_named(cache, content):
    path = keep(cache)
    note = path.with_suffix('.json')
    if content is None:  # of a later version, say
        content = note.read_text().replace('"gpu"', '"processor"')
    note.write_text(content)
    with pytest.raises(ValueError, match='is no note of an engine'):
        cache.load(GRAPH, KEY)
    assert list(cache.notes()) == []


def test_an_engine_that_did_not_pass_is_not_taken(cache):
    keep(cache, accuracy={'passed': False})
    with pytest.raises(ValueError, match='never passed its accuracy check'):
        cache.load(GRAPH, KEY)


def test_an_engine_that_others_could_have_written_is_not_run(cache):
    path = keep(cache)
    path.chmod(0o622)
    with pytest.raises(PermissionError, match=r'open to others \(mode 622\).*chmod 600'):
        cache.load(GRAPH, KEY)


def test_nothing_half_written_is_left(cache, monkeypatch):
    keep(cache)
    before = sorted(cache.folder.iterdir())

    def full(_):
        raise OSError('No space left on device')

    monkeypatch.setattr('os.fsync', full)
    with pytest.raises(OSError, match='No space'):
        cache.stage(GRAPH, dataclasses.replace(KEY, gpu='H100'), DATA)
    assert sorted(cache.folder.iterdir()) == before
    assert cache.load(GRAPH, KEY) == DATA


def test_timings_are_of_one_gpu_and_version(cache):
    assert cache.load_timing(KEY) == b''
    cache.save_timing(KEY, b'timings')
    assert cache.load_timing(dataclasses.replace(KEY, onnx='e' * 64)) == b'timings'
    assert cache.load_timing(dataclasses.replace(KEY, gpu='H100')) == b''
    assert cache.load_timing(dataclasses.replace(KEY, tensorrt='10.4.0')) == b''


def test_settings_are_those_of_the_latest_whole_set(cache):
    other = Graph('decoder', 'decoder_32x48.onnx', (32, 48), GRAPH.output, (9, 32, 48), 'f' * 64)
    keys = [KEY, EngineKey.of(_Weights, other, tensorrt='10.3.0', gpu='Orin', capability='8.7',
                              settings='usual')]
    assert cache.settings(keys) == 'usual'
    keep(cache, dataclasses.replace(KEY, settings='long'))
    assert cache.settings(keys) == 'usual'  # half a set is none
    second = dataclasses.replace(keys[1], settings='long')
    cache.accept(cache.stage(other, second, DATA), other, second, name='small',
                 precision='fp32', accuracy=PASSED)
    assert cache.settings(keys) == 'long'


class _Weights:
    @staticmethod
    def weights_identity():
        return KEY.weights

"""What the view keeps of the node's word: levels, samples, and bounds on what the network sends."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests turn: clock.now += 1."""
    from dvd_ros.view import telemetry

    made = SimpleNamespace(now=100.0)
    monkeypatch.setattr(telemetry.time, 'monotonic', lambda: made.now)
    return made


def status(level='OK', name='depth', message='running', **values):
    from dvd_ros.view.telemetry import Status

    return Status(name, level, message, {key: str(value) for key, value in values.items()})


def made():
    from dvd_ros.view.telemetry import Telemetry

    return Telemetry('/robot/depth_node')


def test_the_worst_status_counts_and_silence_is_told(clock):
    telemetry = made()
    assert telemetry.state()['level'] == 'SILENT'
    telemetry.hear([status(), status('ERROR', 'model', 'no such model'), status('WARN', 'scale')])
    state = telemetry.state()
    assert (state['level'], state['message']) == ('ERROR', 'no such model')
    telemetry.hear([status(), status(name='model', message='active')])
    assert (telemetry.state()['level'], telemetry.state()['message']) == ('OK', 'running')
    clock.now += 10
    assert telemetry.state()['level'] == 'SILENT'
    assert '10 s' in telemetry.state()['message']


def test_samples_follow_the_counts(clock):
    telemetry = made()
    telemetry.align(scale=1.25)
    telemetry.scale([], scale=0.5, relative_sigma=0.1)
    for second, dropped in enumerate((5, 5, 9, 0, 3)):
        clock.now = 101.0 + second
        telemetry.hear([status(rate_in=30 + second, latency_p95_ms='nan', dropped_too_slow=dropped,
                               dropped_restart=1)])
    samples = telemetry.samples()
    # The first says nothing of a rate, and a count that falls is of a node that began anew.
    assert [one['drops'] for one in samples] == [0.0, 0.0, 4.0, 0.0, 3.0]
    assert [one['rate_in'] for one in samples] == [30, 31, 32, 33, 34]
    assert [one['t'] for one in samples] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert samples[0]['latency_p95'] is samples[0]['latency_p50'] is None
    assert (samples[0]['window_scale'], samples[0]['metric_scale'], samples[0]['sigma']) == (
        1.25, 0.5, 0.1)
    assert telemetry.samples(2) == samples[3:]
    telemetry.pause()
    assert telemetry.samples() == samples
    assert telemetry.state()['level'] == 'SILENT'


def test_what_the_network_sends_is_bounded(clock):
    telemetry = made()
    long = 'x' * 100_000
    for _ in range(1000):
        telemetry.hear([status('OK', long, long, **{f'{long}{i}': long for i in range(3)}),
                        *[status(**{f'k{i}': i for i in range(200)})] * 50])
    telemetry.scale([{'name': long}] * 100, reason=long)
    telemetry.camera(long)
    state = telemetry.state()
    assert len(state['statuses']) <= 16
    assert all(len(one['values']) <= 64 for one in state['statuses'])
    assert len(repr(state)) < 100_000
    assert len(telemetry.samples()) <= 600

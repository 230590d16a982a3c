"""What log and diagnostics say as the scale of the published depth comes and goes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')

from diagnostic_msgs.msg import DiagnosticStatus

from dvd_ros.ros.scale_watch import ScaleWatch
from dvd_ros.scale import ScaleConfig, ScaleState, SourceState


class Log:
    """Keeps what is logged."""

    def __init__(self):
        self.lines = []

    def info(self, text, **_):
        self.lines.append(f'info {text}')

    def warning(self, text, **_):
        self.lines.append(f'warning {text}')


def source(name='depth', status='ok', used=True, age=0.0):
    return SourceState(name, status, used, 9, age, 0.05)


def frame(*sources, metric=True, nominal=False, segment=0, cut=False, reason=''):
    scale = ScaleState(0.8, 0.05, np.eye(2) * 1e-4, metric, nominal,
                       math.inf if nominal else 0.034, reason, sources)
    return SimpleNamespace(scale=scale, segment=segment, alignment=SimpleNamespace(cut=cut))


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def watch(log):
    return ScaleWatch(log, ScaleConfig())


def status(watch):
    made = watch.status('/depth_node', 'mini')
    assert made.name == '/depth_node: scale'
    return made.level, made.message, {pair.key: pair.value for pair in made.values}


def test_the_start_says_what_the_metres_are(log, watch):
    watch.start(())
    watch.start(('depth', 'ground'))
    ScaleWatch(log, ScaleConfig(unscaled='withhold')).start(('depth',))
    nominal, sources, withheld = log.lines
    assert 'metres are nominal, not measured: disparity 1 is taken as 0.5 m' in nominal
    assert 'from depth, ground; until then depth is nominal' in sources
    assert 'until then depth is withheld (NaN)' in withheld


def test_metric_and_not_any_more_are_told_once(log, watch):
    lost = 'no usable reading for 10.0 s (depth: stale)'
    watch.take(frame(source(used=False), metric=False, nominal=True, reason='not yet'))
    for _ in range(3):
        watch.take(frame(source()))
    for _ in range(3):
        watch.take(frame(source(used=False), metric=False, reason=lost))
    assert log.lines == ['info depth is metric, by depth: known to 3.4 % (segment 0)',
                         f'warning depth is not metric any more: {lost}']


def test_a_new_segment_is_the_reason(log, watch):
    watch.take(frame(source()))
    watch.take(frame(source(used=False), metric=False, nominal=True, segment=1, cut=True,
                     reason='no usable reading yet'))
    assert log.lines[1:] == ['warning depth is not metric any more: segment 1 begins, whose scale '
                             'is not known yet']
    assert status(watch)[2]['cuts'] == '1'


def test_a_contradiction_is_told_once_and_an_error(log, watch):
    lying = source('points', 'contradicts depth (+70 % depth)', used=False)
    for _ in range(3):
        watch.take(frame(source(), lying))
    assert log.lines[1:] == [
        'warning source points of metres contradicts depth (+70 % depth) and is left out']
    level, message, _ = status(watch)
    assert level == DiagnosticStatus.ERROR
    assert message == 'metric, but points: contradicts depth (+70 % depth)'


@pytest.mark.parametrize(
    ('seen', 'level', 'message'),
    [
        (frame(source(), source('points', 'ok, level only')), DiagnosticStatus.OK, 'metric'),
        (frame(source(status='no reading within 0.1 s')), DiagnosticStatus.OK, 'metric'),
        (frame(source(status='stale', age=2.5)), DiagnosticStatus.WARN, 'metric, but depth: stale'),
        (frame(source(status='stale', used=False)), DiagnosticStatus.WARN,
         'metric, but depth: stale'),
        (frame(metric=False, nominal=True, reason='no source of metric scale'),
         DiagnosticStatus.WARN, 'depth is nominal: no source of metric scale'),
        (frame(source(used=False), metric=False, reason='gone'), DiagnosticStatus.WARN,
         'depth is by the last scale known: gone'),
    ],
)
def test_levels_and_causes(watch, seen, level, message):
    assert status(watch) == (DiagnosticStatus.WARN, 'no depth yet', {})
    watch.take(seen)
    told = status(watch)
    assert told[:2] == (level, message)
    assert told[2]['metric'] == str(seen.scale.metric)
    assert {'a', 'b', 'relative_sigma', 'segment', 'cuts'} <= set(told[2])
    assert {key for key in told[2] if key.startswith('source_')} == {
        f'source_{one.name}' for one in seen.scale.sources}

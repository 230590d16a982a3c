"""The order of what is written, and topics without a definition."""

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed here')

from rosbags.interfaces import (  # noqa: E402
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
)
from rosbags.rosbag2 import Reader  # noqa: E402

from dvd_ros.offline import bag_output  # noqa: E402
from dvd_ros.offline.bag_output import BagOutput  # noqa: E402
from dvd_ros.offline.bag_types import BagTypes  # noqa: E402

STRING = b'\0\1\0\0\2\0\0\0a\0'


@pytest.fixture(params=['mcap', 'sqlite3'])
def output(request, tmp_path):
    return BagOutput(tmp_path / 'bag', request.param, BagTypes().store)


def times(path):
    with Reader(path) as reader:
        return [(entry.topic, at) for entry, at, _ in reader.messages()]


def stored(path):
    """Log times as they lie in the file."""
    (file,) = path.glob('*.mcap')
    data, found, at = file.read_bytes(), [], 0
    while (at := data.find(STRING, at)) >= 0:
        found.append(int.from_bytes(data[at - 8:at], 'little'))
        at += 1
    return found


def test_messages_lie_by_log_time_and_equal_ones_as_they_came(output, tmp_path):
    a, b = output.add('/a', 'std_msgs/msg/String'), output.add('/b', 'std_msgs/msg/String')
    output.push(a, 30, STRING)
    output.push(a, 10, STRING)
    output.release(20)
    for connection, at in ((b, 30), (b, 25), (a, 30)):
        output.push(connection, at, STRING)
    output.close({'key': 'value'})
    assert times(tmp_path / 'bag') == [('/a', 10), ('/b', 25), ('/a', 30), ('/b', 30), ('/a', 30)]
    if list((tmp_path / 'bag').glob('*.mcap')):
        assert stored(tmp_path / 'bag') == [10, 25, 30, 30, 30]


def test_no_more_waits_than_memory_has_room_for(tmp_path, monkeypatch):
    monkeypatch.setattr(bag_output, '_MOST_WAITING', 3 * len(STRING))
    output = BagOutput(tmp_path / 'bag', 'mcap', BagTypes().store)
    topic = output.add('/a', 'std_msgs/msg/String')
    for at in (5, 4, 3, 2, 1):
        output.push(topic, at, STRING)
    output.close({})
    assert stored(tmp_path / 'bag') == [2, 1, 3, 4, 5]
    assert [at for _, at in times(tmp_path / 'bag')] == [1, 2, 3, 4, 5]


def test_a_topic_of_an_unknown_type_is_copied_and_several_publishers_are_one(output, tmp_path):
    def source(number):
        return Connection(number, '/x', 'theirs/msg/Thing',
                          MessageDefinition(MessageDefinitionFormat.NONE, ''), '', 1,
                          ConnectionExtRosbag2('cdr', []), None)

    first, second = output.copy(source(1)), output.copy(source(7))
    assert first is second
    output.push(first, 1, b'\0\1\0\0theirs')
    output.push(second, 2, b'\0\1\0\0theirs')
    output.close({})
    with Reader(tmp_path / 'bag') as reader:
        assert [entry.msgtype for entry in reader.connections] == ['theirs/msg/Thing']
        assert [bytes(data) for _, _, data in reader.messages()] == [b'\0\1\0\0theirs'] * 2

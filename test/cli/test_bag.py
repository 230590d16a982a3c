"""`dvd-ros bag` on small made-up bags, by the shipped model or a cheap one."""

import cv2
import numpy as np
import pytest

from dvd_ros.cli.main import main
from dvd_ros.stream import DepthStream, Frame

STORAGES = ['mcap', 'sqlite3']


def run(*arguments):
    return main(['bag', *map(str, arguments)])


@pytest.mark.parametrize('storage', STORAGES)
def test_every_image_has_depth_with_its_own_times_and_all_else_stays(recording, tmp_path, capsys,
                                                                     brightness, storage):
    bag = recording.frames(20).write(tmp_path / 'in', storage)
    out = tmp_path / 'out'
    assert run(bag, '-o', out) == 0
    assert '20 of 20 images have depth (nominal metres' in capsys.readouterr().out
    assert not (tmp_path / 'out.part').exists()
    assert list(out.glob({'mcap': '*.mcap', 'sqlite3': '*.db3'}[storage]))
    messages = recording.messages(out)
    assert [entry for entry in messages if not entry[0].startswith('/dvd/')] == \
        recording.messages(bag)
    assert [entry[2] for entry in messages] == sorted(entry[2] for entry in messages)
    images = recording.read(bag, recording.image_topic)
    depth, infos = recording.read(out, '/dvd/depth'), recording.read(out, '/dvd/camera_info')
    for (at, image), (depth_at, made), (_, info) in zip(images, depth, infos, strict=True):
        assert (made.header, depth_at) == (image.header, at)
        assert info.header == image.header
        assert (made.encoding, made.height, made.width, made.step) == ('32FC1', 48, 64, 256)
        assert info.k[0] == 60.0   # of the bag's own camera_info, which comes after the image
    windows = recording.read(out, '/dvd/alignment')
    assert [message.frames for _, message in windows] == [13, 13]
    assert [message.new_frames for _, message in windows] == [13, 7]
    assert [message.nominal for _, message in recording.read(out, '/dvd/scale')] == [True, True]

    # Its values are the stream's.
    stream = DepthStream(brightness)
    done = [one for index in range(20)
            for one in stream.push(Frame(recording.pixels(index), recording.stamp(index)))]
    done += stream.flush()
    for (_, made), one in zip(depth, done, strict=True):
        assert np.array_equal(made.data.view(np.float32).reshape(48, 64), one.depth,
                              equal_nan=True)


def test_the_bag_says_how_it_is_to_be_played(recording, tmp_path, brightness):
    from rosbags.interfaces import QosDurability, QosReliability
    from rosbags.rosbag2 import Reader
    out = tmp_path / 'out'
    assert run(recording.frames(13).write(tmp_path / 'in'), '-o', out, '--topics',
               'depth,points,alignment', '--namespace', '/robot/dvd') == 0
    with Reader(out) as reader:
        added = {entry.topic: entry for entry in reader.connections
                 if entry.topic.startswith('/robot/dvd/')}
        assert set(added) == {f'/robot/dvd/{name}' for name in ('depth', 'points', 'alignment')}
        for entry in added.values():
            (qos,) = entry.ext.offered_qos_profiles
            assert (qos.reliability, qos.durability) == (
                QosReliability.RELIABLE, QosDurability.VOLATILE)
            assert entry.digest.startswith('RIHS01_')
        assert 'float64 scale_sigma' in added['/robot/dvd/alignment'].msgdef.data
    (_, cloud), *_ = recording.read(out, '/robot/dvd/points')
    assert (cloud.height, cloud.width, [entry.name for entry in cloud.fields]) == (
        48, 64, ['x', 'y', 'z', 'rgb'])


@pytest.mark.parametrize(('keep', 'kept'), [
    ('none', set()), ('/cha*', {'/chatter'}),
    ('*/camera_info, /chatter', {'/chatter', '/camera/camera_info'})])
def test_original_topics_are_kept_by_pattern_and_storage_may_change(recording, tmp_path,
                                                                   brightness, keep, kept):
    out = tmp_path / 'out'
    assert run(recording.frames(13).write(tmp_path / 'in'), '-o', out, '--keep', keep,
               '--storage', 'sqlite3', '--topics', 'depth') == 0
    assert {entry[0] for entry in recording.messages(out)} == {'/dvd/depth', *kept}
    assert list(out.glob('*.db3'))


def test_what_is_there_is_left_and_replaced_when_asked(recording, tmp_path, capsys, brightness):
    bag, out = recording.frames(13).write(tmp_path / 'in'), tmp_path / 'out'
    assert run(bag, '-o', out) == 0
    file = out / 'out.mcap'
    was = file.stat().st_mtime_ns
    brightness.broken = True
    (tmp_path / 'out.part' / 'windows').mkdir(parents=True)   # killed at the very end
    assert run(bag, '-o', out) == 0
    assert 'is there already' in capsys.readouterr().out
    assert not (tmp_path / 'out.part').exists()
    assert run(bag, '-o', out, '--far', '30') == 1
    assert 'made with far 20.0 instead of 30.0: --overwrite' in capsys.readouterr().err
    assert file.stat().st_mtime_ns == was
    assert run(bag, '-o', out, '--far', '30', '--overwrite') == 1
    assert 'RuntimeError: the GPU has burnt' in capsys.readouterr().err
    assert file.stat().st_mtime_ns == was   # a failure replaces nothing
    assert not (tmp_path / 'out.part').exists()
    brightness.broken = False
    assert run(bag, '-o', out, '--far', '30', '--overwrite') == 0
    assert file.stat().st_mtime_ns != was


@pytest.mark.parametrize('there', ['bag', 'file', 'input'])
def test_what_it_did_not_make_is_never_replaced(recording, tmp_path, capsys, brightness, there):
    bag, out = recording.frames(13).write(tmp_path / 'in'), tmp_path / 'out'
    if there == 'bag':
        recording.write(out)
    elif there == 'file':
        out.write_text('a letter')
    else:
        out = bag
    before = sorted(tmp_path.rglob('*'))
    assert run(bag, '-o', out, '--overwrite') == 1
    assert 'is not replaced' in capsys.readouterr().err
    assert sorted(tmp_path.rglob('*')) == before


def test_sizes_and_times_that_jump_begin_segments(recording, tmp_path, brightness):
    recording.frames(14).frames(6, first=14, height=32, width=48).frames(5, first=2000)
    out = tmp_path / 'out'
    assert run(recording.write(tmp_path / 'in'), '-o', out) == 0
    sizes = [(message.height, message.width) for _, message in recording.read(out, '/dvd/depth')]
    assert sizes == [(48, 64)] * 14 + [(32, 48)] * 6 + [(48, 64)] * 5
    segments = [message.segment for _, message in recording.read(out, '/dvd/alignment')]
    assert sorted(set(segments)) == [0, 1, 2]


def test_topics_are_found_or_all_are_listed(recording, tmp_path, capsys, brightness):
    recording.frames(13)
    for index in range(13):
        recording.image(recording.stamp(index), np.ones((48, 64), np.uint16),
                        '/depth/image', '16UC1')
    # A depth image is no rival of the colour image.
    assert run(recording.write(tmp_path / 'one'), '-o', tmp_path / 'out1') == 0
    recording.image(recording.stamp(0), recording.pixels(0), '/other/image_raw')
    bag = recording.write(tmp_path / 'two')
    assert run(bag, '-o', tmp_path / 'out2') == 1
    assert '2 image topics: /camera/image_raw, /other/image_raw; choose one by --image' in \
        capsys.readouterr().err
    assert run(bag, '-o', tmp_path / 'out2', '--image', '/other/image_raw') == 0
    told = capsys.readouterr().out
    assert 'no camera_info beside /other/image_raw' in told
    assert 'assuming a horizontal field of view of 1.047 rad (--hfov)' in told
    for option, topic, text in (('--image', '/none', 'is not in the bag'),
                                ('--camera-info', '/chatter', 'is of type std_msgs/msg/String'),
                                ('--scale-depth', '/none', 'is not in the bag')):
        assert run(bag, '-o', tmp_path / 'out3', '--image', recording.image_topic,
                   option, topic) == 1
        assert text in capsys.readouterr().err
    assert not list(tmp_path.glob('out3*'))


@pytest.mark.parametrize(('arguments', 'told'), [
    (['--topics', 'depht'], '--topics must be of depth,'), (['--storage', 'zip'], '--storage'),
    (['--hfov', '4'], '--hfov'), (['--jobs', '0'], '--jobs'), (['--namespace', '1a'],
                                                               '--namespace'),
    (['--window', '12'], 'window must be 4n+1'), (['--cloud-decimation', '0'], 'decimation')])
def test_wrong_arguments_are_named(tmp_path, capsys, brightness, arguments, told):
    assert run(tmp_path, '-o', tmp_path / 'out', *arguments) == 1
    assert told in capsys.readouterr().err


def test_compressed_images_and_metres_by_a_depth_topic(recording, tmp_path, capsys, brightness):
    string = recording.types.store.types['sensor_msgs/msg/CompressedImage']
    for index in range(60):
        stamp, pixels = recording.stamp(index), recording.pixels(index)
        packed = cv2.imencode('.png', pixels[..., ::-1])[1].ravel()
        message = string(header=recording.make.header(stamp, 'camera_optical'), format='png',
                         data=packed)
        recording.put(stamp, '/camera/image_raw/compressed', 'sensor_msgs/msg/CompressedImage',
                      message)
        recording.info(stamp)
        # The truth: 1/Z is a line in what the model gives. It comes after the image.
        truth = 1.0 / (0.1 + 0.4 * pixels.mean(axis=-1) / 255)
        recording.image(stamp + 1_000_000, (truth * 1000).astype(np.uint16), '/depth/image',
                        '16UC1')
    out = tmp_path / 'out'
    assert run(recording.write(tmp_path / 'in'), '-o', out, '--scale-depth', '/depth/image') == 0
    assert '60 of 60 images have depth (metres)' in capsys.readouterr().out
    assert recording.read(out, '/dvd/scale')[-1][1].metric
    made = recording.read(out, '/dvd/depth')[-1][1].data.view(np.float32).reshape(48, 64)
    assert np.median(np.abs(made / truth - 1)) < 0.03


def test_a_bag_of_humble_has_no_definitions_and_is_taken_all_the_same(recording, tmp_path,
                                                                     brightness):
    import sqlite3

    import yaml
    bag = recording.frames(13).write(tmp_path / 'in', 'sqlite3')
    data = sqlite3.connect(bag / 'in.db3')
    data.executescript("""
        DROP TABLE message_definitions; DROP TABLE metadata; DROP TABLE schema;
        ALTER TABLE topics DROP COLUMN type_description_hash;
        UPDATE topics SET type = 'theirs/msg/Thing' WHERE name = '/chatter';""")
    data.commit()
    data.close()
    metadata = yaml.safe_load((bag / 'metadata.yaml').read_text())
    information = metadata['rosbag2_bagfile_information']
    information['version'] = 5
    for name in ('custom_data', 'ros_distro'):
        information.pop(name)
    for entry in information['topics_with_message_count']:
        topic = entry['topic_metadata']
        topic.pop('type_description_hash')
        topic['offered_qos_profiles'] = ''
        if topic['name'] == '/chatter':
            topic['type'] = 'theirs/msg/Thing'
    (bag / 'metadata.yaml').write_text(yaml.safe_dump(metadata))
    assert len(recording.messages(bag)) == 39
    for storage in STORAGES:
        out = tmp_path / storage
        assert run(bag, '-o', out, '--storage', storage) == 0
        assert [entry for entry in recording.messages(out) if not entry[0].startswith('/dvd/')] \
            == recording.messages(bag)
        assert len(recording.read(out, '/dvd/depth')) == 13


@pytest.mark.parametrize('mode', ['MESSAGE', 'FILE'])
def test_compressed_bags_are_read(recording, tmp_path, brightness, mode):
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
    plain = recording.frames(13).write(tmp_path / 'plain')
    writer = Writer(tmp_path / 'in', version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode[mode], CompressionFormat.ZSTD)
    with writer:
        topics = {}
        for topic, kind, at, data in recording.messages(plain):
            if topic not in topics:
                topics[topic] = writer.add_connection(topic, kind, typestore=recording.types.store)
            writer.write(topics[topic], at, data)
    assert run(tmp_path / 'in', '-o', tmp_path / 'out') == 0
    assert run(plain, '-o', tmp_path / 'of_plain') == 0
    assert recording.messages(tmp_path / 'out') == recording.messages(tmp_path / 'of_plain')


def test_undistorted_depth_is_of_the_camera_without_distortion(recording, tmp_path, capsys,
                                                               brightness):
    for index in range(13):
        stamp = recording.stamp(index)
        recording.image(stamp, recording.pixels(index))
        info = recording.types.types.CameraInfo(
            header=recording.make.header(stamp, 'camera_optical'), width=64, height=48,
            distortion_model='plumb_bob', d=[-0.3, 0.05, 0.0, 0.0, 0.0],
            k=[60.0, 0, 32, 0, 60, 24, 0, 0, 1])
        recording.put(stamp, '/camera/camera_info', 'sensor_msgs/msg/CameraInfo', info)
    bag = recording.write(tmp_path / 'in')
    depth = {}
    for name, options in (('plain', []), ('straight', ['--undistort'])):
        assert run(bag, '-o', tmp_path / name, *options) == 0
        depth[name] = recording.read(tmp_path / name, '/dvd/depth')[0][1].data
        d = recording.read(tmp_path / name, '/dvd/camera_info')[0][1].d
        assert any(d) == (name == 'plain')
    assert not np.array_equal(depth['plain'], depth['straight'])
    recording.events = [entry for entry in recording.events if 'info' not in entry[1]]
    assert run(recording.write(tmp_path / 'bare'), '-o', tmp_path / 'out', '--undistort') == 1
    assert 'undistort needs it' in capsys.readouterr().err

"""depth_node as a process, with sources of metres that come, lie, stop and disagree."""

import numpy as np
import pytest

NAME = '/metric'
SIZE = (48, 64)
SECOND = 1_000_000_000
FOCAL = 60.0
# 1/Z = A * d + B, of the world before the camera: 1.3 to 7 metres
A, B = 0.8, 0.05
OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'
CAMERA, ELSEWHERE = 'cam_optical', 'elsewhere'


def picture():
    """A grey ramp with blocks on it; its brightness is the disparity."""
    ramp = np.linspace(30, 200, SIZE[0])[:, None] + np.zeros(SIZE[1])
    blocks = np.random.default_rng(0).integers(-25, 26, (SIZE[0] // 8, SIZE[1] // 8))
    return np.repeat((ramp + np.kron(blocks, np.ones((8, 8)))).astype(np.uint8)[..., None], 3, -1)


PICTURE = picture()
TRUTH = (1.0 / (A * (PICTURE[..., 0] / np.float32(255)) + B)).astype(np.float32)


class Robot:
    """Publishes images and readings of one still scene, and reads what the node answers."""

    def __init__(self, peer):
        from diagnostic_msgs.msg import DiagnosticArray
        from sensor_msgs.msg import CameraInfo, Image, PointCloud2

        from dvd_ros.msg import MetricScale

        self.peer = peer
        self.stamp = 1_000 * SECOND
        self._publishers = {
            topic: peer.node.create_publisher(kind, f'{NAME}/{topic}', 100)
            for topic, kind in (('image', Image), ('camera_info', CameraInfo),
                                ('scale/depth', Image), ('scale/points', PointCloud2))}
        peer.subscribe(Image, f'{NAME}/dvd/depth')
        peer.subscribe(MetricScale, f'{NAME}/dvd/scale')
        peer.subscribe(DiagnosticArray, '/diagnostics')

    def got(self, name):
        return self.peer.received[f'{NAME}/dvd/{name}']

    def prime(self):
        """Send images until all that is listened to answers."""
        def answered():
            if self.got('depth') and self.got('scale'):
                return True
            self._send(33_000_000, None, None, CAMERA)
            self.peer.linger(0.1)
            return False

        self.peer.wait(answered, 'depth and scale')
        for topic, publisher in self._publishers.items():
            self.peer.wait(publisher.get_subscription_count, f'a subscriber of {topic}')

    def run(self, count, step=33_000_000, depth=None, points=None, depth_frame=CAMERA):
        """Send `count` images, 5 + 3n in a new segment, else 3n, and return what the last gave.

        `depth` and `points` are factors on the true metres, None: not sent.
        """
        self.peer.clear()
        for _ in range(count):
            self._send(step, depth, points, depth_frame)
            self.peer.spin()
        self.peer.wait(lambda: len(self.got('depth')) >= count, f'{count} depth images')
        self.peer.wait(lambda: self._stamp_of(self.got('scale')[-1]) == self.stamp
                       if self.got('scale') else False, 'the newest scale')
        return self.metres(self.got('depth')[-1]), self.got('scale')[-1]

    def status(self):
        """The scale's diagnostics after all that was sent: level, message, values by key."""
        self.peer.received['/diagnostics'].clear()

        def own():
            return [status for array in self.peer.received['/diagnostics']
                    for status in array.status if status.name == f'{NAME}/depth_node: scale']

        status = self.peer.wait(own, 'diagnostics')[-1]
        return status.level, status.message, {pair.key: pair.value for pair in status.values}

    @staticmethod
    def metres(message):
        assert (message.encoding, message.height, message.width) == ('32FC1', *SIZE)
        return np.frombuffer(message.data, np.float32).reshape(SIZE)

    @staticmethod
    def _stamp_of(message):
        from dvd_ros.messages.stamps import nanoseconds

        return nanoseconds(message.header.stamp)

    def _send(self, step, depth, points, depth_frame):
        from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField

        from dvd_ros.geometry import Intrinsics, points_from_depth
        from dvd_ros.messages.image_conversion import fill_image, payload
        from dvd_ros.ros.depth_messages import header

        self.stamp += step
        head = header(self.stamp, CAMERA)
        camera = Intrinsics(SIZE[1], SIZE[0], FOCAL, FOCAL, SIZE[1] / 2, SIZE[0] / 2)
        publish = {topic: publisher.publish for topic, publisher in self._publishers.items()}
        publish['camera_info'](CameraInfo(header=head, width=SIZE[1], height=SIZE[0],
                                          k=camera.matrix.ravel()))
        if depth is not None:
            image = fill_image(Image(header=header(self.stamp, depth_frame)),
                               (TRUTH * 1e3 * depth).astype(np.uint16), '16UC1')
            publish['scale/depth'](image)
        if points is not None:
            # where a thing is does not depend on who looks: all coordinates have the factor
            packed = payload(points_from_depth(TRUTH, camera)[::2, ::2] * np.float32(points))
            publish['scale/points'](PointCloud2(
                header=head, height=SIZE[0] // 2, width=SIZE[1] // 2, point_step=12,
                row_step=packed.step, data=packed.data, is_bigendian=packed.is_bigendian,
                fields=[PointField(name=name, offset=4 * index, datatype=7, count=1)
                        for index, name in enumerate('xyz')]))
        publish['image'](fill_image(Image(header=head), PICTURE, 'rgb8'))


@pytest.fixture(scope='module')
def node(start_node_for_session):
    reliable = {
        f'qos_overrides.{NAME}/{topic}.subscription.{key}': value
        for topic in ('image', 'camera_info', 'scale/depth', 'scale/points')
        for key, value in (('reliability', 'reliable'), ('depth', 100))}
    process = start_node_for_session(
        'brightness_node', '-r', f'__ns:={NAME}', window=5, overlap=2, stride=3, queue=1000,
        flush_after=1.5, unscaled='withhold', scale_sources=['depth', 'points'], **reliable)
    process.wait_for_log('waiting for images')
    yield process
    process.kill()


@pytest.fixture(scope='module')
def primed(node, peer):
    made = Robot(peer)
    made.prime()
    peer.linger(2.0)  # what it has not filled a window with is flushed
    return made


@pytest.fixture
def robot(primed, node):
    """A robot whose node begins a new segment with the next image."""
    primed.stamp += 10 * SECOND
    yield primed
    assert node.alive(), node.log()
    assert 'Traceback' not in node.log()


def assert_true(depth):
    assert np.isfinite(depth).all()
    assert np.abs(depth / TRUTH - 1).max() < 0.05


def test_depth_is_withheld_until_a_depth_camera_makes_it_metric(robot, node):
    depth, scale = robot.run(5)
    assert np.isnan(depth).all()
    assert (scale.metric, scale.nominal) == (False, True)
    assert 'depth: silent: no message yet' in scale.reason
    level, message, values = robot.status()
    assert level == WARN
    assert message.startswith('depth is withheld')
    assert values['source_points'] == 'silent: no message yet'

    depth, scale = robot.run(9, depth=1.0)
    assert_true(depth)
    assert (scale.metric, scale.nominal, scale.reason) == (True, False, '')
    assert (scale.scale, scale.offset) == (pytest.approx(A, rel=0.05), pytest.approx(B, abs=0.02))
    assert 0 < scale.relative_sigma < 0.2
    assert np.isfinite(scale.covariance).all()
    assert [(source.name, source.used) for source in scale.sources] == [
        ('depth', True), ('points', False)]
    level, message, values = robot.status()
    assert (level, message) == (WARN, 'metric, but points: silent: no message yet')
    assert (values['metric'], values['source_depth']) == ('True', 'ok')
    assert 'depth is metric, by depth: known to' in node.log()

    depth, scale = robot.run(9, depth=1.0, points=1.0)
    assert_true(depth)
    assert robot.status()[:2] == (OK, 'metric')


def test_a_source_in_the_wrong_frame_is_left_out_and_named(robot):
    robot.run(5, depth=1.0, points=1.0)
    depth, scale = robot.run(12, SECOND // 3, depth=3.0, points=1.0, depth_frame=ELSEWHERE)
    assert_true(depth)
    assert scale.metric
    assert scale.sources[0].status.startswith("wrong frame: 'elsewhere' is not 'cam_optical'") or (
        'wrong frame: no transform' in scale.sources[0].status)
    level, message, values = robot.status()
    assert level == WARN
    assert message.startswith('metric, but depth: wrong frame')
    assert 'wrong frame' in values['source_depth']


def test_sources_that_stop_cost_the_metres_and_diagnostics_say_why(robot, node):
    robot.run(5, depth=1.0, points=1.0)
    depth, scale = robot.run(15, step=SECOND)
    assert np.isnan(depth).all()
    assert (scale.metric, scale.nominal) == (False, False)
    # not before the timeout, and no NaN in between
    known = [np.isfinite(robot.metres(message)).all() for message in robot.got('depth')]
    assert 6 <= sum(known) <= 11
    assert known == sorted(known, reverse=True)
    level, message, values = robot.status()
    assert level == WARN
    assert 'depth is withheld (NaN): no usable reading for' in message
    assert 'stale' in values['source_depth']
    assert 'depth is not metric any more: no usable reading' in node.log()


def test_a_source_that_contradicts_is_an_error(robot, node):
    depth, scale = robot.run(11, depth=1.0, points=1.7)
    assert np.isfinite(depth).all()
    said = [source.status for source in scale.sources if not source.used]
    assert len(said) == 1
    assert said[0].startswith('contradicts')
    level, message, _ = robot.status()
    assert level == ERROR
    assert 'contradicts' in message
    assert 'of metres contradicts' in node.log()

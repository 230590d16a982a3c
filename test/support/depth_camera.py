"""A camera beside a depth_node: what it sends, and what is answered."""

import cv2
import numpy as np

OUTPUTS = ('depth', 'camera_info', 'points', 'disparity', 'confidence', 'alignment', 'scale')
WINDOW, OVERLAP = 5, 2
NEAR, FAR = 0.4, 12.0
SIZE = (48, 64)
SECOND = 1_000_000_000


def picture(number, size=SIZE):
    """A smooth RGB picture, another for each number; flat in blocks of 4x4 pixels."""
    coarse = np.random.default_rng(number).integers(0, 256, (size[0] // 8, size[1] // 8, 3))
    return cv2.resize(coarse.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)


def intrinsics(width, height, focal=70.0):
    return np.array([[focal, 0, width / 2 - 3], [0, focal + 5, height / 2 + 2], [0, 0, 1]])


class Camera:
    """Publishes images with their camera_info to a depth node, and reads what it answers."""

    def __init__(self, peer, prefix):
        from diagnostic_msgs.msg import DiagnosticArray
        from sensor_msgs.msg import CameraInfo, Image, PointCloud2

        from dvd_ros.msg import MetricScale, WindowAlignment

        self.peer = peer
        self.prefix = prefix
        self._image = peer.node.create_publisher(Image, f'{prefix}/image', 100)
        self._info = peer.node.create_publisher(CameraInfo, f'{prefix}/camera_info', 100)
        kinds = (Image, CameraInfo, PointCloud2, Image, Image, WindowAlignment, MetricScale)
        for name, kind in zip(OUTPUTS, kinds, strict=True):
            peer.subscribe(kind, f'{prefix}/dvd/{name}')
        if '/diagnostics' not in peer.received:
            peer.subscribe(DiagnosticArray, '/diagnostics')
        self._stamp = 1_000 * SECOND

    def got(self, name):
        return self.peer.received[f'{self.prefix}/dvd/{name}']

    def next_stamp(self):
        self._stamp += 33_000_000
        return self._stamp

    def send(self, pixels, encoding='rgb8', stamp=None, frame_id='cam_optical', info=True,
             calibrated=None, changed=()):
        """Publish an image; `calibrated` (w, h) is the size of its camera_info, else its own."""
        from sensor_msgs.msg import CameraInfo, Image

        from dvd_ros.messages.image_conversion import fill_image
        from dvd_ros.ros.depth_messages import header

        stamp = self.next_stamp() if stamp is None else stamp
        head = header(stamp, frame_id)
        message = fill_image(Image(header=head), pixels, encoding)
        for name, value in dict(changed).items():
            setattr(message, name, value)
        if info:
            width, height = calibrated or (message.width, message.height)
            k = intrinsics(width, height)
            camera = CameraInfo(header=head, width=width, height=height, k=k.ravel())
            camera.distortion_model, camera.d = 'plumb_bob', [0.1, -0.2, 0.0, 0.0, 0.0]
            camera.r = np.eye(3).ravel()
            camera.p = np.hstack([k, [[-7.0], [0.0], [0.0]]]).ravel()
            self._info.publish(camera)
        self._image.publish(message)
        return stamp

    def prime(self):
        """Send until every topic has answered: only then have both sides found each other."""
        def answered():
            if all(self.got(name) for name in OUTPUTS):
                return True
            self.send(picture(0))
            self.peer.linger(1.0)
            return False

        self.peer.wait(answered, f'an answer on all of {OUTPUTS}')
        self.settle()
        self.peer.clear()

    def settle(self):
        """Wait until the node has nothing in work any more; its counts then."""
        def idle():
            counts = self.counts()
            return counts if counts['in_work'] == 0 else None

        counts = self.peer.wait(idle, 'an idle node')
        self.peer.linger(0.2)
        return counts

    def wait_for(self, count, *names):
        for name in names or ('depth',):
            self.peer.wait(
                lambda name=name: len(self.got(name)) >= count, f'{count} messages on {name}'
            )

    def stamps(self, name):
        from dvd_ros.messages.stamps import nanoseconds

        return [nanoseconds(message.header.stamp) for message in self.got(name)]

    def counts(self):
        """The node's newest diagnostics, numbers by key."""
        self.peer.received['/diagnostics'].clear()

        def own():
            return [status for array in self.peer.received['/diagnostics']
                    for status in array.status if status.name == f'{self.prefix}/depth_node: depth']

        status = self.peer.wait(own, 'diagnostics')[-1]
        return {pair.key: float(pair.value) for pair in status.values}


def start(start_node, camera_name, tiny, **changed):
    values = {
        'model': tiny, 'device': 'cpu', 'window': WINDOW, 'overlap': OVERLAP,
        'near': NEAR, 'far': FAR, 'queue': 1000, 'flush_after': 1.0,
        'cuts': False,  # each picture is another
        # reliable, so that a count can be exact on a busy machine
        f'qos_overrides.{camera_name}/image.subscription.reliability': 'reliable',
        f'qos_overrides.{camera_name}/image.subscription.depth': 500,
        f'qos_overrides.{camera_name}/camera_info.subscription.reliability': 'reliable',
        f'qos_overrides.{camera_name}/camera_info.subscription.depth': 500,
    } | changed
    return start_node('depth_node', '-r', f'__ns:={camera_name}', **values)

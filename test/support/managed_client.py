"""A client of one depth_node: its services, its images, its answers."""

import numpy as np

SECOND = 10**9
SIZE = (24, 32)
STEP = SECOND // 30


class Client:
    """Calls the services of one node, and plays a camera to it."""

    def __init__(self, peer, name, image='image', stamp=1000 * SECOND):
        from sensor_msgs.msg import Image

        self.peer, self.name, self.stamp = peer, name, stamp
        self._clients = {}
        self._image = peer.node.create_publisher(Image, f'{name}/{image}', 50)

    def call(self, kind, service, streaming=False, **fields):
        """The answer of a service; images are sent meanwhile where it needs them."""
        if service not in self._clients:
            self._clients[service] = self.peer.node.create_client(
                kind, f'{self.name}/depth_node/{service}')
        client = self._clients[service]
        self.peer.wait(client.service_is_ready, f'service {service}')
        future = client.call_async(kind.Request(**fields))
        self.peer.wait(lambda: future.done() or (streaming and self.send(1) and None),
                       f'an answer of {service}')
        return future.result()

    def transition(self, name):
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState, GetState

        number = getattr(Transition, f'TRANSITION_{name.upper()}')
        done = self.call(ChangeState, 'change_state', transition=Transition(id=number)).success
        return done, self.call(GetState, 'get_state').current_state.label

    def set(self, **values):
        """Set parameters in one request; '' or the reason why not."""
        from rcl_interfaces.srv import SetParametersAtomically
        from rclpy.parameter import Parameter

        result = self.call(SetParametersAtomically, 'set_parameters_atomically', parameters=[
            Parameter(name, value=value).to_parameter_msg() for name, value in values.items()
        ]).result
        return '' if result.successful else result.reason

    def send(self, count, level=None, size=SIZE):
        """Publish grey images; their stamps."""
        from sensor_msgs.msg import Image

        from dvd_ros.messages.image_conversion import fill_image
        from dvd_ros.ros.depth_messages import header

        ramp = np.linspace(40, 220, size[1]).astype(np.uint8)
        sent = []
        for _ in range(count):
            self.stamp += STEP
            sent.append(self.stamp)
            pixels = np.broadcast_to(ramp[None, :, None], (*size, 3)) if level is None else \
                np.full((*size, 3), level, np.uint8)
            self._image.publish(fill_image(
                Image(header=header(self.stamp, 'cam')), np.ascontiguousarray(pixels), 'rgb8'))
        return sent

    def got(self, topic):
        return self.peer.received[f'{self.name}/{topic}']

    def stamps(self, topic='dvd/depth'):
        from dvd_ros.messages.stamps import nanoseconds

        return [nanoseconds(message.header.stamp) for message in self.got(topic)]

    def depth(self):
        message = self.got('dvd/depth')[-1]
        return np.frombuffer(message.data, np.float32).reshape(message.height, message.width)

    def answered(self, count=5):
        """Send one window after another until depth of one comes; its newest depth."""
        self.peer.clear()

        def there():
            self.send(count)
            self.peer.linger(0.5)
            return self.got('dvd/depth')

        self.peer.wait(there, f'depth of {self.name}')
        return self.depth()

    def diagnostics(self, what):
        """The newest status of the node: level, message, values."""
        self.peer.received['/diagnostics'].clear()

        def own():
            return [status for message in self.peer.received['/diagnostics']
                    for status in message.status
                    if status.name == f'{self.name}/depth_node: {what}']

        status = self.peer.wait(own, f'diagnostics {what}')[-1]
        return status.level, status.message, {pair.key: pair.value for pair in status.values}

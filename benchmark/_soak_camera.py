"""The camera of benchmark/soak.py: publishes, keeps the rate, calls the node's services."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import numpy as np

RATE = float(os.environ.get('DVD_ROS_BENCH_RATE', '30'))  # images per second
SIZE = (240, 320)
PATIENCE = 60.0
# Seconds after which the two ends of a topic are taken to have overlooked each other. Fast DDS
# does so now and then, over TCP and on a busy machine.
DISCOVERED = 15.0


class Camera:
    """Publishes images and camera_info at the rate, and calls the node's services."""

    def __init__(self, rng: np.random.Generator) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        rclpy.init(args=[])
        self.rng, self.size = rng, SIZE
        self.stamp = time.time_ns()
        self.sent: dict[int, int] = {}  # stamp to number, of good frames
        self.number = 0
        self.overlooked = 0  # publishers and listeners that DDS did not bring to the node
        self._node = rclpy.create_node(f'camera{os.getpid()}')
        self._clients: dict[str, Any] = {}
        self._due = time.monotonic()
        self.connect()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def connect(self) -> None:
        """Be there; waits until the node knows, and tries anew where it does not come to know."""
        from sensor_msgs.msg import CameraInfo, Image

        end = time.monotonic() + PATIENCE
        while True:
            self._publishers = [self._node.create_publisher(kind, name, 100)
                                for kind, name in ((Image, 'image'), (CameraInfo, 'camera_info'))]
            again = time.monotonic() + DISCOVERED
            while time.monotonic() < again:
                if all(one.get_subscription_count() for one in self._publishers):
                    time.sleep(0.2)
                    return
                time.sleep(0.02)
            self.disconnect()
            self.overlooked += 1
            if time.monotonic() > end:
                raise SystemExit('the node does not listen')

    def disconnect(self) -> None:
        """Be gone."""
        for one in self._publishers:
            self._node.destroy_publisher(one)

    def jump(self, seconds: float) -> None:
        """Go on with other stamps; never with the same again."""
        self.stamp += round(seconds * 1e9) + int(self.rng.integers(1, 1000))

    def send(self, pixels: np.ndarray | None = None, encoding: str = 'rgb8',
             size: tuple[int, int] | None = None, stamp: int | None = None, paced: bool = True,
             lie: dict | None = None, info: dict | None = None) -> None:
        """One image: good, unless anything else is asked for."""
        from rclpy.impl.implementation_singleton import rclpy_implementation
        from sensor_msgs.msg import CameraInfo, Image

        from dvd_ros.geometry import Intrinsics
        from dvd_ros.messages.image_conversion import payload
        from dvd_ros.ros.depth_messages import camera_info, header

        if paced:
            time.sleep(max(0.0, self._due - time.monotonic()))
            self._due = max(self._due, time.monotonic() - 0.5) + 1.0 / RATE
        self.number += 1
        if stamp is None:
            self.stamp += round(1e9 / RATE)
            self.sent[self.stamp] = self.number
        head = header(self.stamp if stamp is None else stamp, 'cam')
        height, width = map(int, size or self.size)
        if pixels is None:
            row = 120 + 100 * np.sin(np.arange(width) / 40 + self.number / 50)
            pixels = np.broadcast_to(row.astype(np.uint8)[None, :, None], (height, width, 3))
        packed = payload(np.ascontiguousarray(pixels))
        image = Image(header=head, height=pixels.shape[0], width=pixels.shape[1], step=packed.step,
                      encoding=encoding, data=packed.data)
        for key, value in (lie or {}).items():
            setattr(image, key, value)
        message: CameraInfo = camera_info(Intrinsics.from_hfov(width, height, 1.0), None)
        message.header = head
        for key, value in (info or {}).items():
            setattr(message, key, value)
        try:
            self._publishers[1].publish(message)
            self._publishers[0].publish(image)
        except rclpy_implementation.RCLError:  # a busy machine: the node's end of the topic is full
            self.sent.pop(self.stamp, None)

    def _ask(self, kind: Any, service: str, request: Any) -> Any:
        if service not in self._clients:
            self._clients[service] = self._node.create_client(kind, f'depth_node/{service}')
        client = self._clients[service]
        if not client.wait_for_service(PATIENCE):
            return None
        future = client.call_async(request)
        end = time.monotonic() + PATIENCE
        while not future.done() and time.monotonic() < end:
            self.send()
        return future.result() if future.done() else None

    def trigger(self, service: str) -> Any:
        """The answer of a Trigger service, None where none comes; sends meanwhile."""
        from std_srvs.srv import Trigger

        return self._ask(Trigger, service, Trigger.Request())

    def set_parameter(self, name: str, value: Any) -> Any:
        """The result of setting a parameter."""
        from rcl_interfaces.srv import SetParametersAtomically
        from rclpy.parameter import Parameter

        answer = self._ask(
            SetParametersAtomically, 'set_parameters_atomically',
            SetParametersAtomically.Request(
                parameters=[Parameter(name, value=value).to_parameter_msg()]))
        return None if answer is None else answer.result

"""Where one frame lies in another: from a parameter, from TF, or because they are the same."""

from __future__ import annotations

from typing import Any, Protocol

from dvd_ros.geometry.transform import RigidTransform


class ExtrinsicsError(LookupError):
    """Nothing tells where a frame lies; the text names the frames and what to do."""


class Extrinsics(Protocol):
    """Finds the pose of one frame in another at a time."""

    def find(self, parent: str, child: str, stamp: int) -> RigidTransform:
        """The way from frame `child` to frame `parent` at `stamp` (ns): the child's pose.

        Raises ExtrinsicsError.
        """


class GivenPose:
    """A pose from a parameter, for the two frames that are seen first.

    It cannot tell which frame it was meant for; that the frame changes later it can, and refuses.
    """

    def __init__(self, pose: RigidTransform, parameter: str) -> None:
        self._pose = pose
        self._parameter = parameter
        self._frames: tuple[str, str] | None = None

    def find(self, parent: str, child: str, stamp: int) -> RigidTransform:  # noqa: ARG002
        """As Extrinsics."""
        if self._frames is None:
            self._frames = parent, child
        if self._frames != (parent, child):
            was = ' in '.join(repr(frame) for frame in reversed(self._frames))
            raise ExtrinsicsError(f'wrong frame: {child!r} in {parent!r}, but parameter '
                                  f'{self._parameter} was taken for {was}')
        return self._pose


class TfPoses:
    """Poses from TF; the same frame needs none.

    The look-up never waits: it is done while messages are being received. A transform that has not
    come yet for the time of the message is taken as it was last, which is the same for sensors
    that are mounted firmly.

    Parameters
    ----------
    node:
        the node that listens to /tf and /tf_static.

    """

    def __init__(self, node: Any) -> None:
        self._buffer: Any = None
        self._missing = ''
        try:
            import tf2_ros
        except Exception as error:  # not only ImportError: its C++ part may be of another ROS 2
            self._missing = f'tf2_ros does not import ({error})'
            return
        self._error = tf2_ros.TransformException
        self._buffer = tf2_ros.Buffer()
        # Kept: a listener that is collected stops to listen.
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def close(self) -> None:
        """Listen no more."""
        if self._buffer is not None:
            self._listener.unregister()

    def find(self, parent: str, child: str, stamp: int) -> RigidTransform:
        """As Extrinsics."""
        if parent == child:
            return RigidTransform.identity()
        if self._buffer is None:
            raise ExtrinsicsError(f'wrong frame: {child!r} is not {parent!r}, and {self._missing}')
        if not child or not parent:
            raise ExtrinsicsError(f'wrong frame: {child!r} in {parent!r}, a header without '
                                  'frame_id')
        from rclpy.time import Time

        for time in (Time(nanoseconds=stamp), Time()):
            try:
                found = self._buffer.lookup_transform(parent, child, time)
                break
            except self._error as error:
                trouble = error
        else:
            raise ExtrinsicsError(f'wrong frame: no transform from {child!r} to {parent!r}: '
                                  f'{trouble}')
        move, turn = found.transform.translation, found.transform.rotation
        try:
            return RigidTransform.from_quaternion((move.x, move.y, move.z),
                                                  (turn.x, turn.y, turn.z, turn.w))
        except ValueError as error:
            raise ExtrinsicsError(f'wrong frame: transform from {child!r} to {parent!r}: '
                                  f'{error}') from error

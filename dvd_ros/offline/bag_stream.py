"""The messages of a bag, through the depth stream, to the messages of depth."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from dvd_ros.messages.camera_frames import CameraFrames
from dvd_ros.messages.compressed_conversion import rgb_from_compressed
from dvd_ros.messages.depth_conversion import metres_from_message
from dvd_ros.messages.frame_messages import OUTPUTS, FrameMessages
from dvd_ros.messages.image_conversion import rgb_from_message
from dvd_ros.messages.stamps import nanoseconds
from dvd_ros.offline.bag_input import CAMERA_INFO, COMPRESSED, IMAGE
from dvd_ros.offline.bag_settings import BagSettings
from dvd_ros.offline.bag_types import BagTypes
from dvd_ros.scale import DepthImageSource, StreamScale
from dvd_ros.stream import DepthFrame, DepthStream, Frame
from dvd_ros.stream.window_model import PreparingModel

# An image waits so long, in ns of log time, for the camera_info and depth of its moment: drivers
# send them after it as well as before.
_SETTLE = 200_000_000
_INFOS = 256


class Made(NamedTuple):
    """A serialised message: a name in OUTPUTS, the log time of its image in ns, its bytes."""

    name: str
    log_time: int
    data: memoryview


class BagStream:
    """
    Takes a bag's messages in order of log times; gives depth messages with their images' times.

    ``refused`` counts what could not be read, by topic and cause. ``warn`` takes lines that are
    told once.

    Methods raise what the model raises; a broken message is counted and left out.
    """

    def __init__(self, settings: BagSettings, types: BagTypes, model: PreparingModel,
                 warn: Callable[[str], None]) -> None:
        self.refused: Counter[str] = Counter()
        self.frames = 0
        self._types, self._wanted = types, settings.topics.__contains__
        self._infos: deque[tuple[int, Any]] = deque(maxlen=_INFOS)
        self._frames = CameraFrames(types.types.CameraInfo, settings.undistort, settings.hfov,
                                    '--hfov', warn)
        self._source = DepthImageSource('depth') if settings.scale_depth else None
        self.stream = DepthStream(model, settings.stream, StreamScale(
            settings.scale, [self._source] if self._source else []))
        self._messages = FrameMessages(types.types, settings.stream.window, settings.hfov,
                                       settings.output)
        self._unsettled: deque[tuple[int, str, str, bytes]] = deque()
        self._pending: deque[tuple[int, Frame]] = deque()
        self.newest: DepthFrame | None = None

    @property
    def horizon(self) -> int | None:
        """The log time in ns before which nothing is going to be made; None: any time."""
        if self._pending:
            return self._pending[0][0]
        return self._unsettled[0][0] if self._unsettled else None

    def camera_info(self, data: bytes) -> None:
        """Take a sensor_msgs/CameraInfo."""
        message = self._read('camera_info', data, CAMERA_INFO)
        if message is not None:
            self._infos.append((nanoseconds(message.header.stamp), message))

    def depth(self, data: bytes) -> None:
        """Take a depth image as a source of metres."""
        message = self._read('depth as a source of metres', data, IMAGE)
        if message is None or self._source is None:
            return
        try:
            metres = metres_from_message(message)
        except ValueError as error:
            self.refused[f'depth as a source of metres: {error}'] += 1
            return
        self._source.push(nanoseconds(message.header.stamp), metres)

    def image(self, log_time: int, topic: str, kind: str, data: bytes) -> None:
        """Take a sensor_msgs/Image or CompressedImage."""
        self._unsettled.append((log_time, topic, kind, data))

    def advance(self, log_time: int | None) -> Iterator[Made]:
        """Go on to a log time in ns, or to the end."""
        while self._unsettled and (
                log_time is None or self._unsettled[0][0] + _SETTLE < log_time):
            at, topic, kind, data = self._unsettled.popleft()
            frame = self._frame(topic, kind, data)
            if frame is not None:
                self._pending.append((at, frame))
                dropped = self._dropped()
                batch = self.stream.push(frame)
                if self._dropped() > dropped:
                    self._pending.pop()
                yield from self._made(batch)
        if log_time is None:
            yield from self._made(self.stream.flush())
            self._pending.clear()

    def _dropped(self) -> int:
        dropped = self.stream.counters.dropped
        return dropped['repeated_stamp'] + dropped['backward_stamp']

    def _frame(self, topic: str, kind: str, data: bytes) -> Frame | None:
        message = self._read(topic, data, kind)
        if message is None:
            return None
        try:
            image = (rgb_from_compressed if kind == COMPRESSED else rgb_from_message)(message)
            stamp = nanoseconds(message.header.stamp)
            return self._frames.make(image, stamp, message.header.frame_id, self._info(stamp))
        except ValueError as error:
            self.refused[f'{topic}: {error}'] += 1
            return None

    def _info(self, stamp: int) -> Any:
        """The CameraInfo nearest in time; None where there is none at all."""
        return min(reversed(self._infos), key=lambda entry: abs(entry[0] - stamp),
                   default=(0, None))[1]

    def _read(self, what: str, data: bytes, kind: str) -> Any:
        try:
            return self._types.read(data, kind)
        except ValueError as error:
            self.refused[f'{what}: {error}'] += 1
            return None

    def _made(self, batch: list[DepthFrame]) -> Iterator[Made]:
        for done, messages in self._messages.of_batch(batch, self._wanted):
            log_time, frame = self._pending.popleft()
            assert frame is done.frame  # what is not dropped leaves in order
            self.frames += 1
            self.newest = done
            for name, message in messages:
                yield Made(name, log_time, self._types.write(message, OUTPUTS[name]))

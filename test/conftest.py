"""Fixtures for every test: where the golden vectors lie, a small model, and a bag."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_HERE = Path(__file__).resolve().parent
_WHOLE = _HERE.parent.parent / 'shared' / 'golden'
_PART = _HERE / 'golden'


@pytest.fixture(scope='session')
def golden() -> Callable[..., Path]:
    """
    Give the path of a golden file: `golden('stitch.npz')`.

    The whole set beside the repository is preferred, else the part in test/golden. With
    `whole=True` only the whole set will do. The test skips where the file is in neither.
    """

    def find(name: str, whole: bool = False) -> Path:
        for folder in (_WHOLE,) if whole else (_WHOLE, _PART):
            if (folder / name).is_file():
                return folder / name
        pytest.skip(f'golden file {name} is not in ../shared/golden'
                    + ('' if whole else ' nor in test/golden'))

    return find


TINY = {
    'dit': {'num_heads': 2, 'head_dim': 12, 'ffn_dim': 32, 'num_layers': 1, 'freq_dim': 16,
            'text_dim': 8, 'in_channels': 8, 'out_channels': 8},
    'vae': {'base_dim': 4, 'z_dim': 8, 'dim_mult': [1, 2, 2], 'num_res_blocks': 1,
            'temperal_downsample': [True, True], 'in_channels': 12, 'out_channels': 12,
            'patch_size': 2, 'latents_mean': [0.0] * 8, 'latents_std': [1.0] * 8},
    'size': [32, 48], 'window': 9,
}


@pytest.fixture(scope='session')
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of the shipped kind: a true DVD whose weights mean nothing."""
    torch = pytest.importorskip('torch', reason='PyTorch is not installed here')
    diffusers = pytest.importorskip('diffusers', reason='diffusers is not installed here')
    from dvd_ros.model import DvdConfig
    from dvd_ros.model.checkpoint import write_checkpoint
    config = DvdConfig.load(TINY)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return write_checkpoint(tmp_path_factory.mktemp('tiny'),
                                diffusers.WanTransformer3DModel(**config.dit),
                                diffusers.AutoencoderKLWan(**config.vae), config)


@pytest.fixture
def recording() -> 'Recording':
    """A bag to be filled and written; skips where rosbags is not installed."""
    pytest.importorskip('rosbags', reason='rosbags is not installed here')
    return Recording()


class Recording:
    """Messages of a made-up bag; log times are 5 ms after the stamps."""

    image_topic = '/camera/image_raw'
    start = 1_700_000_000_000_000_000

    def __init__(self) -> None:
        from dvd_ros.messages.message_maker import MessageMaker
        from dvd_ros.offline.bag_types import BagTypes
        self.types = BagTypes()
        self.make = MessageMaker(self.types.types)
        self.events: list[tuple[int, str, str, Any]] = []

    def stamp(self, index: float) -> int:
        """Nanoseconds of the frame of this number, at 30 Hz."""
        return self.start + round(index * 1e9 / 30)

    def pixels(self, index: int, height: int = 48, width: int = 64) -> np.ndarray:
        """A picture that moves by two pixels a frame, uint8 [H,W,3]."""
        row, column = np.mgrid[:height, :width]
        waves = [np.sin((column - 2 * index) / 7 + phase) + np.cos(row / 5 + phase)
                 for phase in (0.0, 1.0, 2.0)]
        return (np.stack(waves, axis=-1) * 60 + 128).astype(np.uint8)

    def put(self, stamp: int, topic: str, kind: str, data: Any) -> None:
        """Add serialised bytes, or a message."""
        if not isinstance(data, bytes):
            data = self.types.write(data, kind)
        self.events.append((stamp + 5_000_000, topic, kind, data))

    def image(self, stamp: int, pixels: np.ndarray, topic: str = image_topic,
              encoding: str = 'rgb8') -> None:
        """Add a sensor_msgs/Image."""
        from dvd_ros.messages.image_conversion import fill_image
        empty = self.types.types.Image(header=self.make.header(stamp, 'camera_optical'))
        self.put(stamp, topic, 'sensor_msgs/msg/Image', fill_image(empty, pixels, encoding))

    def info(self, stamp: int, height: int = 48, width: int = 64, fx: float = 60.0,
             topic: str = '/camera/camera_info') -> None:
        """Add a sensor_msgs/CameraInfo."""
        from dvd_ros.geometry import Intrinsics
        message = self.make.camera_info(
            Intrinsics(width, height, fx, fx, width / 2, height / 2), None)
        message.header = self.make.header(stamp, 'camera_optical')
        self.put(stamp, topic, 'sensor_msgs/msg/CameraInfo', message)

    def frames(self, count: int, first: int = 0, **size: int) -> 'Recording':
        """Add images with the camera_info after each of them, and something else."""
        string = self.types.store.types['std_msgs/msg/String']
        for index in range(first, first + count):
            stamp = self.stamp(index)
            self.image(stamp, self.pixels(index, **size))
            self.info(stamp + 100, **size)
            self.put(stamp + 200, '/chatter', 'std_msgs/msg/String', bytes(
                self.types.store.serialize_cdr(string(data=f'{index}'), 'std_msgs/msg/String')))
        return self

    def write(self, path: Path, storage: str = 'mcap') -> Path:
        """Write it."""
        from rosbags.rosbag2 import StoragePlugin, Writer
        with Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()]) as writer:
            topics = {}
            for log_time, topic, kind, data in sorted(self.events, key=lambda event: event[0]):
                if topic not in topics:
                    topics[topic] = writer.add_connection(topic, kind, typestore=self.types.store)
                writer.write(topics[topic], log_time, data)
        return path

    @staticmethod
    def messages(path: Path) -> list[tuple[str, str, int, bytes]]:
        """Give (topic, type, log time, bytes) of all messages of a bag."""
        from rosbags.rosbag2 import Reader
        with Reader(path) as reader:
            return [(entry.topic, entry.msgtype, at, bytes(data))
                    for entry, at, data in reader.messages()]

    def read(self, path: Path, topic: str) -> list[tuple[int, Any]]:
        """Give (log time, message) of a topic."""
        return [(at, self.types.read(data, kind))
                for name, kind, at, data in self.messages(path) if name == topic]

"""The DVD network on torch: checkpoints in, relative disparity out."""

from dvd_ros.model.config import DvdConfig
from dvd_ros.model.dvd import DvdModel
from dvd_ros.model.tensor_file import CheckpointError

__all__ = ['CheckpointError', 'DvdConfig', 'DvdModel']

"""Data sets with true depth, each in its own layout on disk: for training and evaluation."""

from dvd_ros.datasets.dataset import KINDS, Dataset, detect, open_dataset
from dvd_ros.datasets.sequence import BadSample, Sample, Sequence
from dvd_ros.datasets.skipped import Skipped

__all__ = ['KINDS', 'BadSample', 'Dataset', 'Sample', 'Sequence', 'Skipped', 'detect',
           'open_dataset']

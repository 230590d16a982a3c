"""Data sets with true depth, each in its own layout on disk: for training and evaluation."""

from dvd_ros.datasets.sequence import BadSample, Sample, Sequence

__all__ = ['BadSample', 'Sample', 'Sequence']

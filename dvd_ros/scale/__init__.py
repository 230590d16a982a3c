"""From relative disparity to metres; numpy only."""

from dvd_ros.scale.nominal import NominalScale

__all__ = ['NominalScale']

"""From relative disparity to metres; numpy only."""

from dvd_ros.scale.beam import KnownSizeSource, RangeSource
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.scale.depth_image import DepthImageSource
from dvd_ros.scale.given import GivenDistances
from dvd_ros.scale.ground import GroundSource
from dvd_ros.scale.line import line_depth
from dvd_ros.scale.metric_scale import MetricScale, Outcome
from dvd_ros.scale.observation import Observation, Silence
from dvd_ros.scale.points import PointsSource
from dvd_ros.scale.source import ScaleSource
from dvd_ros.scale.state import ScaleState, SourceState
from dvd_ros.scale.stream_scale import StreamScale

__all__ = ['DepthImageSource', 'GivenDistances', 'GroundSource', 'KnownSizeSource', 'MetricScale',
           'Observation', 'Outcome', 'PointsSource', 'RangeSource', 'ScaleConfig', 'ScaleSource',
           'ScaleState', 'Silence', 'SourceState', 'StreamScale', 'line_depth']

"""The maker of messages, on the classes of ROS 2."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from std_msgs.msg import Header

from dvd_ros.messages.message_maker import MessageMaker
from dvd_ros.messages.message_types import MessageTypes
from dvd_ros.msg import MetricScale, ScaleSource, WindowAlignment

TYPES = MessageTypes(
    Time=Time, Header=Header, Image=Image, CameraInfo=CameraInfo, PointCloud2=PointCloud2,
    PointField=PointField, WindowAlignment=WindowAlignment, MetricScale=MetricScale,
    ScaleSource=ScaleSource)
_MAKER = MessageMaker(TYPES)
header = _MAKER.header
camera_info = _MAKER.camera_info
float_image = _MAKER.float_image
millimetre_image = _MAKER.millimetre_image

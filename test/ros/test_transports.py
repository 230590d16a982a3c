"""Environments in which Fast DDS loses images are told of; others are not."""

import pytest

from dvd_ros.ros.transports import transport_warning

FAST = 'rmw_fastrtps_cpp'
LARGE = {'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'}


@pytest.mark.parametrize(('middleware', 'environment', 'said'), [
    (FAST, LARGE, ''),
    (FAST, {}, 'set FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA'),
    (FAST, LARGE | {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'},
     'ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST Fast DDS ignores'),
    (FAST, LARGE | {'ROS_LOCALHOST_ONLY': '1'}, 'ROS_LOCALHOST_ONLY=1 Fast DDS ignores'),
    (FAST, LARGE | {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}, ''),
    (FAST, {'FASTRTPS_DEFAULT_PROFILES_FILE': 'mine.xml'}, ''),
    ('rmw_cyclonedds_cpp', {'ROS_LOCALHOST_ONLY': '1'}, ''),
])
def test_what_loses_images_is_said(middleware, environment, said):
    text = transport_warning(middleware, environment)
    assert (said in text) if said else text == ''

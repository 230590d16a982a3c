"""Depth from a camera's topics, or from a video; optionally with RViz or a live view in a browser.

ros2 launch dvd_ros depth.launch.py image:=/camera/image_raw camera_info:=/camera/camera_info
ros2 launch dvd_ros depth.launch.py video:=clip.mp4 rviz:=true
ros2 launch dvd_ros depth.launch.py video:=clip.mp4 view:=true    # http://localhost:8642
ros2 launch dvd_ros depth.launch.py scale_sources:=points,ground scale_points:=/lidar/points
"""

import os
from typing import Any

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription

# Topics of depth_node that sources of metres come in by, each with the argument that renames it.
_SCALE_TOPICS = {
    'scale/depth': 'scale_depth', 'scale/camera_info': 'scale_camera_info',
    'scale/points': 'scale_points', 'scale/scan': 'scale_scan', 'scale/range': 'scale_range',
    'imu': 'imu',
}


def generate_launch_description() -> LaunchDescription:
    """Describe depth_node, and on demand video_node, RViz and view_node."""
    share = get_package_share_directory('dvd_ros')

    def argument(name: str, default: str, description: str) -> DeclareLaunchArgument:
        return DeclareLaunchArgument(name, default_value=default, description=description)

    return LaunchDescription([
        argument('image', 'image', 'topic of the camera images'),
        argument('camera_info', 'camera_info', 'topic of their camera_info'),
        argument('namespace', '', 'namespace of the nodes: depth is NAMESPACE/dvd/depth'),
        argument('model', '', 'mini, dvd-1.0, dvd-1.1 or a model folder; empty: as in params_file'),
        argument('scale_sources', '', 'sources of metres, separated by commas: depth, points, '
                                      'scan, range, ground; empty: as in params_file'),
        *(argument(name, topic, f'topic that becomes {topic}')
          for topic, name in _SCALE_TOPICS.items()),
        argument('params_file', os.path.join(share, 'config', 'depth.yaml'),
                 'parameters of the nodes'),
        argument('video', '', 'a video file, camera device, image folder or TUM RGB-D folder '
                              'that is published as the camera; empty: a camera is there'),
        argument('loop', 'false', 'play the video again and again'),
        argument('enclave', '', 'SROS 2: the enclave that those of the nodes are in, /dvd_ros in '
                                'config/sros2_policy.xml; empty: none'),
        argument('rviz', 'false', 'start RViz'),
        argument('rviz_config', os.path.join(share, 'config', 'depth.rviz'), 'layout of RViz'),
        argument('view', 'false', 'serve a live view to browsers (needs aiohttp)'),
        argument('view_host', '', 'address that it listens on; 0.0.0.0: all of the network may '
                                  'look; empty: as in params_file, else 127.0.0.1'),
        argument('view_port', '', 'its port; empty: as in params_file, else 8642'),
        argument('view_allow_host', '', 'names that browsers may call this machine by, separated '
                                        'by commas, as robot.local; empty: as in params_file'),
        # Fast DDS's default transports lose every best-effort image.
        SetEnvironmentVariable('FASTDDS_BUILTIN_TRANSPORTS',
                               os.environ.get('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')),
        OpaqueFunction(function=_nodes),
    ])


def _nodes(context: LaunchContext) -> list[Node]:
    """The nodes; a function of the context, as an empty argument must not override a file."""
    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    def node(executable: str, **changed: Any) -> Node:
        enclave = given('enclave')
        return Node(
            package='dvd_ros', executable=executable, name=executable, output='screen',
            namespace=given('namespace'),
            remappings=[(name, given(name)) for name in ('image', 'camera_info')]
            + [(topic, given(name)) for topic, name in _SCALE_TOPICS.items()],
            parameters=[given('params_file'),
                        {name: value for name, value in changed.items() if value != ''}],
            ros_arguments=['--enclave', f'{enclave}/{executable}'] if enclave else [],
        )

    nodes = [node('depth_node', model=given('model'), scale_sources=given('scale_sources'))]
    if given('video'):
        # depth_node subscribes once its model is loaded: it shall see the first image, too.
        nodes.append(node('video_node', source=given('video'),
                          loop=given('loop').lower() in ('true', '1'), wait_for_subscriber=600.0))
    if given('view').lower() in ('true', '1'):
        port = given('view_port')
        nodes.append(node('view_node', host=given('view_host'), port=int(port) if port else '',
                          allow_host=given('view_allow_host')))
    if given('rviz').lower() in ('true', '1'):
        nodes.append(Node(package='rviz2', executable='rviz2', name='rviz2', output='log',
                          namespace=given('namespace'), arguments=['-d', given('rviz_config')]))
    return nodes

"""Depth from several cameras, listed in a YAML file (config/cameras.yaml shows its form).

ros2 launch dvd_ros multi_camera.launch.py cameras:=my_cameras.yaml
ros2 launch dvd_ros multi_camera.launch.py cameras:=my_cameras.yaml shared:=true

A process for each camera; or, shared, one process and one network in the GPU's memory, which the
cameras use in turn.
"""

import os
import tempfile

import yaml
from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from dvd_ros.ros.camera_list import Camera, read_cameras
from launch import LaunchContext, LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe a depth_node for each camera, or one process for all."""
    share = get_package_share_directory('dvd_ros')

    def argument(name: str, default: str, description: str) -> DeclareLaunchArgument:
        return DeclareLaunchArgument(name, default_value=default, description=description)

    return LaunchDescription([
        argument('cameras', os.path.join(share, 'config', 'cameras.yaml'), 'list of the cameras'),
        argument('shared', 'false', 'one process, one network for all cameras'),
        argument('params_file', os.path.join(share, 'config', 'depth.yaml'),
                 'parameters of all nodes'),
        # Fast DDS's default transports lose every best-effort image.
        SetEnvironmentVariable('FASTDDS_BUILTIN_TRANSPORTS',
                               os.environ.get('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')),
        OpaqueFunction(function=_nodes),
    ])


def _nodes(context: LaunchContext) -> list[Node]:
    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    cameras = read_cameras(given('cameras'))
    if given('shared').lower() in ('true', '1'):
        return [Node(
            package='dvd_ros', executable='multi_depth_node', output='screen',
            arguments=[camera.name for camera in cameras],
            remappings=[(f'/{camera.name}/{topic}', there) for camera in cameras
                        for topic, there in camera.remappings],
            parameters=[given('params_file'), *_files_of(cameras)],
        )]
    return [Node(
        package='dvd_ros', executable='depth_node', name='depth_node', output='screen',
        namespace=camera.name, remappings=camera.remappings,
        parameters=[given('params_file'), *(file for file in (camera.params_file,) if file),
                    *(values for values in (camera.parameters,) if values)],
    ) for camera in cameras]


def _files_of(cameras: list[Camera]) -> list[str]:
    """A file with the parameters of each camera's node alone, for the process that has them all."""
    own = {f'/{camera.name}/depth_node': {'ros__parameters': values}
           for camera in cameras if (values := camera.node_parameters())}
    if not own:
        return []
    with tempfile.NamedTemporaryFile('w', prefix='cameras_', suffix='.yaml', delete=False) as file:
        yaml.safe_dump(own, file)
    return [file.name]

"""Cameras, disparity and depth, point clouds; numpy and OpenCV only."""

from dvd_ros.geometry.disparity import depth_from_disparity, disparity_from_depth
from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.points import pack_rgb, points_from_depth, rays, write_ply
from dvd_ros.geometry.rectification import Rectification
from dvd_ros.geometry.transform import RigidTransform

__all__ = ['Intrinsics', 'Rectification', 'RigidTransform', 'depth_from_disparity',
           'disparity_from_depth', 'pack_rgb', 'points_from_depth', 'rays', 'write_ply']

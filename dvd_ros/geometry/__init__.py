"""Cameras, disparity and depth, point clouds; numpy only."""

from dvd_ros.geometry.intrinsics import Intrinsics

__all__ = ['Intrinsics']

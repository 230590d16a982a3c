"""Depth of recordings, written to files; needs no ROS 2."""

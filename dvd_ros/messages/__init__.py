"""Messages to arrays and back, for any classes that have their fields; needs no ROS 2."""

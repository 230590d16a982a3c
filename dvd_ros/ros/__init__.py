"""Everything that speaks ROS 2: nodes, parameters, and messages to and from arrays."""

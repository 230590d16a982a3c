"""The live view: a web server that shows a depth node's pictures, cloud and health; no ROS here.

`server` and `guard` need aiohttp, the rest does not.
"""

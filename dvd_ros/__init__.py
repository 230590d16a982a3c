"""Streaming metric depth from a plain camera with DVD (Deterministic Video Depth)."""

from pkgutil import extend_path

# The generated messages (dvd_ros.msg) may live in another prefix than this source tree.
__path__ = extend_path(__path__, __name__)
__version__ = '0.1.0'

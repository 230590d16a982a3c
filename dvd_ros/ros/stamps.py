"""Stamps in integer nanoseconds to and from message headers."""

from __future__ import annotations

from typing import Any

from builtin_interfaces.msg import Time
from std_msgs.msg import Header


def nanoseconds(time: Any) -> int:
    """Nanoseconds of a `builtin_interfaces/Time`."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)


def header(stamp: int, frame_id: str) -> Header:
    """A `std_msgs/Header` of a stamp in nanoseconds."""
    seconds, rest = divmod(stamp, 1_000_000_000)
    return Header(stamp=Time(sec=seconds, nanosec=rest), frame_id=frame_id)

"""Stamps of messages in integer nanoseconds."""

from __future__ import annotations

from typing import Any


def nanoseconds(time: Any) -> int:
    """Nanoseconds of a `builtin_interfaces/Time`."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)

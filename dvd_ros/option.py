"""A setting, defined once: a config field, a node parameter and an option of a command."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def option(
    default: Any, description: str, low: float | None = None, high: float | None = None,
    live: bool = False, fixed: bool = False,
) -> Any:
    """
    Make a dataclass field whose metadata hold a description (`help`) and the allowed `range`.

    A `live` one may change at any time; of a managed node a `fixed` one is set at the start only,
    and the others while the node is unconfigured.
    """
    return field(default=default, metadata={
        'help': description, 'range': (low, high), 'live': live, 'fixed': fixed})

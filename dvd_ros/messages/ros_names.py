"""Names of ROS 2, checked without it."""

from __future__ import annotations

import re

_NAMESPACE = re.compile(r'[A-Za-z_]\w*(/[A-Za-z_]\w*)*', re.ASCII)


def is_namespace(name: str) -> bool:
    """Whether it is a relative namespace: letters, digits and _, no digit first, / between."""
    return _NAMESPACE.fullmatch(name) is not None

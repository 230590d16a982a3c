"""What became of the frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class StreamCounters:
    """
    Frames counted since the stream was made.

    received = published + sum of dropped + those still waiting for their window.
    """

    received: int = 0
    published: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def pending(self) -> int:
        """Frames that wait for their window to be complete."""
        return self.received - self.published - sum(self.dropped.values())

"""What is done after the network has failed: wait, longer each time, and load it anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Recovery:
    """Says how long to wait after a fault, and loads the model anew.

    The first fault costs its window alone. From the second in a row on the model is to be loaded
    anew after `delay` seconds, twice as long after each further one, up to `longest`.

    Parameters
    ----------
    load:
        gives the model loaded anew; it may raise anything, which is the next fault.
    delay, longest:
        seconds; they may be set at any time.

    """

    def __init__(self, load: Callable[[], Any], delay: float, longest: float) -> None:
        self.load = load
        self.delay, self.longest = delay, longest
        self.faults = 0  # in a row
        self.restarts = 0

    def failed(self) -> float:
        """Note a fault; the seconds to wait until the model is loaded anew, 0 for not at all."""
        self.faults += 1
        if self.faults < 2:
            return 0.0
        return min(self.delay * 2.0 ** min(self.faults - 2, 60), self.longest)

    def succeeded(self) -> None:
        """Note that the network has done its work."""
        self.faults = 0

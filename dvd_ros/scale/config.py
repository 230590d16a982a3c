"""The settings of metric scale: defined once, for API, node parameters and CLI options."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dvd_ros.option import option

UNSCALED = ('nominal', 'withhold')


@dataclass(frozen=True)
class ScaleConfig:
    """
    Settings of a StreamScale; each field's ``metadata['help']`` says what it means.

    Those whose ``metadata['live']`` is true may be changed by setting `StreamScale.config`.

    Raises
    ------
    ValueError
        Naming the value that is out of range.

    """

    near: float = option(0.5, 'nominal depth of disparity 1, metres', 1e-3, 1e4, True)
    far: float = option(20.0, 'nominal depth of disparity 0, metres', 1e-3, 1e5, True)
    unscaled: str = option('nominal', "depth while no source gives metres: 'nominal' (by near "
                                      "and far) or 'withhold' (NaN)", live=True)
    max_depth: float = option(200.0, 'metric depth beyond is +Inf, metres', 1e-3, 1e6, True)
    memory: float = option(2.0, 'time constant with which old readings fade, seconds', 1e-3, 1e5)
    timeout: float = option(10.0, 'without a usable reading for so long depth is not metric any '
                                  'more, seconds', 1e-3, 1e6)
    max_sigma: float = option(0.2, 'relative standard deviation of depth at which the scale '
                                   'counts as known; as lost at twice of it', 1e-3, 10.0)

    def __post_init__(self) -> None:
        if not 0.0 < self.near < self.far < math.inf:
            raise ValueError(f'nominal depths need 0 < near < far metres, got near={self.near}, '
                             f'far={self.far}')
        if self.unscaled not in UNSCALED:
            raise ValueError(f'unscaled must be one of {", ".join(UNSCALED)}, got '
                             f'{self.unscaled!r}')
        if not self.max_depth > 0.0:
            raise ValueError(f'max_depth must be more than 0 metres, got {self.max_depth}')
        for name in ('memory', 'timeout', 'max_sigma'):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f'{name} must be more than 0 and finite, got '
                                 f'{getattr(self, name)}')

"""How the depth node is: its diagnostics, scale and alignment, now and over the last minutes."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

OK, WARN, ERROR, SILENT = 'OK', 'WARN', 'ERROR', 'SILENT'
LEVELS = (OK, WARN, ERROR, SILENT)  # by their number in diagnostic_msgs; STALE is SILENT here
# Without diagnostics for so long the node is silent, seconds; it sends them once a second.
_SILENCE = 4.0
# Samples that are kept, one a second.
_KEPT = 600
# What comes from the network is shown in part where it is longer.
_LONGEST, _MOST_VALUES, _MOST_STATUSES, _MOST_SOURCES = 300, 64, 16, 16


@dataclass(frozen=True)
class Status:
    """One diagnostic status: `name` (what it is of), level (of LEVELS), message and values."""

    name: str
    level: str
    message: str
    values: Mapping[str, str] = field(default_factory=dict)


class Telemetry:
    """Keeps what the depth node says of itself; may be used from several threads.

    A sample holds, each null where not known: t (seconds since the view began), rate_in, rate_out
    (images per second), latency_p50, latency_p95 (ms), drops (images lost per second), compute
    (ms), window_scale (factor on raw disparity), metric_scale (1/m per unit of disparity) and
    sigma (relative, of depth).

    Parameters
    ----------
    node:
        whose telemetry it is; shown.

    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._lock = Lock()
        self._began = time.monotonic()
        self._heard: float | None = None
        self._statuses: list[Status] = []
        self._lost: tuple[float, float] | None = None  # when, how many until then
        self._scale: dict[str, Any] = {}
        self._alignment: dict[str, Any] = {}
        self._camera: dict[str, Any] = {}
        self._samples: deque[dict[str, float | None]] = deque(maxlen=_KEPT)

    def hear(self, statuses: Iterable[Status]) -> None:
        """Take the node's statuses, and a sample."""
        now = time.monotonic()
        cut = [Status(_cut(one.name), one.level, _cut(one.message),
                      {_cut(key): _cut(value)
                       for key, value in list(one.values.items())[:_MOST_VALUES]})
               for one in list(statuses)[:_MOST_STATUSES]]
        with self._lock:
            self._heard, self._statuses = now, cut
            numbers = {key: _number(value) for one in cut if one.name == 'depth'
                       for key, value in one.values.items()}
            lost = sum(value for key, value in numbers.items()
                       if key.startswith('dropped_') and value is not None)
            then, before = self._lost or (now, lost)
            self._lost = (now, lost)
            # Fewer than before: the node has begun anew.
            drops = max(0.0, lost - before) / max(now - then, 0.1)
            self._samples.append({
                't': round(now - self._began, 2), 'rate_in': numbers.get('rate_in'),
                'rate_out': numbers.get('rate_out'), 'drops': round(drops, 2) if numbers else None,
                'latency_p50': numbers.get('latency_p50_ms'),
                'latency_p95': numbers.get('latency_p95_ms'),
                'compute': numbers.get('compute_ms'),
                'window_scale': self._alignment.get('scale'),
                'metric_scale': self._scale.get('scale'),
                'sigma': self._scale.get('relative_sigma'),
            })

    def align(self, **alignment: Any) -> None:
        """Take the fields of a WindowAlignment."""
        with self._lock:
            self._alignment = alignment

    def scale(self, sources: Sequence[Mapping[str, Any]], **scale: Any) -> None:
        """Take the fields of a MetricScale."""
        kept = [{key: _cut(value) if isinstance(value, str) else value
                 for key, value in source.items()} for source in sources[:_MOST_SOURCES]]
        with self._lock:
            self._scale = {**scale, 'reason': _cut(str(scale.get('reason', ''))), 'sources': kept}

    def camera(self, frame_id: str, **intrinsics: float) -> None:
        """Take the frame and the intrinsics (width, height, fx, fy, cx, cy) of the depth image."""
        with self._lock:
            self._camera = {'frame_id': _cut(frame_id), **intrinsics}

    def state(self) -> dict[str, Any]:
        """All that is known now, ready for JSON but for numbers that are not finite."""
        with self._lock:
            level, message = self._level()
            return {
                'node': self._node, 'level': level, 'message': message,
                'statuses': [asdict(one) for one in self._statuses],
                'scale': self._scale, 'alignment': self._alignment, 'camera': self._camera,
            }

    def samples(self, count: int = _KEPT) -> list[dict[str, float | None]]:
        """The last samples, oldest first."""
        with self._lock:
            return list(self._samples)[-count:]

    def pause(self) -> None:
        """Nobody looks on: what is known will be old when somebody does."""
        with self._lock:
            self._heard, self._lost, self._statuses = None, None, []
            self._scale, self._alignment, self._camera = {}, {}, {}

    def _level(self) -> tuple[str, str]:
        if self._heard is None:
            return SILENT, f'no diagnostics of {self._node} yet'
        silence = time.monotonic() - self._heard
        if silence > _SILENCE:
            return SILENT, f'no diagnostics of {self._node} for {silence:.0f} s'
        worst = max(self._statuses, default=None,
                    key=lambda one: (LEVELS.index(one.level), one.name == 'depth'))
        return (worst.level, worst.message) if worst else (SILENT, f'{self._node} says nothing')


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST - 1] + '…'

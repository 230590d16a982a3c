"""Follows the scale of the published depth: log lines where it changes, and its diagnostics."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from dvd_ros.scale import ScaleConfig, ScaleState
from dvd_ros.stream import DepthFrame

# At most one line of a kind in so many seconds.
_THROTTLE = 5.0
_CONTRADICTS = 'contradicts'
# A source whose last usable reading is older (s) is told of, though its estimate may still count:
# most have several a second, and one that misses a frame now and then is sound.
_PATIENCE = 2.0


class ScaleWatch:
    """Sees every depth frame, and tells when it becomes metric, when not any more, and why.

    Parameters
    ----------
    log:
        of the node.
    config:
        by which disparity becomes metres, and what depth is while they are not known; `config`
        may be set at any time.

    """

    def __init__(self, log: Any, config: ScaleConfig) -> None:
        self._log = log
        self.config = config
        self._newest: DepthFrame | None = None
        self._contradicting: set[str] = set()
        self._cuts = 0

    def start(self, sources: tuple[str, ...]) -> None:
        """One line on where the metres are to come from."""
        if sources:
            until = 'withheld (NaN)' if self.config.unscaled == 'withhold' else 'nominal'
            self._log.info(f'metres will come from {", ".join(sources)}; until then depth is '
                           f'{until} (parameter unscaled)')
        else:
            near, far = self.config.near, self.config.far
            self._log.info(f'metres are nominal, not measured: disparity 1 is taken as {near} m '
                           f'and disparity 0 as {far} m (parameters near, far; to have them '
                           'measured: scale_sources)')

    def take(self, done: DepthFrame) -> None:
        """See the next frame, in order."""
        before, self._newest = self._newest, done
        if before is None or before.segment != done.segment:
            self._cuts += done.alignment.cut
        was, now = before is not None and before.scale.metric, done.scale
        if now.metric and not was:
            used = ', '.join(source.name for source in now.sources if source.used)
            self._log.info(f'depth is metric, by {used}: known to '
                           f'{100 * now.relative_sigma:.1f} % (segment {done.segment})',
                           throttle_duration_sec=_THROTTLE)
        elif was and not now.metric:
            why = now.reason
            if before is not None and before.segment != done.segment:
                why = f'segment {done.segment} begins, whose scale is not known yet'
            self._log.warning(f'depth is not metric any more: {why}',
                              throttle_duration_sec=_THROTTLE)
        self._tell_contradictions(now)

    def _tell_contradictions(self, now: ScaleState) -> None:
        there = {source.name: source.status for source in now.sources
                 if source.status.startswith(_CONTRADICTS)}
        for name in there.keys() - self._contradicting:
            self._log.warning(f'source {name} of metres {there[name]} and is left out',
                              throttle_duration_sec=_THROTTLE)
        self._contradicting = set(there)

    def status(self, node: str, hardware_id: str) -> DiagnosticStatus:
        """The state at the newest frame, named `NODE: scale`.

        OK where depth is metric and every source counts, WARN where it is not metric or a source
        does not count or has had no usable reading for 2 s, ERROR where a source contradicts the
        others: one of them is wrong, and nobody but the user can tell which. The message names the
        cause.

        Keys: metric, segment, cuts, a, b (1/m), relative_sigma, and source_NAME for each source:
        its status. It may be called from another thread than `take`.
        """
        status = DiagnosticStatus(name=f'{node}: scale', hardware_id=hardware_id,
                                  level=DiagnosticStatus.WARN, message='no depth yet')
        done = self._newest
        if done is None:
            return status
        scale = done.scale
        idle = [source for source in scale.sources if not source.used
                or (source.age > _PATIENCE and not source.status.startswith('ok'))]
        if not scale.metric:
            status.message = f'{self._kind(scale)}: {scale.reason}'
        elif idle:
            causes = '; '.join(f'{source.name}: {source.status}' for source in idle)
            status.message = f'metric, but {causes}'
        else:
            status.level, status.message = DiagnosticStatus.OK, 'metric'
        if any(source.status.startswith(_CONTRADICTS) for source in scale.sources):
            status.level = DiagnosticStatus.ERROR
        values = {
            'metric': scale.metric, 'segment': done.segment, 'cuts': self._cuts,
            'a': f'{scale.a:.6g}', 'b': f'{scale.b:.6g}',
            'relative_sigma': f'{scale.relative_sigma:.4g}',
            **{f'source_{source.name}': source.status for source in scale.sources},
        }
        status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        return status

    def _kind(self, scale: ScaleState) -> str:
        """What depth is while it is not metric."""
        if self.config.unscaled == 'withhold':
            return 'depth is withheld (NaN)'
        return 'depth is nominal' if scale.nominal else 'depth is by the last scale known'

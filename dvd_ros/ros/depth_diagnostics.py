"""Once a second on /diagnostics: what became of the images, how fast, and whether in metres."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType

from dvd_ros.ros.depth_parameters import HealthConfig
from dvd_ros.ros.depth_pipeline import DepthPipeline
from dvd_ros.ros.gpu_memory import gpu_memory

_OK, _WARN, _ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
_Complaint = tuple[bytes, str]  # level, why


class DepthDiagnostics:
    """Publishes three statuses, whatever state the node is in.

    `NODE: depth`, all numbers: received, unheard (images while nobody listened), published,
    in_work (waiting, or in a window that is not yet complete), rate_in and rate_out (per second),
    windows, segment, stride (new frames per window now), compute_ms (newest run of the network),
    latency_p50_ms and latency_p95_ms (stamp to publication, last 300 frames; absent where stamps
    are of another clock), and one dropped_CAUSE for each cause: too_slow, unreadable, restart,
    inactive, and those of DepthStream. received = unheard + published + in_work + sum of dropped.

    `NODE: model`: state (of the lifecycle), model, backend, faults, restarts, gpu_memory_mb and
    gpu_memory_total_mb (on a GPU). ERROR where it could not be configured or has failed.

    `NODE: scale` is the ScaleWatch's.

    Parameters
    ----------
    node:
        the node.
    pipeline:
        gives the pipeline, None where there is none.
    state:
        gives the name of the node's lifecycle state, and why it could not be configured ('').
    health:
        from where on to warn; it may be set at any time.

    """

    def __init__(self, node: Any, pipeline: Callable[[], DepthPipeline | None],
                 state: Callable[[], tuple[str, str]], health: HealthConfig) -> None:
        self.health = health
        self._node = node
        self._pipeline = pipeline
        self._state = state
        self._before: tuple[DepthPipeline, float, int, int, int] | None = None
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # Of its own clock: with simulated time that stands still it shall be heard, too.
        self._timer = node.create_timer(1.0, self.publish,
                                        clock=Clock(clock_type=ClockType.STEADY_TIME))

    def publish(self) -> None:
        """Publish the present state."""
        pipeline = self._pipeline()
        statuses = [self._model(pipeline)]
        if pipeline is not None:
            name = self._node.get_fully_qualified_name()
            statuses = [self._depth(pipeline), *statuses,
                        pipeline.scale.status(name, pipeline.regressor.name)]
        array = DiagnosticArray(status=statuses)
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _depth(self, pipeline: DepthPipeline) -> DiagnosticStatus:
        traffic, progress = pipeline.traffic, pipeline.progress
        dropped = pipeline.dropped()
        now, lost = time.monotonic(), sum(dropped.values())
        before = self._before
        if before is None or before[0] is not pipeline:
            before = (pipeline, now - 1.0, 0, 0, 0)
        self._before = (pipeline, now, traffic.received, progress.published, lost)
        _, then, received, published, lost_before = before
        seconds = max(now - then, 1e-3)
        values: dict[str, Any] = {
            'received': traffic.received,
            'unheard': traffic.unheard,
            'published': progress.published,
            'in_work': pipeline.in_work(),
            'rate_in': round((traffic.received - received) / seconds, 2),
            'rate_out': round((progress.published - published) / seconds, 2),
            'windows': progress.windows,
            'segment': progress.segment,
            'stride': progress.stride,
            'compute_ms': round(1e3 * progress.compute_seconds, 1),
            **{f'dropped_{cause}': count for cause, count in dropped.items()},
        }
        latency = traffic.latency()
        if latency is not None:
            values |= {'latency_p50_ms': round(1e3 * latency[0], 1),
                       'latency_p95_ms': round(1e3 * latency[1], 1)}
        complaints = self._complaints(pipeline, now, latency, lost - lost_before,
                                      traffic.received - received)
        fine = 'nobody listens' if traffic.unheard and traffic.unheard == traffic.received else \
            'running' if traffic.received else 'no image yet'
        return self._status('depth', pipeline.regressor.name, values, complaints,
                            fine if pipeline.worker is not None else 'not active')

    def _complaints(self, pipeline: DepthPipeline, now: float,
                    latency: tuple[float, float] | None, lost: int,
                    received: int) -> list[_Complaint]:
        health = self.health
        found: list[_Complaint] = []
        if pipeline.worker is None:
            return found
        if pipeline.progress.fault:
            found.append((_ERROR, f'the network failed: {pipeline.progress.fault}'))
        if lost > 0:
            share = lost / max(received, lost)
            level = _ERROR if share > health.error_dropped else \
                _WARN if share > health.warn_dropped else _OK
            found.append((level, f'{lost} images dropped in the last second'))
        if pipeline.traffic.last_image is not None:
            found += _beyond(now - pipeline.traffic.last_image, health.warn_silence,
                             health.error_silence, 'no image for {:.1f} s')
        if latency is not None:
            found += _beyond(latency[1], health.warn_latency, health.error_latency,
                             'depth comes {:.2f} s after its image')
        return found

    def _model(self, pipeline: DepthPipeline | None) -> DiagnosticStatus:
        state, trouble = self._state()
        values: dict[str, Any] = {'state': state}
        complaints: list[_Complaint] = [(_ERROR, trouble)] if trouble else []
        name = ''
        if pipeline is not None:
            regressor, progress = pipeline.regressor, pipeline.progress
            name = regressor.name
            network = getattr(regressor, 'network', regressor)  # the one that several share
            backend = type(network).__module__.rsplit('.', 1)[-1].removesuffix('_backend')
            values |= {'model': name, 'backend': backend, 'faults': progress.faults,
                       'restarts': pipeline.recovery.restarts}
            memory = gpu_memory()
            if memory is not None:
                values |= {'gpu_memory_mb': round(memory[0]),
                           'gpu_memory_total_mb': round(memory[1])}
            if progress.fault:
                complaints.append((_ERROR, progress.fault))
        return self._status('model', name, values, complaints, state)

    def _status(self, what: str, hardware_id: str, values: dict[str, Any],
                complaints: list[_Complaint], fine: str) -> DiagnosticStatus:
        """A status of the worst level of the complaints; the worst ones come first."""
        complaints = sorted((one for one in complaints if one[0] != _OK), reverse=True,
                            key=lambda one: one[0])
        return DiagnosticStatus(
            name=f'{self._node.get_fully_qualified_name()}: {what}', hardware_id=hardware_id,
            level=complaints[0][0] if complaints else _OK,
            message='; '.join(why for _, why in complaints) or fine,
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()])


def _beyond(value: float, warn: float, error: float, text: str) -> list[_Complaint]:
    """The complaint about a value beyond a threshold, if it is; a threshold of 0 is none."""
    level = _ERROR if error and value > error else _WARN if warn and value > warn else _OK
    return [(level, text.format(value))]

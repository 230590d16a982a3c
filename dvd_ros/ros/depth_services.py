"""The services of the depth node: reset the stream, set its metric scale, save a snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from threading import Thread
from typing import Any

import rclpy.task
from rclpy.callback_groups import ReentrantCallbackGroup
from std_srvs.srv import Trigger

from dvd_ros.ros.depth_pipeline import DepthPipeline
from dvd_ros.ros.given_scale import give_distance, give_factor
from dvd_ros.ros.snapshot import SnapshotError, save_snapshot
from dvd_ros.srv import SetMetricScale

# Depth that is older is not what a snapshot is to show; how long newer may take, seconds.
_FRESH, _PATIENCE = 1.0, 10.0
_INACTIVE = 'the node is not active'


class DepthServices:
    """`~/reset`, `~/set_metric_scale` and `~/snapshot`; they answer when all is done.

    The stream is changed by its worker, between two windows; files are written by a thread of
    their own. Neither keeps the node from receiving images.

    Parameters
    ----------
    node:
        the node.
    pipeline:
        gives the pipeline, None where there is none.
    folder, limit:
        as the parameters snapshot_folder and snapshot_limit.

    """

    def __init__(self, node: Any, pipeline: Callable[[], DepthPipeline | None], folder: str,
                 limit: int) -> None:
        self._node = node
        self._pipeline = pipeline
        self._folder, self._limit = folder, limit
        self._saving = False
        # Of a group of their own: one that waits for its answer holds up nothing else.
        group = ReentrantCallbackGroup()
        for kind, name, callback in (
            (Trigger, '~/reset', self._on_reset),
            (SetMetricScale, '~/set_metric_scale', self._on_set_metric_scale),
            (Trigger, '~/snapshot', self._on_snapshot),
        ):
            node.create_service(kind, name, callback, callback_group=group)

    async def _on_reset(self, request: Any, response: Any) -> Any:  # noqa: ARG002
        pipeline = self._pipeline()
        worker = pipeline.worker if pipeline else None
        if worker is None:
            return _answer(response, _INACTIVE)
        return _answer(response, *await self._result(
            worker.do(worker.reset), lambda _: 'the next image begins a new segment'))

    async def _on_set_metric_scale(self, request: Any, response: Any) -> Any:
        pipeline = self._pipeline()
        worker = pipeline.worker if pipeline else None
        if pipeline is None or worker is None:
            return _answer(response, _INACTIVE)
        newest, stream = pipeline.newest, pipeline.stream

        def set_it() -> tuple[float, float]:
            if request.mode == SetMetricScale.Request.CLEAR:
                stream.scale.give(None)
                return stream.scale.line
            if newest is None or newest[1].segment != stream.segment:
                raise ValueError('no depth yet that it could be about; somebody has to listen to '
                                 'it, or parameter lazy be false')
            if request.mode == SetMetricScale.Request.DISTANCE:
                return give_distance(stream.scale, newest[1], request.value, request.x, request.y)
            if request.mode == SetMetricScale.Request.FACTOR:
                return give_factor(stream.scale, newest[1], request.value)
            raise ValueError(f'mode must be DISTANCE, FACTOR or CLEAR (0, 1, 2), got '
                             f'{request.mode}')

        def told(line: tuple[float, float]) -> str:
            response.scale, response.offset = map(float, line)
            return f'1/Z = {line[0]:.4g} * disparity + {line[1]:.4g} until the segment ends'

        return _answer(response, *await self._result(worker.do(set_it), told))

    async def _on_snapshot(self, request: Any, response: Any) -> Any:  # noqa: ARG002
        pipeline = self._pipeline()
        if pipeline is None or pipeline.worker is None:
            return _answer(response, _INACTIVE)
        if self._saving:
            return _answer(response, 'a snapshot is being saved already')
        self._saving = True
        future: Future = Future()
        Thread(target=self._save, args=(pipeline, future), name='snapshot', daemon=True).start()
        try:
            return _answer(response, *await self._result(future, str))
        finally:
            self._saving = False

    def _save(self, pipeline: DepthPipeline, future: Future) -> None:
        """Runs in a thread of its own."""
        asked = time.monotonic()
        pipeline.want(_PATIENCE)
        try:
            while (newest := pipeline.newest) is None or newest[0] < asked - _FRESH:
                if time.monotonic() > asked + _PATIENCE or pipeline.worker is None:
                    raise SnapshotError(f'no depth within {_PATIENCE:.0f} s; do images come?')
                time.sleep(0.02)
            future.set_result(save_snapshot(newest[1], pipeline.hfov, self._folder, self._limit))
        except Exception as error:  # noqa: BLE001 (whatever it is, the caller is told)
            future.set_exception(error)

    async def _result(self, future: Future,
                      told: Callable[[Any], str]) -> tuple[str, bool]:
        """What to answer, and whether it went well, once a future of another thread is done."""
        executor = self._node.executor
        waiting = rclpy.task.Future(executor=executor)

        def done(_: Future) -> None:
            waiting.set_result(None)
            executor.wake()

        future.add_done_callback(done)
        await waiting
        try:
            return told(future.result()), True
        except CancelledError:
            return _INACTIVE, False
        except (ValueError, SnapshotError) as error:
            return str(error), False
        except Exception as error:  # noqa: BLE001 (a fault in a service ends no node)
            self._node.get_logger().error(f'a service failed: {type(error).__name__}: {error}')
            return f'{type(error).__name__}: {error}', False


def _answer(response: Any, message: str, success: bool = False) -> Any:
    response.message, response.success = message, success
    return response

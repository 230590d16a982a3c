"""depth_node: images in, and what measures metres; depth images, clouds and the like out."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.utilities import get_rmw_implementation_identifier

from dvd_ros.messages.output_config import OutputConfig
from dvd_ros.regressor import load_regressor
from dvd_ros.ros.depth_diagnostics import DepthDiagnostics
from dvd_ros.ros.depth_parameters import CameraConfig, DepthNodeConfig, HealthConfig
from dvd_ros.ros.depth_pipeline import DepthPipeline, Settings
from dvd_ros.ros.depth_services import DepthServices
from dvd_ros.ros.node_parameters import NodeParameters
from dvd_ros.ros.run_node import run_node
from dvd_ros.ros.scale_parameters import ScaleParameters
from dvd_ros.ros.transports import transport_warning
from dvd_ros.scale import ScaleConfig
from dvd_ros.stream import StreamConfig

# Each field of these is a parameter.
CONFIGS = (StreamConfig, ScaleConfig, DepthNodeConfig, CameraConfig, OutputConfig, HealthConfig,
           ScaleParameters)
# How long the end of the process waits for the window that is being computed, seconds.
_STOP = 3.0


class DepthNode(LifecycleNode):
    """Subscribes `image` and `camera_info`, publishes under `dvd/` (see DepthOutputs).

    A managed node. To configure it loads the model and advertises the topics, or fails, which the
    log explains; to activate it subscribes and computes; to deactivate it does neither and drops
    what waits; to clean up it releases all. With `autostart`, the default, it does the first two
    by itself. Services: see DepthServices.

    The subscriptions are best effort (they match any publisher). Parameters are the fields of
    StreamConfig, ScaleConfig, ScaleParameters and of the configs in depth_parameters; what is
    asked for by ScaleParameters is subscribed, too (see ScaleInputs).

    Parameters
    ----------
    namespace:
        of the node, '' for that of the process.
    load:
        called in place of load_regressor, where it is given.

    Raises
    ------
    ValueError, rclpy.exceptions.ParameterException
        a parameter of the wrong type or out of its range.

    """

    def __init__(self, namespace: str = '', load: Callable[..., Any] | None = None) -> None:
        super().__init__('depth_node', namespace=namespace or None)
        self._load = load or load_regressor
        self._pipeline: DepthPipeline | None = None
        self._phase = 'unconfigured'
        self._trouble = ''
        self._own_parameters = NodeParameters(
            self, CONFIGS, unconfigured=lambda: self._phase == 'unconfigured',
            apply=self._apply)
        # They are checked against each other where the node is configured.
        own = {name: self.get_parameter(name).value
               for name in ('autostart', 'snapshot_folder', 'snapshot_limit')}
        self._autostart = own['autostart']
        self._diagnostics = DepthDiagnostics(
            self, lambda: self._pipeline, lambda: (self._phase, self._trouble), HealthConfig())
        self._depth_services = DepthServices(self, lambda: self._pipeline, own['snapshot_folder'],
                                       own['snapshot_limit'])

    def run(self) -> int:
        """Spin until the context is shut down; 1 where it cannot start or the worker died."""
        return spin([self])

    def begin(self) -> bool:
        """Configure and activate, unless that is left to others; whether it succeeded."""
        if not self._autostart:
            self.get_logger().info('waiting to be configured (parameter autostart is false)')
            return True
        return all(step() == TransitionCallbackReturn.SUCCESS
                   for step in (self.trigger_configure, self.trigger_activate))

    def alive(self) -> bool:
        """Whether the worker, where there is one, still runs."""
        worker = self._pipeline.worker if self._pipeline else None
        return worker is None or worker.is_alive()

    def stop(self) -> bool:
        """End the worker and destroy the node; False if the worker is still computing."""
        stopped = self._pipeline is None or self._pipeline.stop(_STOP)
        self.destroy_node()
        return stopped

    def on_configure(self, state: Any) -> TransitionCallbackReturn:  # noqa: ARG002
        """Load the model, advertise; FAILURE, with the reason in the log, where that cannot be."""
        return self._attempt('configure', self._configure, 'inactive')

    def on_activate(self, state: Any) -> TransitionCallbackReturn:  # noqa: ARG002
        """Subscribe and compute."""
        return self._attempt('activate', self._made().start, 'active')

    def on_deactivate(self, state: Any) -> TransitionCallbackReturn:  # noqa: ARG002
        """Compute no more; waits for the window that is under way."""
        return self._attempt('deactivate', self._made().stop, 'inactive')

    def on_cleanup(self, state: Any) -> TransitionCallbackReturn:  # noqa: ARG002
        """Release the model and all topics."""
        return self._attempt('clean up', self._release, 'unconfigured')

    def on_shutdown(self, state: Any) -> TransitionCallbackReturn:  # noqa: ARG002
        """Release all, for good."""
        return self._attempt('shut down', self._release, 'finalized')

    def on_error(self, state: Any) -> TransitionCallbackReturn:  # noqa: ARG002
        """Release all; the node can be configured again."""
        return self._attempt('recover', self._release, 'unconfigured')

    def _attempt(self, what: str, action: Any, state: str) -> TransitionCallbackReturn:
        """Do a transition's work; rclpy itself would swallow what goes wrong."""
        try:
            action()
        except (ValueError, OSError, ImportError) as error:
            self._trouble = f'cannot {what}: {error}'
            self.get_logger().error(self._trouble)
            return TransitionCallbackReturn.FAILURE
        except Exception as error:  # noqa: BLE001 (the state machine has a state for it)
            self._trouble = f'cannot {what}: {type(error).__name__}: {error}'
            self.get_logger().error(f'{self._trouble}\n{traceback.format_exc()}')
            return TransitionCallbackReturn.ERROR
        self._phase = state
        if state in ('inactive', 'active'):
            self._trouble = ''
        return TransitionCallbackReturn.SUCCESS

    def _made(self) -> DepthPipeline:
        assert self._pipeline is not None  # the state machine sees to it
        return self._pipeline

    def _configure(self) -> None:
        read = self._own_parameters.read
        self._diagnostics.health = read(HealthConfig)
        settings = Settings(stream=read(StreamConfig), scale=read(ScaleConfig),
                            node=read(DepthNodeConfig), camera=read(CameraConfig),
                            output=read(OutputConfig), sources=read(ScaleParameters))
        node, window = settings.node, settings.stream.window
        if warning := transport_warning(get_rmw_implementation_identifier(), os.environ):
            self.get_logger().warning(warning)
        self.get_logger().info(f"loading model '{node.model}' ...")
        self._pipeline = DepthPipeline(self, settings, lambda: self._load(
            node.model, backend=node.backend, device=node.device, window=window,
            codec=node.codec))

    def _release(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.stop()
            pipeline.close()

    def _apply(self, configs: list[Any]) -> None:
        """Take parameters that have changed."""
        for config in configs:
            if isinstance(config, HealthConfig):
                self._diagnostics.health = config
            if self._pipeline is not None:
                self._pipeline.change(config)


def spin(nodes: Sequence[DepthNode]) -> int:
    """Start nodes and spin them in this thread; as DepthNode.run."""
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    if not all(node.begin() for node in nodes):
        return 1
    while rclpy.ok():
        executor.spin_once(timeout_sec=1.0)
        for node in nodes:
            if not node.alive():
                node.get_logger().fatal('the worker thread ended; see the traceback above')
                return 1
    return 0


def main(args: list[str] | None = None) -> int:
    """Run the node as a process; the exit status."""
    # Depth comes in bursts, a window at a time: Fast DDS shall send them from a thread of its own.
    os.environ.setdefault('RMW_FASTRTPS_PUBLICATION_MODE', 'ASYNCHRONOUS')
    return run_node(DepthNode, 'depth_node', args)


if __name__ == '__main__':
    raise SystemExit(main())

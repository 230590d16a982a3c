"""Runs one node as a process: clean ends on SIGINT and SIGTERM, one clear line on a bad start."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Protocol

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.logging import get_logger

from dvd_ros.ros.free_memory import share_one_heap


class Runnable(Protocol):
    """A node with its own main loop."""

    def run(self) -> int:
        """Work until done or the context is shut down; the exit status."""

    def stop(self) -> bool:
        """End threads and destroy the node; False where a thread could not be ended in time."""


def run_node(make: Callable[[], Runnable], name: str, args: list[str] | None = None) -> int:
    """Initialise ROS 2, make the node, run it and clean up; the exit status of the process.

    0 when it ended by itself or by SIGINT, SIGTERM or a shutdown of the context; 1, with one line
    in the log, where the node could not start for a reason that its user can mend (ValueError,
    OSError, ImportError, a parameter of the wrong type).
    """
    status = 0
    stopped = True
    node = None
    try:
        share_one_heap()
        rclpy.init(args=args)
        node = make()
        status = node.run()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (ValueError, OSError, ImportError, ParameterException) as error:
        get_logger(name).fatal(str(error))
        status = 1
    except Exception:
        # A context that a signal shut down makes whatever was under way fail somehow.
        if rclpy.ok():
            raise
    finally:
        # A second Ctrl-C must not break off the cleaning up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if node is not None:
            stopped = node.stop()
        rclpy.try_shutdown()
    if not stopped:
        # Ending the interpreter under a thread that computes could crash, which would look like a
        # failure of the node.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status

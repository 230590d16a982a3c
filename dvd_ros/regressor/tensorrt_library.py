"""TensorRT itself: importing it, its messages, and starting it only where a GPU was found."""

from __future__ import annotations

import logging
from functools import lru_cache
from types import ModuleType
from typing import Any

from dvd_ros.regressor.cuda_device import CudaError, Device

_log = logging.getLogger(__name__)
# First and last major version whose Python API this package was written for.
_MAJORS = (10, 11)


def import_tensorrt() -> ModuleType:
    """Import TensorRT's bindings; ImportError where they are missing or of an unknown version."""
    try:
        import tensorrt
    except ImportError as error:
        raise ImportError('the tensorrt backend needs TensorRT: pip install tensorrt (on a Jetson '
                          'it comes with JetPack: apt install python3-libnvinfer)') from error
    major = major_version(tensorrt)
    if not _MAJORS[0] <= major <= _MAJORS[1]:
        raise ImportError(f'TensorRT {tensorrt.__version__} is not known to this package, which '
                          f"takes {_MAJORS[0]}.x and {_MAJORS[1]}.x: pip install "
                          f"'tensorrt>={_MAJORS[0]},<{_MAJORS[1] + 1}'")
    return tensorrt


def major_version(tensorrt: ModuleType) -> int:
    """10 for '10.3.0'."""
    return int(tensorrt.__version__.split('.')[0])


@lru_cache(maxsize=4)
def logger_of(tensorrt: ModuleType) -> Any:
    """
    Give the one logger of this process, which TensorRT keeps for good.

    What TensorRT says goes to `logging`; `last_words` gives its latest error, because its own
    calls say no more than None or False.
    """

    class Logger(tensorrt.ILogger):  # type: ignore[name-defined]
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, msg: str) -> None:
            levels = {'INTERNAL_ERROR': logging.ERROR, 'ERROR': logging.ERROR,
                      'WARNING': logging.WARNING, 'INFO': logging.DEBUG}
            level = levels.get(severity.name)
            if level is None:  # VERBOSE: thousands of lines in a build
                return
            if level == logging.ERROR:
                self.errors[:] = [*self.errors[-4:], msg]
            _log.log(level, 'TensorRT: %s', msg)

        def last_words(self) -> str:
            words = '; '.join(self.errors) or 'it gave no reason'
            self.errors.clear()
            return words

    return Logger()


def start_runtime(tensorrt: ModuleType, device: Device) -> Any:
    """
    Make a trt.Runtime for a device that was found.

    The device is asked for because a Runtime made where there is no driver logs an error and
    then ends the process with a segmentation fault at exit (seen with TensorRT 11.4).
    Raises CudaError where it does not start.
    """
    return _start(tensorrt, 'Runtime', device)


def start_builder(tensorrt: ModuleType, device: Device) -> Any:
    """Make a trt.Builder, as `start_runtime` makes a Runtime."""
    return _start(tensorrt, 'Builder', device)


def _start(tensorrt: ModuleType, kind: str, device: Device) -> Any:
    device.make_current()
    logger = logger_of(tensorrt)
    try:
        return getattr(tensorrt, kind)(logger)
    except TypeError as error:  # how the bindings tell that they were given a null pointer
        raise CudaError(f'TensorRT {tensorrt.__version__} made no {kind} on {device.name}: '
                        f'{logger.last_words()}; is the driver new enough for it?') from error

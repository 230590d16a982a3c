"""
A GPU, its memory and its streams, as far as the TensorRT backend needs them.

This is a thin layer over `cuda.bindings.runtime` (package cuda-bindings), NVIDIA's own bindings.
Why not pycuda: its releases cannot capture a CUDA graph, it is built from source with nvcc, which
few robots have, and it works in a context that must be pushed and popped in every thread. The CUDA
runtime works in the device's primary context, which TensorRT and torch share; all that a thread
has to do is `Device.make_current`.
"""

from __future__ import annotations

import ctypes
import logging
import math
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)
_NO_DRIVER = ('no NVIDIA driver was found; install it (in a container: start it with --gpus all), '
              'or run with backend onnxruntime or torch')


class CudaError(OSError):
    """A call to the CUDA runtime failed; the message names CUDA's error and what to do."""


class CudaMemoryError(CudaError, MemoryError):
    """The GPU, or the host for pinned memory, has not enough memory left."""


def cuda_runtime() -> ModuleType:
    """Import the bindings; ImportError says what to install."""
    try:
        from cuda.bindings import runtime
    except ImportError as error:
        raise ImportError('the tensorrt backend needs cuda.bindings: pip install cuda-bindings, '
                          "of the major version of the driver's CUDA (nvidia-smi shows it)"
                          ) from error
    return runtime


def call(function: str, *arguments: Any) -> Any:
    """
    Call a function of the CUDA runtime by its name and give its result, or None.

    Raises CudaMemoryError for cudaErrorMemoryAllocation and CudaError for any other error.
    """
    runtime = cuda_runtime()
    try:
        code, *results = getattr(runtime, function)(*arguments)
    except RuntimeError as error:  # how cuda-bindings 12 tells that there is no libcuda
        raise CudaError(f'{function} failed ({error}): {_NO_DRIVER}') from error
    if code != runtime.cudaError_t.cudaSuccess:
        raise _error(runtime, function, code)
    return results[0] if len(results) == 1 else tuple(results) if results else None


def call_quietly(function: str, handle: Any) -> None:
    """
    Call what gives something back; failures are logged and no more.

    After a failure on the GPU every later call fails as well, and it is the first one that says
    what happened.
    """
    try:
        call(function, handle)
    except CudaError as error:
        _log.debug('%s', str(error))


def _error(runtime: ModuleType, function: str, code: Any) -> CudaError:
    name = runtime.cudaGetErrorName(code)[1].decode()
    words = runtime.cudaGetErrorString(code)[1].decode()
    what = f'{function} failed with {name} ({words})'
    if code == runtime.cudaError_t.cudaErrorMemoryAllocation:
        short = 'this machine' if function == 'cudaMallocHost' else 'the GPU'
        return CudaMemoryError(f'{what}: {short} has too little memory left; close what else uses '
                               'it, or export with a smaller --size or --window, or in fp16')
    if name in ('cudaErrorInsufficientDriver', 'cudaErrorNoDevice'):
        return CudaError(f'{what}: {_driver_advice(runtime)}')
    return CudaError(what)


def _driver_advice(runtime: ModuleType) -> str:
    driver, ours = runtime.cudaDriverGetVersion()[1], runtime.cudaRuntimeGetVersion()[1]
    if not driver:
        return _NO_DRIVER
    if driver // 1000 < ours // 1000:
        return (f'the driver knows CUDA {_dotted(driver)}, cuda-bindings is for {_dotted(ours)}; '
                f"update the driver, or pip install 'cuda-bindings<{driver // 1000 + 1}'")
    return ('the driver is there but sees no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES, or '
            'run with backend onnxruntime or torch')


def _dotted(version: int) -> str:
    return f'{version // 1000}.{version % 1000 // 10}'


def driver_sees_gpu() -> bool:
    """Whether NVIDIA's driver is there and has a GPU; needs no package and starts nothing on it."""
    try:
        driver = ctypes.CDLL('libcuda.so.1')
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 \
            and count.value > 0
    except (OSError, AttributeError):
        return False


class Device:
    """
    One GPU.

    index: CUDA's number of it. name: as 'Orin'. capability: as '8.7'.
    """

    def __init__(self, index: int = 0) -> None:
        """Find the device and start its context; CudaError where there is none of that index."""
        count = call('cudaGetDeviceCount')
        if not 0 <= index < count:
            raise CudaError(f'no GPU {index}: this machine shows {count}, numbered from 0')
        self.index = index
        properties = call('cudaGetDeviceProperties', index)
        self.name = properties.name.decode().rstrip('\0')
        self.capability = f'{properties.major}.{properties.minor}'
        self.make_current()

    def make_current(self) -> None:
        """Let the calling thread's CUDA calls go to this device."""
        call('cudaSetDevice', self.index)


def parse_device(device: str) -> int:
    """Index of 'auto', 'cuda' (both 0) or 'cuda:N'; ValueError for any other."""
    if device in ('auto', 'cuda'):
        return 0
    kind, _, index = device.partition(':')
    if kind != 'cuda' or not index.isdecimal():
        raise ValueError(f"device must be 'auto', 'cuda' or 'cuda:N' for TensorRT, got {device!r}")
    return int(index)


class DeviceBuffer:
    """Memory of the current device, `nbytes` from `address`."""

    def __init__(self, nbytes: int) -> None:
        """Allocate; CudaMemoryError where there is too little."""
        self.nbytes = nbytes
        self.address = int(call('cudaMalloc', nbytes))

    def close(self) -> None:
        """Free it."""
        call_quietly('cudaFree', self.address)


class PinnedArray:
    """A float32 array in host memory that the GPU copies from and to by itself."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        """Allocate; CudaMemoryError where there is too little."""
        self.nbytes = 4 * math.prod(shape)
        self.address = int(call('cudaMallocHost', self.nbytes))
        block = (ctypes.c_float * (self.nbytes // 4)).from_address(self.address)
        self.array: NDArray[np.float32] = np.ctypeslib.as_array(block).reshape(shape)

    def close(self) -> None:
        """Free it; the array must not be touched any more."""
        del self.array
        call_quietly('cudaFreeHost', self.address)


class Stream:
    """
    A stream of its own, on which nothing waits for CUDA's default stream or makes that wait.

    handle: for TensorRT.
    """

    def __init__(self) -> None:
        """Make it on the current device."""
        self._stream = call('cudaStreamCreateWithFlags', cuda_runtime().cudaStreamNonBlocking)
        self.handle = int(self._stream)

    def copy_in(self, source: PinnedArray, target: DeviceBuffer) -> None:
        """Put the copy of a whole array to the device in the stream."""
        kind = cuda_runtime().cudaMemcpyKind.cudaMemcpyHostToDevice
        call('cudaMemcpyAsync', target.address, source.address, source.nbytes, kind, self._stream)

    def copy_out(self, source: DeviceBuffer, target: PinnedArray) -> None:
        """Put the copy of a whole array from the device in the stream."""
        kind = cuda_runtime().cudaMemcpyKind.cudaMemcpyDeviceToHost
        call('cudaMemcpyAsync', target.address, source.address, target.nbytes, kind, self._stream)

    def synchronize(self) -> None:
        """Wait until all is done; what failed on the way raises CudaError here."""
        call('cudaStreamSynchronize', self._stream)

    def capture(self, work: Callable[[], None]) -> CudaGraph:
        """
        Record what `work` puts in this stream; nothing of it runs.

        Raises what `work` raises and CudaError where something in it cannot be recorded; the
        stream can be used as before either way.
        """
        runtime = cuda_runtime()
        # Thread local: what other threads allocate meanwhile (torch, another camera) does no harm.
        call('cudaStreamBeginCapture', self._stream,
             runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal)
        try:
            work()
        except BaseException:
            with suppress(CudaError):  # of a capture that is broken already
                call('cudaGraphDestroy', call('cudaStreamEndCapture', self._stream))
            runtime.cudaGetLastError()  # else the next call that asks would find it
            raise
        try:
            graph = call('cudaStreamEndCapture', self._stream)
        except CudaError:
            runtime.cudaGetLastError()
            raise
        try:
            return CudaGraph(call('cudaGraphInstantiate', graph, 0), self._stream)
        finally:
            call_quietly('cudaGraphDestroy', graph)

    def close(self) -> None:
        """Destroy it."""
        call_quietly('cudaStreamDestroy', self._stream)


class CudaGraph:
    """Recorded work that is launched as a whole; made by Stream.capture."""

    def __init__(self, executable: Any, stream: Any) -> None:
        self._executable, self._stream = executable, stream

    def launch(self) -> None:
        """Put the whole work in the stream."""
        call('cudaGraphLaunch', self._executable, self._stream)

    def close(self) -> None:
        """Destroy it."""
        call_quietly('cudaGraphExecDestroy', self._executable)

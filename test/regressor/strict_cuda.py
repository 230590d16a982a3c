"""
A stand-in for cuda.bindings.runtime that refuses what CUDA's documentation does not allow.

Memory is real memory of the host. Work in a stream is done when the stream is synchronised and
not before, so that whoever reads a result too early reads the old one. What is wrong use raises
Misuse; what may happen to correct use (no driver, no memory left) is returned as CUDA does.
"""

import enum
import sys
import threading
from types import ModuleType, SimpleNamespace

import numpy as np


class Misuse(AssertionError):
    """The documentation does not allow this."""


class Error(enum.IntEnum):
    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorMemoryAllocation = 2
    cudaErrorInsufficientDriver = 35
    cudaErrorNoDevice = 100
    cudaErrorInvalidDevice = 101
    cudaErrorIllegalAddress = 700
    cudaErrorStreamCaptureUnsupported = 900
    cudaErrorStreamCaptureInvalidated = 901


class Copy(enum.IntEnum):
    cudaMemcpyHostToHost = 0
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2


class Mode(enum.IntEnum):
    cudaStreamCaptureModeGlobal = 0
    cudaStreamCaptureModeThreadLocal = 1
    cudaStreamCaptureModeRelaxed = 2


class Handle:
    def __init__(self, kind, number):
        self.kind, self.number, self.alive, self.work = kind, number, True, []
        self.capture = None  # the work recorded so far
        self.broken = False
        self.thread = None

    def __int__(self):
        return self.number


def need(condition, words):
    if not condition:
        raise Misuse(words)


class StrictCuda(ModuleType):
    """One machine. Its fields may be set by a test: gpus, driver, memory, fail."""

    cudaError_t, cudaMemcpyKind, cudaStreamCaptureMode = Error, Copy, Mode
    cudaStreamNonBlocking = 1
    Misuse, need = Misuse, staticmethod(need)

    def __init__(self):
        super().__init__('cuda.bindings.runtime')
        self.gpus = [('Strict GPU', 8, 7)]
        self.driver = 13000
        self.memory = 1 << 30  # bytes of device memory left
        self.pinned = 1 << 30
        self.fail = {}  # function -> Error that its next call returns
        self.called = []
        self.launches = 0
        self._blocks, self._gone = {}, []  # address -> (array, kind)
        self._handles = {}
        self._current = {}  # thread -> device
        self._last = Error.cudaSuccess

    def install(self, monkeypatch):
        package, bindings = ModuleType('cuda'), ModuleType('cuda.bindings')
        package.bindings, bindings.runtime = bindings, self
        for module in (package, bindings, self):
            monkeypatch.setitem(sys.modules, module.__name__, module)

    # what the tests ask

    def live(self):
        """Names of all that was made and not freed."""
        return sorted([kind for _, kind in self._blocks.values()]
                      + [handle.kind for handle in self._handles.values() if handle.alive])

    # what the stand-in of TensorRT asks

    def check_current(self, what):
        need(threading.get_ident() in self._current, f'{what} in a thread without cudaSetDevice')

    def block(self, address, nbytes, kind):
        for start, (array, found) in self._blocks.items():
            if start <= address < start + array.nbytes:
                need(found == kind, f'{address:#x} is {found} memory, not {kind}')
                need(address + nbytes <= start + array.nbytes, f'{nbytes} bytes are beyond the end')
                return array[address - start:address - start + nbytes]
        raise Misuse(f'{address:#x} is no {kind} memory (freed, or never allocated)')

    def handle(self, value, kind):
        handle = value if isinstance(value, Handle) else self._handles.get(value)
        need(isinstance(handle, Handle) and handle.kind == kind, f'{value!r} is no {kind}')
        need(handle.alive, f'this {kind} was destroyed')
        return handle

    def enqueue(self, stream, work):
        need(not stream.broken, 'work in a stream whose capture is broken')
        (stream.work if stream.capture is None else stream.capture).append(work)

    # the API

    def _result(self, function, *values):
        self.called.append(function)
        error = self.fail.pop(function, Error.cudaSuccess)
        if not self.driver:
            error = Error.cudaErrorInsufficientDriver
        if error:
            self._last = error
            return (error, *(None for _ in values))
        return (error, *(value() for value in values))

    def _new(self, kind):
        handle = Handle(kind, 1000 + len(self._handles))
        self._handles[handle.number] = handle
        return handle

    def _destroy(self, function, value, kind):
        self.check_current(function)
        handle = self.handle(value, kind)
        need(handle.capture is None, f'{kind} destroyed while it captures')
        handle.alive = False
        return self._result(function)

    def cudaDriverGetVersion(self):
        return Error.cudaSuccess, self.driver

    def cudaRuntimeGetVersion(self):
        return Error.cudaSuccess, 13050

    def cudaGetErrorName(self, error):
        return Error.cudaSuccess, Error(error).name.encode()

    def cudaGetErrorString(self, error):
        return Error.cudaSuccess, f'words for {int(error)}'.encode()

    def cudaGetLastError(self):
        last, self._last = self._last, Error.cudaSuccess
        return (last,)

    def cudaGetDeviceCount(self):
        if self.driver is None:
            raise RuntimeError('Failed to dlopen libcuda.so.1')
        if self.driver and self.driver // 1000 < 13:
            return Error.cudaErrorInsufficientDriver, None
        if self.driver and not self.gpus:
            return Error.cudaErrorNoDevice, None
        return self._result('cudaGetDeviceCount', lambda: len(self.gpus))

    def cudaGetDeviceProperties(self, device):
        need(0 <= device < len(self.gpus), f'no device {device}')
        name, major, minor = self.gpus[device]
        return self._result('cudaGetDeviceProperties', lambda: SimpleNamespace(
            name=name.encode(), major=major, minor=minor))

    def cudaSetDevice(self, device):
        need(0 <= device < len(self.gpus), f'no device {device}')
        self._current[threading.get_ident()] = device
        return self._result('cudaSetDevice')

    def _allocate(self, function, kind, left, nbytes):
        need(isinstance(nbytes, int) and nbytes > 0, f'{nbytes!r} bytes')
        self.check_current(function)
        need(all(h.capture is None for h in self._handles.values()), f'{function} in a capture')
        if nbytes > getattr(self, left):
            self.fail[function] = Error.cudaErrorMemoryAllocation

        def make():
            setattr(self, left, getattr(self, left) - nbytes)
            array = np.full(nbytes, 0xcd, np.uint8)
            self._blocks[array.ctypes.data] = (array, kind)
            return array.ctypes.data

        return self._result(function, make)

    def cudaMalloc(self, size):
        return self._allocate('cudaMalloc', 'device', 'memory', size)

    def cudaMallocHost(self, size):
        return self._allocate('cudaMallocHost', 'pinned', 'pinned', size)

    def _release(self, function, address, kind):
        self.check_current(function)
        need(address in self._blocks, f'{function} of what is not allocated (any more)')
        array, found = self._blocks[address]
        need(found == kind, f'{function} of {found} memory')
        del self._blocks[address]
        self._gone.append(array)  # a use after this must meet Misuse, not a crash
        return self._result(function)

    def cudaFree(self, address):
        return self._release('cudaFree', address, 'device')

    def cudaFreeHost(self, address):
        return self._release('cudaFreeHost', address, 'pinned')

    def cudaStreamCreateWithFlags(self, flags):
        need(flags in (0, 1), f'flags {flags}')
        self.check_current('cudaStreamCreateWithFlags')
        return self._result('cudaStreamCreateWithFlags', lambda: self._new('stream'))

    def cudaStreamDestroy(self, stream):
        return self._destroy('cudaStreamDestroy', stream, 'stream')

    def cudaMemcpyAsync(self, dst, src, count, kind, stream):
        stream = self.handle(stream, 'stream')
        self.check_current('cudaMemcpyAsync')
        need(isinstance(kind, Copy), f'kind {kind!r} is no cudaMemcpyKind')
        ends = {Copy.cudaMemcpyHostToDevice: ('device', 'pinned'),
                Copy.cudaMemcpyDeviceToHost: ('pinned', 'device')}[kind]

        def work():
            self.block(dst, count, ends[0])[:] = self.block(src, count, ends[1])

        for address, end in zip((dst, src), ends, strict=True):
            self.block(address, count, end)
        result = self._result('cudaMemcpyAsync')
        if not result[0]:
            self.enqueue(stream, work)
        return result

    def cudaStreamSynchronize(self, stream):
        stream = self.handle(stream, 'stream')
        need(stream.capture is None, 'cudaStreamSynchronize in a capture')
        work, stream.work = stream.work, []
        for each in work:
            each()
        return self._result('cudaStreamSynchronize')

    def cudaStreamBeginCapture(self, stream, mode):
        stream = self.handle(stream, 'stream')
        need(isinstance(mode, Mode), f'mode {mode!r}')
        need(stream.capture is None, 'capture begun twice')
        result = self._result('cudaStreamBeginCapture')
        if not result[0]:
            stream.capture, stream.thread = [], threading.get_ident()
        return result

    def cudaStreamEndCapture(self, stream):
        stream = self.handle(stream, 'stream')
        need(stream.capture is not None, 'capture ended that was not begun')
        need(stream.thread == threading.get_ident(), 'capture ended in another thread')
        work, broken = stream.capture, stream.broken
        stream.capture, stream.broken = None, False
        if broken:
            self.fail['cudaStreamEndCapture'] = Error.cudaErrorStreamCaptureInvalidated

        def make():
            graph = self._new('graph')
            graph.work = work
            return graph

        return self._result('cudaStreamEndCapture', make)

    def cudaGraphInstantiate(self, graph, flags):
        graph = self.handle(graph, 'graph')
        need(flags == 0, f'flags {flags}')

        def make():
            executable = self._new('executable')
            executable.work = list(graph.work)
            return executable

        return self._result('cudaGraphInstantiate', make)

    def cudaGraphDestroy(self, graph):
        return self._destroy('cudaGraphDestroy', graph, 'graph')

    def cudaGraphExecDestroy(self, executable):
        return self._destroy('cudaGraphExecDestroy', executable, 'executable')

    def cudaGraphLaunch(self, executable, stream):
        executable = self.handle(executable, 'executable')
        self.check_current('cudaGraphLaunch')
        self.launches += 1
        result = self._result('cudaGraphLaunch')
        if not result[0]:
            self.enqueue(self.handle(stream, 'stream'), lambda: [e() for e in executable.work])
        return result

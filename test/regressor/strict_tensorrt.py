"""
A stand-in for TensorRT's Python API, 10.x or 11.x, that refuses what its documentation does.

Classes have the documented methods that dvd_ros could want and no others; wrong arguments and a
wrong order raise Misuse. An engine computes its ONNX graph with onnx's own reference in numpy.
The 11.x kind lacks what the migration guide lists as removed.
"""

import enum
import inspect
import json
from types import ModuleType

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

EXPLICIT_BATCH, STRONGLY_TYPED = 0, 1


def make(version, cuda):
    """Make a module `tensorrt` of a version for a StrictCuda."""
    major = int(version.split('.')[0])
    trt = ModuleType('tensorrt')
    trt.__version__ = version
    # Fields that a test may set.
    trt.spoil = None  # what a faulty build does to the decoder's output
    trt.build_error = trt.context_error = ''
    trt.refuse_capture = False
    trt.builds, trt.timing_in = [], []

    need = cuda.need

    class Strict:
        """pybind objects take no attributes that they do not have."""

        _settable = ()

        def __setattr__(self, name, value):
            if not name.startswith('_') and name not in self._settable:
                raise AttributeError(f'{type(self).__name__} has no attribute {name}')
            object.__setattr__(self, name, value)

    class ILogger:
        Severity = enum.IntEnum('Severity', 'INTERNAL_ERROR ERROR WARNING INFO VERBOSE', start=0)

        def __init__(self):
            self._made = True

    class Logger(ILogger):
        def log(self, severity, msg):
            print(severity.name, msg)

    def check_logger(logger):
        need(isinstance(logger, ILogger), f'{logger!r} is no ILogger')
        need(getattr(logger, '_made', False), 'ILogger.__init__ was not called')
        need(list(inspect.signature(logger.log).parameters) == ['severity', 'msg'], 'log(...)')
        return logger

    class TensorIOMode(enum.Enum):
        NONE, INPUT, OUTPUT = range(3)

    class DataType(enum.Enum):
        FLOAT, HALF, INT8, INT32 = range(4)

    class MemoryPoolType(enum.Enum):
        WORKSPACE, DLA_MANAGED_SRAM, TACTIC_DRAM = range(3)

    names = ['TF32', 'REFIT', 'DEBUG', 'GPU_FALLBACK']
    if major < 11:
        names += ['FP16', 'BF16', 'INT8', 'FP8', 'OBEY_PRECISION_CONSTRAINTS']
    BuilderFlag = enum.IntEnum('BuilderFlag', names, start=0)

    class NetworkDefinitionCreationFlag(enum.IntEnum):
        EXPLICIT_BATCH = EXPLICIT_BATCH
        STRONGLY_TYPED = STRONGLY_TYPED

    class HostMemory(Strict):
        def __init__(self, data):
            self._data = data

        nbytes = property(lambda self: len(self._data))

        def __bytes__(self):
            return self._data

    class Tensor(Strict):
        def __init__(self, value):
            self._value = value

        name = property(lambda self: self._value.name)
        shape = property(lambda self: Dims(shape_of(self._value)))

    class Dims:
        def __init__(self, shape):
            self._shape = shape

        def __len__(self):
            return len(self._shape)

        def __getitem__(self, at):
            return self._shape[at]

    def shape_of(value):
        return tuple(d.dim_value for d in value.type.tensor_type.shape.dim)

    class Network(Strict):
        def __init__(self):
            self._model = None

        def _ends(self):
            return ([], []) if self._model is None else (self._model.graph.input,
                                                         self._model.graph.output)

        num_inputs = property(lambda self: len(self._ends()[0]))
        num_outputs = property(lambda self: len(self._ends()[1]))

        def get_input(self, index):
            return Tensor(self._ends()[0][index])

        def get_output(self, index):
            return Tensor(self._ends()[1][index])

    class TimingCache(Strict):
        def __init__(self, data):
            self._data = data

        def serialize(self):
            return HostMemory(self._data)

    class BuilderConfig(Strict):
        _settable = ('builder_optimization_level',)

        def __init__(self):
            self._flags, self._pools, self._timing = {BuilderFlag.TF32}, {}, None
            self.builder_optimization_level = 3

        def set_memory_pool_limit(self, pool, pool_size):
            need(isinstance(pool, MemoryPoolType) and isinstance(pool_size, int), 'pool limit')
            self._pools[pool] = pool_size

        def clear_flag(self, flag):
            need(isinstance(flag, BuilderFlag), f'{flag!r} is no BuilderFlag')
            self._flags.discard(flag)

        def set_flag(self, flag):
            need(isinstance(flag, BuilderFlag), f'{flag!r} is no BuilderFlag')
            self._flags.add(flag)

        def create_timing_cache(self, serialized_timing_cache):
            need(isinstance(serialized_timing_cache, bytes), 'a timing cache is made from bytes')
            data = serialized_timing_cache
            return TimingCache(data) if not data or data.startswith(version.encode()) else None

        def set_timing_cache(self, cache, ignore_mismatch):
            need(isinstance(cache, TimingCache), f'{cache!r} is no timing cache')
            need(ignore_mismatch is False, 'timings of another GPU give wrong engines')
            self._timing = cache
            return True

        def get_timing_cache(self):
            return self._timing

    class Builder(Strict):
        def __init__(self, logger):
            cuda.check_current('Builder')
            self._logger = check_logger(logger)

        def create_network(self, flags=0):
            if major < 11:
                need(flags == 1 << STRONGLY_TYPED, f'flags {flags}: weakly typed')
            else:
                need(flags == 0, f'flags {flags}: all networks are strongly typed')
            return Network()

        def create_builder_config(self):
            return BuilderConfig()

        def build_serialized_network(self, network, config):
            need(isinstance(network, Network) and network._model is not None, 'an empty network')
            need(isinstance(config, BuilderConfig), 'no config')
            typed = {'FP16', 'BF16', 'INT8', 'FP8', 'OBEY_PRECISION_CONSTRAINTS'}
            need(not typed & {flag.name for flag in config._flags}, 'strongly typed: no precision')
            trt.builds.append(config)
            trt.timing_in.append(config._timing._data if config._timing else None)
            if trt.build_error:
                self._logger.log(ILogger.Severity.ERROR, trt.build_error)
                return None
            if config._timing:
                config._timing._data = f'{version} timings {len(trt.builds)}'.encode()
            model = network._model.SerializeToString()
            head = json.dumps({'version': version, 'gpu': cuda.gpus[0][0], 'size': len(model)})
            return HostMemory(b'engine' + head.encode() + b'\n' + model)

    class ParserError(Strict):
        def __init__(self, words):
            self._words = words

        def desc(self):
            return self._words

        def __str__(self):
            return f'In node -1 (importModel): {self._words}'

    class OnnxParser(Strict):
        def __init__(self, network, logger):
            need(isinstance(network, Network), 'no network')
            check_logger(logger)
            self._network, self._errors = network, []

        num_errors = property(lambda self: len(self._errors))

        def parse_from_file(self, model):
            need(isinstance(model, str), f'{model!r} is no str')
            try:
                self._network._model = onnx.load(model)  # with its external data, from its folder
            except Exception as error:
                self._errors.append(ParserError(f'could not read the model: {error}'))
                return False
            return True

        def get_error(self, index):
            need(0 <= index < len(self._errors), f'no error {index}')
            return self._errors[index]

    class ExecutionContext(Strict):
        def __init__(self, engine):
            self._engine, self._addresses, self._ran = engine, {}, False

        def set_tensor_address(self, name, memory):
            need(isinstance(name, str) and isinstance(memory, int), 'a name and an integer')
            need(name in self._engine._shapes, f'no tensor {name!r}')
            cuda.block(memory, 4 * int(np.prod(self._engine._shapes[name])), 'device')
            self._addresses[name] = memory
            return True

        def execute_async_v3(self, stream_handle):
            need(isinstance(stream_handle, int) and stream_handle != 0, 'the default stream')
            stream = cuda.handle(stream_handle, 'stream')
            cuda.check_current('execute_async_v3')
            lost = set(self._engine._shapes) - set(self._addresses)
            need(not lost, f'no address for {lost}')
            need(self._ran or stream.capture is None, 'captured before the first run')
            if stream.capture is not None and trt.refuse_capture:
                self._engine._logger.log(ILogger.Severity.ERROR, 'operation not capturable')
                stream.broken = True
                return False
            self._ran = True
            cuda.enqueue(stream, self._compute)
            return True

        def _compute(self):
            model = self._engine._model
            source, target = model.graph.input[0].name, model.graph.output[0].name

            def block(name):
                shape = self._engine._shapes[name]
                raw = cuda.block(self._addresses[name], 4 * int(np.prod(shape)), 'device')
                return raw.view(np.float32).reshape(shape)

            result = ReferenceEvaluator(model).run(None, {source: block(source)})[0]
            if trt.spoil is not None and 'depth' in target:
                result = trt.spoil(result)
            block(target)[:] = result

    class CudaEngine(Strict):
        def __init__(self, model, logger):
            self._model, self._logger = model, logger
            self._shapes = {value.name: shape_of(value)
                            for value in (*model.graph.input, *model.graph.output)}

        num_io_tensors = property(lambda self: len(self._shapes))

        def get_tensor_name(self, index):
            need(0 <= index < len(self._shapes), f'no tensor {index}')
            return list(self._shapes)[index]

        def _known(self, name):
            need(name in self._shapes, f'no tensor {name!r}')
            return name

        def get_tensor_mode(self, name):
            first = self._model.graph.input[0].name == self._known(name)
            return TensorIOMode.INPUT if first else TensorIOMode.OUTPUT

        def get_tensor_shape(self, name):
            return Dims(self._shapes[self._known(name)])

        def get_tensor_dtype(self, name):
            self._known(name)
            return DataType.FLOAT

        def create_execution_context(self):
            cuda.check_current('create_execution_context')
            if trt.context_error:
                self._logger.log(ILogger.Severity.ERROR, trt.context_error)
                return None
            return ExecutionContext(self)

    class Runtime(Strict):
        def __init__(self, logger):
            need(cuda.driver and cuda.gpus, 'a Runtime without a driver crashes at exit')
            cuda.check_current('Runtime')
            self._logger = check_logger(logger)

        def deserialize_cuda_engine(self, serialized_engine):
            need(isinstance(serialized_engine, bytes | bytearray | memoryview), 'no buffer')
            head, _, body = bytes(serialized_engine).removeprefix(b'engine').partition(b'\n')
            try:
                told = json.loads(head)
            except ValueError:
                self._logger.log(ILogger.Severity.ERROR, 'Magic tag does not match')
                return None
            if told['version'] != version or told['size'] != len(body):
                self._logger.log(ILogger.Severity.ERROR, 'Version tag does not match')
                return None
            return CudaEngine(onnx.load_from_string(body), self._logger)

    for thing in (ILogger, Logger, TensorIOMode, DataType, MemoryPoolType, BuilderFlag,
                  NetworkDefinitionCreationFlag, Builder, OnnxParser, Runtime):
        setattr(trt, thing.__name__, thing)
    return trt

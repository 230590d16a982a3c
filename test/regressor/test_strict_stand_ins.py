"""The stand-ins refuse wrong use; were they lenient, the backend's tests would show nothing."""

import numpy as np
import pytest


@pytest.fixture
def stream(cuda):
    cuda.cudaSetDevice(0)
    made = cuda.cudaStreamCreateWithFlags(cuda.cudaStreamNonBlocking)[1]
    yield made
    made.capture = None
    cuda.cudaStreamDestroy(made)


@pytest.fixture
def context(trt, cuda, stream, small_export):
    network = trt.Builder(trt.Logger()).create_network(2 if trt.__version__ < '11' else 0)
    parser = trt.OnnxParser(network, trt.Logger())
    assert parser.parse_from_file(str(small_export / 'transformer_32x48.onnx'))
    builder = trt.Builder(trt.Logger())
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(bytes(plan))
    return engine.create_execution_context()


NBYTES = 4 * 3 * 3 * 4 * 6


@pytest.fixture
def buffer(cuda, stream):
    address = cuda.cudaMalloc(NBYTES)[1]
    yield address
    if cuda.live().count('device'):
        cuda.cudaFree(address)


def test_memory(cuda, stream, buffer):
    host = cuda.cudaMallocHost(NBYTES)[1]
    kind = cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
    for dst, src, count in ((buffer, host, NBYTES + 1), (host, buffer, 4), (buffer, buffer, 4),
                            (buffer, np.zeros(9).ctypes.data, 4)):
        with pytest.raises(cuda.Misuse):
            cuda.cudaMemcpyAsync(dst, src, count, kind, stream)
    with pytest.raises(cuda.Misuse, match='no cudaMemcpyKind'):
        cuda.cudaMemcpyAsync(buffer, host, 4, 1, stream)
    with pytest.raises(cuda.Misuse, match='pinned memory'):
        cuda.cudaFree(host)
    cuda.cudaFreeHost(host)
    with pytest.raises(cuda.Misuse, match='not allocated'):
        cuda.cudaFreeHost(host)
    with pytest.raises(cuda.Misuse, match='freed'):
        cuda.cudaMemcpyAsync(buffer, host, 4, kind, stream)


def test_capture(cuda, stream):
    mode = cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
    with pytest.raises(cuda.Misuse, match='not begun'):
        cuda.cudaStreamEndCapture(stream)
    cuda.cudaStreamBeginCapture(stream, mode)
    with pytest.raises(cuda.Misuse, match='twice'):
        cuda.cudaStreamBeginCapture(stream, mode)
    with pytest.raises(cuda.Misuse, match='in a capture'):
        cuda.cudaStreamSynchronize(stream)
    with pytest.raises(cuda.Misuse, match='in a capture'):
        cuda.cudaMalloc(4)
    graph = cuda.cudaStreamEndCapture(stream)[1]
    with pytest.raises(cuda.Misuse, match='is no executable'):
        cuda.cudaGraphLaunch(graph, stream)
    cuda.cudaGraphDestroy(graph)
    with pytest.raises(cuda.Misuse, match='destroyed'):
        cuda.cudaGraphInstantiate(graph, 0)


def test_execution(cuda, stream, buffer, context):
    handle = int(stream)
    assert context.set_tensor_address('noisy', buffer)
    with pytest.raises(cuda.Misuse, match='no address for'):
        context.execute_async_v3(handle)
    with pytest.raises(cuda.Misuse, match='no tensor'):
        context.set_tensor_address('nosiy', buffer)
    with pytest.raises(cuda.Misuse, match='beyond the end'):
        context.set_tensor_address('clean', buffer + 4)
    with pytest.raises(cuda.Misuse, match='freed, or never'):
        context.set_tensor_address('clean', 4096)
    assert context.set_tensor_address('clean', buffer)
    with pytest.raises(cuda.Misuse, match='default stream'):
        context.execute_async_v3(0)
    stream.capture = []
    with pytest.raises(cuda.Misuse, match='before the first run'):
        context.execute_async_v3(handle)
    stream.capture = None
    assert context.execute_async_v3(handle)
    with pytest.raises(AttributeError):
        context.execute_async_v2(handle)
    cuda.cudaFree(buffer)
    with pytest.raises(cuda.Misuse, match='freed'):
        cuda.cudaStreamSynchronize(stream)
    stream.work.clear()


def test_builder(trt, cuda, stream):
    new = trt.__version__ >= '11'
    builder = trt.Builder(trt.Logger())
    with pytest.raises(cuda.Misuse):
        builder.create_network(2 if new else 0)
    config = builder.create_builder_config()
    with pytest.raises(AttributeError):
        config.max_workspace_size = 1
    assert hasattr(trt.BuilderFlag, 'FP16') != new
    with pytest.raises(cuda.Misuse, match='empty network'):
        builder.build_serialized_network(builder.create_network(0 if new else 2), config)

    class Forgetful(trt.ILogger):
        def __init__(self):
            pass

    with pytest.raises(cuda.Misuse, match='__init__'):
        trt.Runtime(Forgetful())
    cuda.driver = 0
    with pytest.raises(cuda.Misuse, match='without a driver'):
        trt.Runtime(trt.Logger())
    cuda.driver = 13000

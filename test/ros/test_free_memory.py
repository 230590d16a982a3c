"""The node's threads share one heap, so that little lies between what others have freed."""

import ctypes
import subprocess
import sys

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')

COUNT = """
import ctypes, re, sys, tempfile, threading
from dvd_ros.ros.free_memory import share_one_heap
if sys.argv[1] == 'shared':
    share_one_heap()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
all_there = threading.Barrier(4)
def allocate():
    libc.malloc(100_000)
    all_there.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b'w'))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(len(re.findall(r'<heap nr=', open(file.name).read())))
"""


def heaps(how):
    done = subprocess.run([sys.executable, '-c', COUNT, how], capture_output=True, text=True,
                          check=True)
    return int(done.stdout)


def test_threads_share_one_heap():
    if not all(hasattr(ctypes.CDLL(None), name) for name in ('mallopt', 'malloc_info')):
        pytest.skip('another C library than glibc, which has heaps of its own kind')
    assert heaps('apart') > 1
    assert heaps('shared') == 1

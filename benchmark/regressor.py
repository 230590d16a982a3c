"""Time, FLOPs and memory of a regressor beside the reference's order of work: `dvd-ros bench`.

    python benchmark/regressor.py mini --backend onnxruntime --device cpu [--long]
    python benchmark/regressor.py random-1.3b --device cuda --precision fp16 --cuda-graphs --long
"""

import sys

from dvd_ros.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['bench', *sys.argv[1:]]))

"""A short form of benchmark/soak.py: each fault at least once, and no good frame lost."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_node_lives_through_every_fault(ros_environment):
    done = subprocess.run(
        [sys.executable, str(ROOT / 'benchmark/soak.py'), '--seconds', '30', '--every', '3'],
        env=ros_environment, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert 'lost 0' in done.stdout

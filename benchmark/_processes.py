"""What benchmarks of several processes share: how they talk, and what one costs."""

from __future__ import annotations

import os
from pathlib import Path


def use_large_data() -> None:
    """Have Fast DDS send images of this process and its children by TCP or shared memory."""
    os.environ.setdefault('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    # LOCALHOST would have Fast DDS ignore the line above.
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SUBNET'


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads."""
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6

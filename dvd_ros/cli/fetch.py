"""`dvd-ros fetch`: bring the released weights into the cache."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dvd_ros.regressor.weights import (
    CACHE_VARIABLE,
    RELEASES,
    WAN_VAE,
    RemoteFile,
    cache_folder,
    is_whole,
)

_LICENCE = """\
The DVD weights are licensed under CC BY-NC 4.0: use is non-commercial only, and the authors
must be credited (Zhang, Chen, Liao, He et al., "DVD: Deterministic Video Depth Estimation with
Generative Priors", arXiv 2603.12250). https://creativecommons.org/licenses/by-nc/4.0/
The Wan2.1 VAE they need is licensed under Apache-2.0. https://huggingface.co/{wan}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros fetch`."""
    parser.add_argument('models', nargs='*', metavar='MODEL', default=[],
                        help=f'{" or ".join(RELEASES)} (default: dvd-1.1)')
    parser.add_argument('--cache', type=Path, default=None,
                        help=f'where to put the files (default: ${CACHE_VARIABLE}, else '
                             'dvd_ros in the user cache)')
    parser.add_argument('--yes', action='store_true',
                        help='accept the licence (CC BY-NC 4.0) without being asked')


def run(args: argparse.Namespace) -> int:
    """Fetch; 0 when all is there, 1 when a file is not, 2 for bad arguments or no consent."""
    models = list(dict.fromkeys(args.models)) or ['dvd-1.1']
    unknown = [model for model in models if model not in RELEASES]
    if unknown:
        print(f'no model {unknown[0]!r} to fetch; there are {", ".join(RELEASES)}',
              file=sys.stderr)
        return 2
    cache = (args.cache or cache_folder()).expanduser()
    files = [*(RELEASES[model] for model in models), WAN_VAE]
    wanted = [file for file in files if not is_whole(file.path(cache))]
    for file in files:
        if file not in wanted:
            print(f'already there: {file.path(cache)}')
    if not wanted:
        return 0
    print(_LICENCE.format(wan=WAN_VAE.repo))
    if not (args.yes or _consent()):
        print('not fetched: the licence was not accepted (answer "yes", or give --yes)',
              file=sys.stderr)
        return 2
    for at, file in enumerate(wanted):
        print(f'{file.repo}: {file.name} -> {file.path(cache)} ({_size(file)}, {file.licence})')
        problem = _fetch(file, cache)
        if problem:
            print(f'\n{_by_hand(problem, wanted[at:], cache)}', file=sys.stderr)
            return 1
    print(f'ready: {", ".join(models)}')
    return 0


def _consent() -> bool:
    if not sys.stdin.isatty():
        return False
    return input('Do you accept this? [yes/no] ').strip().lower() in ('y', 'yes')


def _fetch(file: RemoteFile, cache: Path) -> str:
    """Download one file, going on where an earlier try stopped; '' or what went wrong."""
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        return 'huggingface_hub is not installed (pip install huggingface_hub)'
    path = file.path(cache)
    # A file that is there but not whole would be taken for the finished one.
    try:
        path.unlink(missing_ok=True)
        hf_hub_download(file.repo, file.name, local_dir=path.parent)
    except Exception as error:  # each version of the client raises kinds of its own
        first = (str(error).strip() or repr(error)).splitlines()[0]
        return f'{type(error).__name__}: {first}'
    if not is_whole(path):
        return f'{path} came but is not whole; run the command again'
    return ''


def _by_hand(problem: str, wanted: list[RemoteFile], cache: Path) -> str:
    lines = [f'could not fetch: {problem}',
             'Run the command again to go on where it stopped, or, where this machine has no',
             'network, download these files elsewhere and put each where its arrow points:']
    for file in wanted:
        lines.append(f'  {file.url}  ({_size(file)})')
        lines.append(f'    repository {file.repo}, file {file.name}')
        lines.append(f'    -> {file.path(cache)}')
    lines.append(f'Another cache is chosen with --cache or ${CACHE_VARIABLE}.')
    return '\n'.join(lines)


def _size(file: RemoteFile) -> str:
    return f'about {file.size / 1e9:.1f} GB'

"""`dvd-ros demo`: depth of a video, folder or camera through real nodes, with figures and pictures.

Three processes over DDS: video_node plays the source as a camera would, depth_node turns it into
depth, record_node listens to both. Then a table, a contact sheet and a point cloud.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dvd_ros.assets_path import ASSETS
from dvd_ros.capture import Capture, open_capture
from dvd_ros.cli._config_options import add_config, read_config
from dvd_ros.cli._nodes import Nodes, running_nodes
from dvd_ros.evaluation.demo_report import (
    accuracy,
    figures,
    shown_images,
    table,
    true_depth,
    verdict,
    write_pictures,
)
from dvd_ros.evaluation.stream_record import StreamRecord
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.stream.config import StreamConfig

_CLIP = ASSETS / 'demo'
_LIVE_SECONDS = 20.0
# How long what was sent may take to arrive, seconds.
_PATIENCE = 8.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros demo`."""
    parser.add_argument('source', nargs='?', default=str(_CLIP), metavar='FILE|DEVICE|FOLDER',
                        help='video file, camera (0, /dev/video0, URL), folder of images, TUM '
                             'RGB-D folder (default: the clip that ships with dvd_ros)')
    parser.add_argument('--model', default='mini',
                        help='mini (shipped), dvd-1.0, dvd-1.1, or a model folder')
    parser.add_argument('--device', default='auto', help='cpu, cuda, ... (default: the best)')
    parser.add_argument('--rate', type=float, default=0.0, metavar='HZ',
                        help="play at this rate instead of the source's own")
    parser.add_argument('--seconds', type=float, default=0.0, metavar='S',
                        help=f'end after so long (default: {_LIVE_SECONDS:.0f} for a camera, '
                             'else the whole source)')
    parser.add_argument('--known-depth', type=float, default=0.0, metavar='SHARE',
                        help="give this share (0..1) of the pixels of an RGB-D folder's depth to "
                             'the node as a source of metres; try 0.01')
    parser.add_argument('--out', type=Path, default=Path('out'), metavar='FOLDER',
                        help='where to write, in a folder named after the source (default: out)')
    add_config(parser, StreamConfig)
    add_config(parser, ScaleConfig)


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 when depth came and its stamps are right, 1 if not."""
    began = time.time()
    scale = read_config(args, ScaleConfig)
    parameters = vars(read_config(args, StreamConfig)) | vars(scale)
    for name in ('rate', 'seconds'):
        if not 0.0 <= getattr(args, name) < 1e6:
            raise ValueError(f'--{name} must be 0 or more, got {getattr(args, name)}')
    if not 0.0 <= args.known_depth <= 1.0:
        raise ValueError(f'--known-depth must be in 0..1, got {args.known_depth}')
    capture = open_capture(args.source)
    metric = args.known_depth > 0.0
    if metric:
        if not capture.has_truth:
            raise ValueError(f'--known-depth needs an RGB-D folder, {args.source} has no depth')
        parameters |= {'scale_sources': 'depth', 'unscaled': 'withhold'}
    for module in ('rclpy', 'dvd_ros.msg'):
        if find_spec(module) is None:
            raise OSError(f'{module} is not there: bash scripts/demo.sh sets up a ROS 2 of its '
                          'own; beside an installed one source it, and this package')
    seconds = args.seconds or (_LIVE_SECONDS if capture.live else 0.0)
    rate = args.rate or capture.rate
    expected = _expected(capture, rate, seconds)
    folder = (args.out / capture.name).resolve()
    log = folder / 'log'
    log.mkdir(parents=True, exist_ok=True)
    for name in ('contact_sheet.png', 'cloud.ply', 'figures.json'):
        (folder / name).unlink(missing_ok=True)

    with tempfile.TemporaryDirectory(dir=folder, prefix='record-') as scratch:
        file = Path(scratch) / 'record.npz'
        with running_nodes(log) as nodes:
            nodes.start('depth_node', model=args.model, device=args.device, flush_after=1.0,
                        **parameters,
                        **_reliable('subscription', 'image'),
                        **(_reliable('subscription', 'scale/depth') if metric else {}),
                        **_reliable('publisher', 'dvd/depth'))
            nodes.start('record_node', file=str(file), frames=expected or 0)
            _record(nodes, args, expected, seconds)
        if not file.is_file():
            raise OSError(f'nothing was recorded; see {log}')
        record = StreamRecord.load(file)

    result = figures(record) | {'source': str(args.source), 'model': args.model}
    if len(record.arrivals):
        result['ready'] = float(record.arrivals[0] * 1e-9 - began)
    truths, trouble = true_depth(record, capture, cut_short=bool(seconds))
    result['accuracy'] = accuracy(record, truths, scale.near, scale.far, metric)
    result['scored'] = sum(truth is not None for truth in truths)
    title = f'{capture.name}, model {Path(args.model).name}'
    images = shown_images(record, capture, cut_short=bool(seconds))
    pictures = write_pictures(folder, record, images, truths, scale.near, scale.far, title,
                              metric)
    path = folder / 'figures.json'
    path.write_text(json.dumps(result, indent=2) + '\n')

    print(f'\n{table(result)}\n')
    if trouble:
        print(trouble)
    print(verdict(result))
    if result['dropped'].get('too_slow'):
        print(f'This machine is too slow for {rate:.3g} images per second; the oldest that wait '
              'are dropped. Slower play drops none: --rate')
    print(f'Metres are measured, from {100 * args.known_depth:.3g} % of the true depth.\n' if metric
          else 'Metres of the cloud are nominal: DVD gives relative depth.\n')
    for made in (*pictures, path):
        print(f'  {os.path.relpath(made)}')
    return 0 if result['published'] and not result['stamp_faults'] else 1


def _expected(capture: Capture, rate: float, seconds: float) -> int | None:
    """How many images will come, as far as the source says."""
    limit = max(1, round(seconds * rate)) if seconds else None
    counts = [count for count in (capture.length, limit) if count is not None]
    return min(counts) if counts else None


def _reliable(end: str, topic: str) -> dict[str, Any]:
    """ROS parameters that make one end of a topic lose nothing, as many cameras are set up.

    Best effort, the default for images, loses some unseen where the processor is busy; here each
    of them has to be accounted for.
    """
    prefix = f'qos_overrides./{topic}.{end}'
    return {f'{prefix}.reliability': 'reliable', f'{prefix}.depth': 200}


def _record(nodes: Nodes, args: argparse.Namespace, expected: int | None, seconds: float) -> None:
    """Play the source to the nodes once they are ready, until the recorder has ended."""
    line = _StatusLine()
    start = time.monotonic()
    state: dict[str, Any] = {}
    playing = start
    while nodes.running('record_node'):
        time.sleep(0.1)
        nodes.check()
        state = nodes.progress('record_node') or state
        if not state.get('ready'):
            line.show(f'loading the model {args.model!r} ... {time.monotonic() - start:.0f} s')
            continue
        if not nodes.started('video_node'):
            line.end(f'the nodes are up after {time.monotonic() - start:.1f} s')
            nodes.start('video_node', source=args.source, rate=args.rate, seconds=seconds,
                        wait_for_subscriber=60.0, audience='depth_node, record_node',
                        depth_share=args.known_depth,
                        **_reliable('publisher', 'image'),
                        **_reliable('publisher', 'scale/depth'),
                        **_reliable('publisher', 'camera_info'))
        if nodes.running('video_node'):
            playing = time.monotonic()
        elif state['began'] is None and time.monotonic() - playing > _PATIENCE:
            raise OSError('the source ended and no image of it came; '
                          f'see {nodes.log_file("video_node")}')
        dropped = sum(state['dropped'].values())
        text = (f'{state["inputs"]}/{expected or "?"} images in, {state["published"]} depth '
                f'images out, {dropped} dropped')
        line.show(text + (f', {state["in_work"]} to come' if state['ended'] else ''))
    line.end('')
    nodes.check()


class _StatusLine:
    """One line that is written over on a terminal; elsewhere a line every five seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._shown = time.monotonic()

    def show(self, text: str) -> None:
        if self._terminal:
            print(f'\r\033[K{text}', end='', flush=True)
        elif time.monotonic() - self._shown > 5.0:
            self._shown = time.monotonic()
            print(text, flush=True)

    def end(self, text: str) -> None:
        """Close the line, with a last text if it is not empty."""
        if self._terminal:
            print(f'\r\033[K{text}', end='\n' if text else '', flush=True)
        elif text:
            print(text, flush=True)

"""`dvd-ros video`: depth of a video or folder as files: preview, depth images, cloud, alignment.

All is written into DIR.part, which becomes DIR at the end. Needs no ROS 2.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from tqdm import tqdm

from dvd_ros.capture import open_capture
from dvd_ros.cli._config_options import add_config, read_config
from dvd_ros.offline.video_depth import RECORD, VideoDepth, VideoOutputs
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.stream.config import StreamConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros video`."""
    parser.add_argument('source', metavar='IN', help='video file, folder of images, TUM RGB-D '
                        'folder or clip')
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='DIR',
                        help='folder to write')
    parser.add_argument('--overwrite', action='store_true', help='replace DIR where it is there')
    parser.add_argument('--model', default='mini',
                        help='mini (shipped), dvd-1.0, dvd-1.1, or a model folder')
    parser.add_argument('--device', default='auto', help='cpu, cuda, ... (default: the best)')
    parser.add_argument('--depth', default='png', metavar='png|npz|exr|none',
                        help='16 bit millimetres, or float metres (default: png)')
    parser.add_argument('--ply', default='last', metavar='N|last|none',
                        help='clouds of every N-th frame or the last (default: last)')
    parser.add_argument('--preview', action=argparse.BooleanOptionalAction, default=True,
                        help='preview.mp4: image beside coloured depth (default: yes)')
    parser.add_argument('--hfov', type=float, default=1.047, metavar='RAD',
                        help='horizontal field of view where the source has no camera '
                        '(default: 1.047)')
    parser.add_argument('--known-depth', type=float, default=0.0, metavar='SHARE',
                        help="share (0..1) of the pixels of an RGB-D folder's depth as a source "
                             'of metres; try 0.01')
    add_config(parser, StreamConfig)
    add_config(parser, ScaleConfig)


def run(args: argparse.Namespace) -> int:
    """Write the folder; 0 when done."""
    import numpy as np

    from dvd_ros.regressor import load_regressor
    from dvd_ros.scale import DepthImageSource, StreamScale
    from dvd_ros.stream import DepthStream

    config, scale = read_config(args, StreamConfig), read_config(args, ScaleConfig)
    outputs = VideoOutputs(args.depth, args.ply, args.preview)
    if not 0.0 < args.hfov < 3.14:
        raise ValueError(f'--hfov must be between 0 and pi radians, got {args.hfov}')
    if not 0.0 <= args.known_depth <= 1.0:
        raise ValueError(f'--known-depth must be in 0..1, got {args.known_depth}')
    capture = open_capture(args.source)
    if capture.live:
        raise ValueError(f'{args.source} is live and has no end: record it first')
    if args.known_depth and not capture.has_truth:
        raise ValueError(f'--known-depth needs an RGB-D folder, {args.source} has no depth')
    out = args.out.absolute()
    if out.exists() and not out.is_dir():
        raise ValueError(f'{out} is a file: -o needs a folder')
    if out.is_dir() and any(out.iterdir()) and not args.overwrite:
        raise ValueError(f'{out} is not empty: choose another folder, or give --overwrite')
    if out.is_dir() and any(out.iterdir()) and not (out / RECORD).is_file():
        raise ValueError(f'{out} is none of what `dvd-ros video` wrote (it has no {RECORD}) and '
                         'is not replaced: choose another folder')
    source = DepthImageSource('depth') if args.known_depth else None
    stream = DepthStream(
        load_regressor(args.model, device=args.device, window=config.window), config,
        StreamScale(scale, [source] if source else []))
    part = out.with_name(out.name + '.part')
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    writer = VideoDepth(part, outputs, capture.rate, scale.near, scale.far, args.hfov)
    begin, first, last = time.monotonic(), None, 0
    with tqdm(total=capture.length, unit='frame', disable=not sys.stderr.isatty()) as bar:
        for index, frame in enumerate(capture):
            if source:
                truth = capture.truth(index)
                if truth is not None:
                    hidden = np.random.default_rng(index).random(truth.shape) >= args.known_depth
                    source.push(frame.stamp, np.where(hidden, np.float32(np.nan), truth))
            for done in stream.push(frame):
                writer.add(done)
            first, last = (frame.stamp if first is None else first), frame.stamp
            bar.update()
        for done in stream.flush():
            writer.add(done)
    writer.close(f'{capture.name}, model {Path(args.model).name}')
    if out.exists():
        shutil.rmtree(out)
    part.rename(out)
    seconds = max(time.monotonic() - begin, 1e-9)
    played = (last - (first or 0)) * 1e-9 + 1.0 / capture.rate
    dropped = {cause: count for cause, count in stream.counters.dropped.items() if count}
    print(f'{out}: {writer.count} frames in {seconds:.1f} s, {writer.count / seconds:.1f} '
          f'frames/s, {played / seconds:.2f} times real time'
          + (f'; dropped {dropped}' if dropped else ''))
    if writer.too_far:
        print(f'{writer.too_far} pixels are beyond 65.535 m, which a PNG cannot say: they are 0 '
              'there; --depth npz has them')
    return 0

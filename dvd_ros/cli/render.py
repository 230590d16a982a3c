"""`dvd-ros render`: a rendered clip with true depth, as a small folder that plays as a camera."""

from __future__ import annotations

import argparse
from pathlib import Path

from dvd_ros.cli._size import parse_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros render`."""
    parser.add_argument('folder', type=Path, help='where to write the clip')
    parser.add_argument('--seed', type=int, default=0,
                        help='chooses scene, motion and camera (training uses 1000000 and up)')
    parser.add_argument('--frames', type=int, default=97)
    parser.add_argument('--size', default='240x320', metavar='HxW')
    parser.add_argument('--street', type=float, default=0.0, metavar='P',
                        help='odds of an outdoor scene (default: 0)')


def run(args: argparse.Namespace) -> int:
    """Render and write one clip; 0 when done."""
    from dvd_ros.capture.demo_clip import write_clip
    from dvd_ros.geometry import Intrinsics
    from dvd_ros.training.render import RenderConfig, render_clip

    height, width = parse_size(args.size)
    clip = render_clip(args.seed, RenderConfig(frames=args.frames, height=height, width=width,
                                               street=args.street))
    camera = Intrinsics(width, height, clip.focal, clip.focal, width / 2 - 0.5, height / 2 - 0.5)
    write_clip(args.folder, clip.images, clip.depth, camera, clip.rate)
    size = sum(path.stat().st_size for path in args.folder.iterdir())
    print(f'{args.folder}: {args.frames} frames of {height}x{width} at {clip.rate:.1f} Hz, '
          f'{size / 1e6:.2f} MB')
    return 0

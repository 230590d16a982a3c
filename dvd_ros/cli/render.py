"""`dvd-ros render`: a rendered clip that plays as a camera, or a sheet of scenes to look at."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dvd_ros.cli._size import parse_size

if TYPE_CHECKING:
    from dvd_ros.training.render import RenderConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros render`."""
    parser.add_argument('out', type=Path, metavar='FOLDER|FILE.png',
                        help='where to write the clip; with --sheet, the picture')
    parser.add_argument('--seed', type=int, default=0,
                        help='chooses scene, motion and camera (training uses 1000000 and up)')
    parser.add_argument('--frames', type=int, default=97)
    parser.add_argument('--size', default='240x320', metavar='HxW')
    parser.add_argument('--street', type=float, default=0.0, metavar='P',
                        help='odds of an outdoor scene (default: 0)')
    parser.add_argument('--style', default='plain', metavar='plain|rich',
                        help='rich: many small and thin parts, relief, soft shadows, mirrors '
                        '(default: plain)')
    parser.add_argument('--sheet', type=int, metavar='N',
                        help='N scenes from --seed on in one picture, each image over its depth')


def run(args: argparse.Namespace) -> int:
    """Render and write one clip or one sheet; 0 when done."""
    from dvd_ros.training.render import RenderConfig

    height, width = parse_size(args.size)
    config = RenderConfig(frames=args.frames, height=height, width=width, street=args.street,
                          style=args.style)
    is_picture = args.out.suffix.lower() in ('.png', '.jpg', '.jpeg')
    if is_picture != (args.sheet is not None):
        raise ValueError(f'{args.out}: a sheet (--sheet N) goes into a .png or .jpg file, and a '
                         'clip into a folder')
    return (_clip if args.sheet is None else _sheet)(args, config)


def _clip(args: argparse.Namespace, config: RenderConfig) -> int:
    from dvd_ros.capture.demo_clip import write_clip
    from dvd_ros.geometry import Intrinsics
    from dvd_ros.training.render import render_clip

    height, width = config.height, config.width
    clip = render_clip(args.seed, config)
    camera = Intrinsics(width, height, clip.focal, clip.focal, width / 2 - 0.5, height / 2 - 0.5)
    write_clip(args.out, clip.images, clip.depth, camera, clip.rate)
    size = sum(path.stat().st_size for path in args.out.iterdir())
    print(f'{args.out}: {args.frames} frames of {height}x{width} at {clip.rate:.1f} Hz, '
          f'{size / 1e6:.2f} MB')
    return 0


def _sheet(args: argparse.Namespace, config: RenderConfig) -> int:
    import cv2

    from dvd_ros.training.contact_sheet import contact_sheet

    sheet = contact_sheet(args.seed, args.sheet, config)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(args.out), sheet[..., ::-1]):
        raise OSError(f'{args.out} could not be written')
    print(f'{args.out}: {args.sheet} scenes of {config.height}x{config.width}, seeds '
          f'{args.seed} to {args.seed + args.sheet - 1}')
    return 0

"""`dvd-ros bag`: recorded bags (mcap, sqlite3) to bags with depth, camera_info and the like.

OUT becomes the bag; of several INs, or where OUT is a folder or ends in /, each becomes OUT/NAME.
Work is done in OUT.part: killed at any time, the same command goes on where it was and ends with
the same bag. A depth image of 640x480 takes 1.2 MB, a cloud 4.9 MB, and while the work lasts an
image takes 2 MB beside OUT. Needs no ROS 2, but rosbags (pip install rosbags).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dvd_ros.cli._config_options import add_config, read_config
from dvd_ros.messages.output_config import OutputConfig
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.stream.config import StreamConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros bag`."""
    parser.add_argument('sources', metavar='IN', nargs='+', type=Path,
                        help="a bag's folder, or a .mcap or .db3 file")
    parser.add_argument('-o', '--out', required=True, metavar='OUT', help='what to write')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace an OUT that was made with other settings')
    parser.add_argument('--jobs', type=int, default=1, metavar='N',
                        help='bags at once, a process each (default: 1)')
    parser.add_argument('--image', default='', metavar='TOPIC',
                        help='Image or CompressedImage (default: the only one)')
    parser.add_argument('--camera-info', default='', metavar='TOPIC',
                        help='(default: the one beside the image)')
    parser.add_argument('--scale-depth', default='', metavar='TOPIC',
                        help='depth images, 32FC1 metres or 16UC1 millimetres, registered to the '
                        'image, as a source of metres (default: none)')
    parser.add_argument('--topics', default='depth,camera_info,alignment,scale', metavar='NAMES',
                        help='what is added: depth, camera_info, points, disparity, confidence, '
                        'alignment, scale (default: %(default)s)')
    parser.add_argument('--keep', default='all', metavar='all|none|PATTERN',
                        help="original topics that stay; patterns as '/tf*,/imu/*' (default: all)")
    parser.add_argument('--namespace', default='dvd', metavar='NAME',
                        help='of what is added (default: dvd)')
    parser.add_argument('--storage', default='', metavar='mcap|sqlite3',
                        help='(default: as the input)')
    parser.add_argument('--model', default='mini',
                        help='mini (shipped), dvd-1.0, dvd-1.1, or a model folder')
    parser.add_argument('--backend', default='auto',
                        help='onnxruntime, tensorrt or torch (default: the best)')
    parser.add_argument('--device', default='auto', help='cpu, cuda, ... (default: the best)')
    parser.add_argument('--codec', default='full', help='full, light or a file (default: full)')
    parser.add_argument('--hfov', type=float, default=1.047, metavar='RAD',
                        help='horizontal field of view where no camera_info is (default: 1.047)')
    parser.add_argument('--undistort', action='store_true',
                        help='depth of the image rectified by its camera_info')
    for config in (StreamConfig, ScaleConfig, OutputConfig):
        add_config(parser, config)


def run(args: argparse.Namespace) -> int:
    """Write the bags; 0 when all are there, 1 where one failed."""
    try:
        from dvd_ros.offline.bag_jobs import place_jobs, run_jobs
        from dvd_ros.offline.bag_settings import BagSettings
    except ModuleNotFoundError as error:
        if not (error.name or '').startswith('rosbags'):
            raise
        raise ValueError('bags are read by the package rosbags, which is not installed: '
                         'pip install rosbags') from error
    if args.jobs < 1:
        raise ValueError(f'--jobs must be 1 or more, got {args.jobs}')
    settings = BagSettings(
        image=args.image, camera_info=args.camera_info, scale_depth=args.scale_depth,
        topics=tuple(filter(None, args.topics.replace(' ', '').split(','))), keep=args.keep,
        namespace=args.namespace, storage=args.storage, model=args.model, backend=args.backend,
        device=args.device, codec=args.codec, hfov=args.hfov, undistort=args.undistort,
        stream=read_config(args, StreamConfig), scale=read_config(args, ScaleConfig),
        output=read_config(args, OutputConfig))
    jobs = place_jobs(args.sources, args.out, settings, args.overwrite)
    failed = run_jobs(jobs, args.jobs)
    if failed and len(jobs) > 1:
        print(f'{failed} of {len(jobs)} bags failed, see above')
    return 1 if failed else 0

"""`dvd-ros eval`: how good and how steady a model's depth is, on videos and data sets.

    dvd-ros eval SOURCE                                  the shipped model, as the node runs it
    dvd-ros eval dvd-1.1 SOURCE --protocol dvd           the paper's windows of 45 frames
    dvd-ros eval --compare mini mini:overlap=9 SOURCE    two settings on the same frames
    dvd-ros eval mini mini:protocol=frames SOURCE        as above

A SOURCE is a video, a folder of images, an RGB-D recording or a data set; without true depth only
what needs none is measured. Behind a model, after a colon, stand options of its own: backend,
device, precision, codec, protocol, and those of the stream. Prints a table and writes eval.json and
report.html, a page of tables, pictures and curves.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from dvd_ros.cli._config_options import add_config, read_config
from dvd_ros.evaluation.align import MAX_DEPTH
from dvd_ros.evaluation.clips import MOST_FRAMES
from dvd_ros.evaluation.predict import PROTOCOLS
from dvd_ros.export_manifest import MANIFEST
from dvd_ros.regressor import RELEASES, SHIPPED
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.stream.config import StreamConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros eval`."""
    parser.add_argument('what', nargs='+', metavar='MODEL|SOURCE',
                        help='models (mini, dvd-1.0, dvd-1.1, a model folder or checkpoint; '
                             'default: mini) and what to run them on')
    parser.add_argument('--compare', nargs=2, metavar=('A', 'B'), default=[],
                        help='two models, or one with two options, on the same frames')
    parser.add_argument('--dataset', default='', metavar='KIND',
                        help='how to read a folder: hypersim, vkitti2, tartanair, tum, kitti, '
                             'scannet, nyuv2, sintel, rendered (default: found out)')
    parser.add_argument('--split', default='', help='a part of a data set, by its own lists')
    parser.add_argument('--protocol', choices=PROTOCOLS, default='stream',
                        help="'stream': as the node runs it; 'dvd': the reference's, windows of 45 "
                             "frames with 9 shared (--window 81 --overlap 21 for long clips); "
                             "'frames': each frame alone (default: stream)")
    parser.add_argument('--backend', default='auto',
                        choices=('auto', 'onnxruntime', 'tensorrt', 'torch'))
    parser.add_argument('--device', default='auto', help="'cpu', 'cuda' (default: auto)")
    parser.add_argument('--precision', choices=('fp32', 'fp16', 'bf16'), default='fp32')
    parser.add_argument('--codec', default='full', help="'full', 'light' or a file")
    parser.add_argument('--every', type=int, default=1, metavar='N',
                        help='take every N-th frame (default: 1)')
    parser.add_argument('--max-frames', type=int, default=MOST_FRAMES, metavar='N',
                        help=f'score at most so many frames of a clip (default: {MOST_FRAMES})')
    parser.add_argument('--known-depth', type=float, default=0.0, metavar='SHARE',
                        help='give this share (0..1) of the pixels of true depth to the stream as '
                             'its source of metres and score those without a fit; try 0.01')
    parser.add_argument('--eval-depth', type=float, default=MAX_DEPTH, metavar='M',
                        help='true depth beyond is not scored, metres (default: '
                             f'{MAX_DEPTH:.0f}, as the reference)')
    parser.add_argument('--out', type=Path, default=Path('out/eval'), metavar='FOLDER',
                        help='where to write (default: out/eval)')
    add_config(parser, StreamConfig)
    add_config(parser, ScaleConfig)
    # The protocol's own, unless given.
    parser.set_defaults(window=0, overlap=-1)


def run(args: argparse.Namespace) -> int:
    """Evaluate, print and write; 0 when all clips were scored, 1 where one was not."""
    from dvd_ros.evaluation.eval_report import as_html, as_json, terminal_table
    from dvd_ros.evaluation.eval_run import EvalConfig, evaluate
    from dvd_ros.evaluation.eval_setting import EvalSetting

    models = [text for text in args.what if is_model(text)]
    sources = [text for text in args.what if not is_model(text)]
    models = [*args.compare, *models] or ['mini']
    if not sources:
        raise ValueError(f'{" ".join(args.what)}: a model alone cannot be scored; add a video, a '
                         'folder of images, an RGB-D recording or a data set')
    window, overlap = args.window, args.overlap
    args.window, args.overlap = StreamConfig.window, StreamConfig.overlap
    base = EvalSetting(backend=args.backend, device=args.device, precision=args.precision,
                       codec=args.codec, protocol=args.protocol, window=window, overlap=overlap,
                       stream=read_config(args, StreamConfig))
    settings = [base.changed(model) for model in models]
    config = EvalConfig(args.dataset, args.split, args.every, args.max_frames, args.known_depth,
                        args.eval_depth, replace(read_config(args, ScaleConfig)))
    if config.known_depth and all(setting.protocol != 'stream' for setting in settings):
        raise ValueError('--known-depth is of the live stream alone: use --protocol stream')
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        result = evaluate(settings, sources, config, lambda line: print(line, flush=True))
    except ImportError as error:
        print(f'dvd-ros eval: {error}', file=sys.stderr)
        return 1
    print(f'\n{terminal_table(result)}\n')
    for line in result.said:
        print(line)
    for name, text in (('eval.json', as_json(result)), ('report.html', as_html(result))):
        (args.out / name).write_text(text, encoding='utf-8')
        print(f'  {args.out / name}')
    for clip, why in result.failed:
        print(f'dvd-ros eval: {clip} was not scored: {why}', file=sys.stderr)
    return 1 if result.failed else 0


def is_model(text: str) -> bool:
    """Tell whether an argument means a model, with options or not; else it is a source."""
    from dvd_ros.evaluation.eval_setting import split_model

    model, _ = split_model(text)
    path = Path(model).expanduser()
    return (model in (*SHIPPED, *RELEASES) or path.suffix == '.safetensors'
            or (path / MANIFEST).is_file() or (path / 'dit.safetensors').is_file())

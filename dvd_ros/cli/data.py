"""`dvd-ros data`: what a data set with true depth holds, and whether it can be read."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvd_ros.datasets import Dataset, Sample

# Read of each data set without --check, spread over it.
_SAMPLED = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `dvd-ros data`."""
    from dvd_ros.datasets import KINDS

    parser.add_argument('folder', type=Path, help='the data set, or a part of it')
    parser.add_argument('--dataset', default='', metavar='KIND', choices=('', *KINDS),
                        help=f'one of {", ".join(KINDS)} (default: by the layout)')
    parser.add_argument('--split', default='', help="a part by the data set's own list")
    parser.add_argument('--check', action='store_true',
                        help=f'read every frame, not only {_SAMPLED} of them')
    parser.add_argument('-o', '--output', type=Path, metavar='FILE',
                        help='write a picture of some frames beside their depth (PNG)')


def run(args: argparse.Namespace) -> int:
    """Print it; 0 where all that was read is good, 1 where a frame was left out."""
    from dvd_ros.datasets import open_dataset

    try:
        dataset = open_dataset(args.dataset, args.folder, args.split)
        samples = _read(dataset, args.check)
    except ImportError as error:
        print(f'dvd-ros data: {error}', file=sys.stderr)
        return 1
    if samples and args.output:
        from dvd_ros.evaluation.contact_sheet import write_contact_sheet

        write_contact_sheet(args.output, [sample.image for _, sample in samples],
                            [sample.depth for _, sample in samples], width=320,
                            title=f'{dataset.kind}: {args.folder.resolve().name}')
        print(f'{args.output}: image and depth of up to 6 frames')
    return 1 if dataset.skipped.frames or dataset.skipped.files else 0


def _read(dataset: Dataset, check: bool) -> list[tuple[str, Sample]]:
    """Read, print what was found, and return a few of the samples for a picture."""
    import numpy as np
    from tqdm import tqdm

    from dvd_ros.datasets import BadSample

    places = [(sequence, index) for sequence in dataset.sequences
              for index in range(len(sequence))]
    spread = set(np.linspace(0, len(places) - 1, _SAMPLED).round().astype(int).tolist())
    print(f'{dataset.kind}: {len(dataset.sequences)} sequences, {dataset.frames} frames')
    sizes: dict[str, int] = {}
    nearest, farthest, known, sky, total = np.inf, 0.0, 0, 0, 0
    cameras = poses = 0
    kept = []
    todo = range(len(places)) if check else sorted(spread)
    for number in tqdm(todo, unit='frame', disable=not (check and sys.stderr.isatty())):
        sequence, index = places[number]
        try:
            sample = sequence[index]
        except BadSample as bad:
            dataset.skipped.add(bad)
            continue
        size = f'{sample.image.shape[1]}x{sample.image.shape[0]}'
        sizes[size] = sizes.get(size, 0) + 1
        finite = sample.depth[np.isfinite(sample.depth)]
        if finite.size:
            nearest = min(nearest, float(finite.min()))
            farthest = max(farthest, float(finite.max()))
        known, total = known + finite.size, total + sample.depth.size
        sky += int(np.isposinf(sample.depth).sum())
        cameras, poses = cameras + bool(sample.intrinsics), poses + (sample.pose is not None)
        if number in spread:
            kept.append((sequence.name, sample))
    read = sum(sizes.values())
    print(f'read {read} of {len(todo)} frames{"" if check else " (--check reads all)"}: size '
          + (', '.join(sizes) or 'unknown'))
    if known:
        print(f'depth {nearest:.3g} .. {farthest:.4g} m; known {100 * known / total:.1f} %, sky '
              f'{100 * sky / total:.1f} % of pixels; camera of {cameras}, pose of {poses} frames')
    elif read:
        print('depth: no pixel has one')
    print(dataset.skipped)
    return kept

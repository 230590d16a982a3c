"""
RGB-D recordings in the layout of the TUM benchmark: TUM (Sturm et al., IROS 2012), Bonn's dynamic
scenes (Palazzolo et al., IROS 2019), and the project's own.

The lists and the depth (16-bit, 5000 per metre unless ``camera.json`` states ``depth_scale``) are
read by `dvd_ros.capture.folder.RgbdFolder`; a file that they name is looked for when it is read.
Depth is registered to the colour image. A camera that no ``camera.json`` states is that of the
folder's name: freiburg1, 2, 3 or rgbd_bonn; distortion is not taken out of the images. Poses:
``groundtruth.txt`` (stamp tx ty tz qx qy qz qw, camera to world, the nearest within 20 ms), or
``poses.txt`` with one 4x4 matrix per frame. Bonn's ``groundtruth.txt`` is of a marker frame, and
the published way from there to the camera is no rigid transform: its poses are left out.

Source: "File Formats" and "Intrinsic Camera Calibration of the Kinect" of the benchmark's pages;
the page of the Bonn RGB-D Dynamic Dataset.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

import numpy as np

from dvd_ros.capture.folder import RgbdFolder
from dvd_ros.datasets.files import FileSequence, FrameFiles, metres_png
from dvd_ros.datasets.reader import Reader, no_split
from dvd_ros.datasets.sequence import BadSample, Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.datasets.tables import quaternion_pose, read_table, row_pose
from dvd_ros.geometry.intrinsics import Intrinsics

_TOLERANCE = 20_000_000
# fx, fy, cx, cy of the colour camera at 640x480.
_CAMERAS = {
    'freiburg1': (517.3, 516.5, 318.6, 255.3),
    'freiburg2': (520.9, 521.0, 325.1, 249.7),
    'freiburg3': (535.4, 539.2, 320.1, 247.6),
    'rgbd_bonn': (542.822841, 542.576870, 315.593520, 237.756098),
}


def _recordings(folder: Path) -> list[Path]:
    return sorted({path.parent for pattern in ('{}', '*/{}', '*/*/{}')
                   for name in ('associations.txt', 'rgb.txt')
                   for path in folder.glob(pattern.format(name))})


def _poses(place: Path, stamps: list[int], skipped: Skipped) -> list[np.ndarray | None]:
    none: list[np.ndarray | None] = [None] * len(stamps)
    if (place / 'poses.txt').is_file():
        rows = read_table(place / 'poses.txt', 16, skipped)
        if rows is not None and len(rows) != len(stamps):
            skipped.add(BadSample(place / 'poses.txt', 'damaged poses',
                                  f'{len(rows)} for {len(stamps)} frames'), whole_file=True)
            rows = None
        return none if rows is None else [row_pose(row) for row in rows]
    if not (place / 'groundtruth.txt').is_file() or 'bonn' in place.resolve().name:
        return none
    rows = read_table(place / 'groundtruth.txt', 8, skipped)
    if rows is None:
        return none
    rows = rows[np.argsort(rows[:, 0])]
    # Good to a quarter of a microsecond, which is enough to compare.
    times = np.round(rows[:, 0] * 1e9).astype(np.int64).tolist()
    for index, stamp in enumerate(stamps):
        at = bisect_left(times, stamp)
        near = min((i for i in (at - 1, at) if 0 <= i < len(times)),
                   key=lambda i, stamp=stamp: abs(times[i] - stamp))  # type: ignore[misc]
        if abs(times[near] - stamp) <= _TOLERANCE:
            none[index] = quaternion_pose(rows[near, 1:])
    return none


def _sequences(folder: Path, split: str, skipped: Skipped) -> list[Sequence]:
    no_split('tum', split)
    found: list[Sequence] = []
    for place in _recordings(folder):
        inside = place.relative_to(folder)
        name = str(inside) if inside.parts else place.resolve().name
        try:
            recording = RgbdFolder(place)
        except (OSError, ValueError) as error:
            skipped.add(BadSample(place, 'damaged lists', str(error)), whole_file=True)
            continue
        camera = recording.intrinsics or next(
            (Intrinsics(640, 480, *values) for part, values in _CAMERAS.items()
             if part in place.resolve().name), None)
        poses = _poses(place, [stamp for stamp, _, _ in recording.rows], skipped)
        frames = []
        for (stamp, image, depth), pose in zip(recording.rows, poses, strict=True):
            if depth is None:
                skipped.add(BadSample(image, 'missing depth', 'none within 20 ms'))
            else:
                frames.append(FrameFiles(image, depth, stamp, camera, pose))
        if frames:
            found.append(FileSequence(name, frames, metres_png(recording.depth_scale)))
    return found


READER = Reader('tum', 'rgb.txt and depth.txt, or associations.txt, in the folder or one per '
                'recording below it', lambda folder: bool(_recordings(folder)), _sequences)

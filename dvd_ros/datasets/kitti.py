"""
KITTI raw (Geiger et al., IJRR 2013) with its lidar, and KITTI's annotated depth (Uhrig, 3DV 2017).

``YYYY_MM_DD/YYYY_MM_DD_drive_NNNN_sync/{image_02/data/*.png,velodyne_points/data/*.bin,oxts/data/
*.txt}`` and ``image_02/timestamps.txt``, calibration in ``YYYY_MM_DD``. Annotated depth is
``proj_depth/groundtruth/image_02/*.png`` (16-bit, 256 per metre, 0 none) in the drive's folder, or
in ``{train,val}/DRIVE`` or ``data_depth_annotated/{train,val}/DRIVE`` of the data set.

Option ``lidar``: 'annotated', 'points' (one sweep, projected), or '' for annotated where there is
any. Splits train and val are the annotated ones. Option ``camera``: 2 (left) or 3.

Source: development kit and readme.txt of KITTI raw; poses as pykitti makes them.
"""

from __future__ import annotations

import calendar
import re
import time
from pathlib import Path

from dvd_ros.datasets.files import FileSequence, FrameFiles, metres_png, paired
from dvd_ros.datasets.kitti_calibration import Calibration, oxts_poses
from dvd_ros.datasets.reader import Reader
from dvd_ros.datasets.sequence import BadSample, Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.datasets.tables import chained

_NAME = '{:010d}'
_DRIVE = '[0-9]*_drive_*_sync'


def _stamps(path: Path, skipped: Skipped) -> list[int]:
    """Nanoseconds of UTC by line of timestamps.txt; without it nominal ones, 10 Hz."""
    stamps = []
    try:
        for line in path.read_text().splitlines():
            found = re.fullmatch(r'(\S+ \d\d:\d\d:\d\d)\.(\d+)\s*', line)
            if found is None:
                raise ValueError(f'no time: {line!r}')
            seconds = calendar.timegm(time.strptime(found[1], '%Y-%m-%d %H:%M:%S'))
            stamps.append(seconds * 10 ** 9 + int(found[2].ljust(9, '0')[:9]))
    except (OSError, ValueError) as error:
        reason = 'damaged timestamps' if path.is_file() else 'missing timestamps'
        skipped.add(BadSample(path, reason, str(error)), whole_file=True)
        return []
    return stamps


def _drives(folder: Path) -> list[Path]:
    return sorted(path for pattern in ('', _DRIVE, f'*/{_DRIVE}')
                  for path in ([folder] if not pattern else folder.glob(pattern))
                  if (path / 'image_02' / 'data').is_dir() or (path / 'image_03' / 'data').is_dir())


def _annotated(folder: Path, drive: Path, camera: int, split: str) -> Path | None:
    inside = Path('proj_depth', 'groundtruth', f'image_{camera:02d}')
    name = drive.resolve().name
    roots = [folder / part for part in ('.', 'data_depth_annotated')]
    places = [root / part / name for root in roots for part in ('train', 'val')
              if split in ('', part)]
    if not split:
        places.insert(0, drive)
    return next((place / inside for place in places if (place / inside).is_dir()), None)


def _sequences(folder: Path, split: str, skipped: Skipped, lidar: str = '',
               camera: int = 2) -> list[Sequence]:
    if lidar not in ('', 'annotated', 'points') or split not in ('', 'train', 'val') \
            or camera not in (2, 3):
        raise ValueError("kitti takes lidar 'annotated' or 'points', split 'train' or 'val', "
                         f'camera 2 or 3, got {lidar!r}, {split!r}, {camera!r}')
    drives = _drives(folder)
    depths = {drive: _annotated(folder, drive, camera, split) for drive in drives}
    annotated = lidar == 'annotated' or lidar != 'points' and any(depths.values())
    found: list[Sequence] = []
    for drive in drives:
        place = depths[drive]
        if place is None and (annotated or split):
            continue  # not of this part
        rgb = drive / f'image_{camera:02d}'
        images, name = rgb / 'data', _NAME + '.png'
        if annotated and place is not None:
            # The first and last five frames of a drive are not annotated.
            pairs = paired(images, name, place, name, skipped, between=True)
        else:
            sweeps = drive / 'velodyne_points' / 'data'
            pairs = paired(images, name, sweeps, _NAME + '.bin', skipped)
        if not pairs:
            continue
        calibration = Calibration.read(drive.resolve().parent, camera, skipped)
        if calibration is None and not annotated:
            for _, _, truth in pairs:  # a sweep without a camera is no depth
                skipped.add(BadSample(truth, 'uncalibrated depth'))
            continue
        stamps = _stamps(rgb / 'timestamps.txt', skipped)
        oxts = oxts_poses(drive / 'oxts' / 'data', [number for number, _, _ in pairs], skipped)
        frames = []
        for number, image, truth in pairs:
            stamp = stamps[number] if number < len(stamps) else number * 10 ** 8
            pose = oxts.get(number)
            if pose is not None and calibration is not None and calibration.imu is not None:
                pose = chained(pose, calibration.imu)
            else:
                pose = None
            frames.append(FrameFiles(image, truth, stamp,
                                     None if calibration is None else calibration.intrinsics,
                                     pose))
        read = metres_png(256.0) if annotated or calibration is None else calibration.read_sweep
        found.append(FileSequence(drive.resolve().name, frames, read))
    return found


READER = Reader('kitti', 'YYYY_MM_DD/YYYY_MM_DD_drive_NNNN_sync/{image_02,velodyne_points}/data, '
                'calib_*.txt', lambda folder: bool(_drives(folder)), _sequences,
                ('lidar', 'camera'))

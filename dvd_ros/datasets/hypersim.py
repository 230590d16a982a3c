"""
Hypersim (Roberts et al., ICCV 2021).

``ai_VVV_NNN/images/scene_cam_XX_final_hdf5/frame.IIII.color.hdf5`` (linear, tone-mapped here as
the data set's own script does it) or, where there is none, ``scene_cam_XX_final_preview/
frame.IIII.tonemap.jpg``; ``scene_cam_XX_geometry_hdf5/frame.IIII.depth_meters.hdf5``: the distance
along the ray in metres, turned into depth along the optical axis. The field of view is 60 degrees
across (886.81 pixels at 1024); scenes with a shifted lens are treated alike. Poses:
``_detail/cam_XX/camera_keyframe_{positions,orientations}.hdf5``, camera (right, up, backward) to
world, in asset units of ``_detail/metadata_scene.csv``. Stamps are nominal, 1 Hz: the path jumps.
A split is train, val or test of ``metadata_images_split_scene_v1.csv`` in the folder.

Source: README.md and scene_generate_images_tonemap.py of apple/ml-hypersim; its issue 9 for depth.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from dvd_ros.capture.source import read_image
from dvd_ros.datasets.files import FileSequence, FrameFiles, paired
from dvd_ros.datasets.hdf5 import h5py_module, read_array
from dvd_ros.datasets.reader import Reader
from dvd_ros.datasets.sequence import BadSample, Sequence
from dvd_ros.datasets.skipped import Skipped
from dvd_ros.geometry.intrinsics import Intrinsics

_SPLITS = 'metadata_images_split_scene_v1.csv'
# Right, down, forward of the optical frame in the axes right, up, backward.
_OPTICAL = np.diag([1.0, -1.0, -1.0])
_CAMERA = Intrinsics.from_hfov(1024, 768, np.radians(60.0))
_NAME = 'frame.{:04d}.'


def _read_depth(path: Path) -> np.ndarray:
    distance = read_array(path).astype(np.float32)
    if distance.ndim != 2:
        raise ValueError(f'should be [H,W], got {list(distance.shape)}')
    height, width = distance.shape
    camera = _CAMERA.scaled(width, height)
    x = (np.arange(width) - camera.cx) / camera.fx
    y = (np.arange(height) - camera.cy) / camera.fy
    depth = distance / np.sqrt(x ** 2 + y[:, None] ** 2 + 1.0).astype(np.float32)
    return np.where(depth > 0.0, depth, np.float32(np.nan))


def _read_rgb(path: Path) -> np.ndarray:
    if path.suffix == '.jpg':
        return read_image(path)
    linear = read_array(path).astype(np.float32)
    if linear.ndim != 3 or linear.shape[2] != 3:
        raise ValueError(f'should be [H,W,3], got {list(linear.shape)}')
    brightness = linear @ np.array([0.3, 0.59, 0.11], np.float32)
    entities = path.parent.with_name(path.parent.name.replace('_final_', '_geometry_')) / \
        path.name.replace('.color.', '.render_entity_id.')
    if entities.is_file():  # else all pixels count, those with nothing in them too
        brightness = brightness[read_array(entities) != -1]
    scale = 1.0
    if brightness.size:
        # The 90 % quantile becomes 0.8 after gamma.
        bright = float(np.percentile(brightness, 90))
        scale = 0.0 if bright < 1e-4 else 0.8 ** 2.2 / bright
    shown = np.maximum(scale * linear, 0.0) ** (1.0 / 2.2)
    return (np.nan_to_num(np.clip(shown, 0.0, 1.0)) * 255.0).round().astype(np.uint8)


def _poses(detail: Path, camera: str, skipped: Skipped) -> list[np.ndarray]:
    path = detail / 'metadata_scene.csv'
    try:
        with path.open(newline='') as file:
            metres = float({row[0]: row[1] for row in csv.reader(file) if len(row) > 1}[
                'meters_per_asset_unit'])
        path = detail / camera / 'camera_keyframe_positions.hdf5'
        places = read_array(path) * metres
        path = path.with_name('camera_keyframe_orientations.hdf5')
        turns = read_array(path) @ _OPTICAL
        return [np.column_stack(pair) for pair in zip(turns, places, strict=True)]
    except (OSError, ValueError, KeyError) as error:
        reason = 'damaged poses' if path.is_file() else 'missing poses'
        skipped.add(BadSample(path, reason, str(error)), whole_file=True)
        return []


def _cameras(folder: Path) -> list[Path]:
    """The folders of depth; those of images stand beside them."""
    return sorted(path for pattern in ('', '*/', '*/*/')
                  for path in folder.glob(f'{pattern}images/scene_cam_*_geometry_hdf5'))


def _split(folder: Path, split: str) -> set[tuple[str, str, int]]:
    path = next((path for path in (folder / _SPLITS, folder.parent / _SPLITS) if path.is_file()),
                None)
    if path is None or split not in ('train', 'val', 'test'):
        raise ValueError(f'hypersim has the splits train, val and test of {_SPLITS}, which has to '
                         f'be in {folder} or above it; got {split!r}')
    with path.open(newline='') as file:
        return {(row['scene_name'], row['camera_name'], int(row['frame_id']))
                for row in csv.DictReader(file) if row['split_partition_name'] == split}


def _sequences(folder: Path, split: str, skipped: Skipped) -> list[Sequence]:
    h5py_module()
    wanted = _split(folder, split) if split else None
    scenes = {name for name, _, _ in wanted or ()}
    found: list[Sequence] = []
    for geometry in _cameras(folder):
        scene = geometry.parents[1].resolve()
        if wanted is not None and scene.name not in scenes:
            continue
        camera = geometry.name.removeprefix('scene_').removesuffix('_geometry_hdf5')
        rgb, name = geometry.with_name(f'scene_{camera}_final_hdf5'), _NAME + 'color.hdf5'
        if not any(rgb.glob('*.color.hdf5')):
            rgb, name = geometry.with_name(f'scene_{camera}_final_preview'), _NAME + 'tonemap.jpg'
        pairs = paired(rgb, name, geometry, _NAME + 'depth_meters.hdf5', skipped)
        pairs = [pair for pair in pairs
                 if wanted is None or (scene.name, camera, pair[0]) in wanted]
        if not pairs:
            continue
        poses = _poses(scene / '_detail', camera, skipped)
        frames = [FrameFiles(image, truth, number * 10 ** 9, _CAMERA,
                             poses[number] if number < len(poses) else None)
                  for number, image, truth in pairs]
        found.append(FileSequence(f'{scene.name}/{camera}', frames, _read_depth, _read_rgb))
    return found


READER = Reader('hypersim', 'ai_VVV_NNN/images/scene_cam_XX_{final_hdf5,geometry_hdf5}/',
                lambda folder: bool(_cameras(folder)), _sequences)

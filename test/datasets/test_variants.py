"""What single kinds have besides: splits, other forms, our own scenes."""

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvd_ros.capture import write_clip
from dvd_ros.datasets import BadSample, open_dataset
from dvd_ros.geometry import Intrinsics

SHARED = Path(__file__).resolve().parents[3] / 'shared' / 'data'


def shard(path, clips=2, frames=3):
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (clips, frames, 8, 12, 3), dtype=np.uint8)
    disparity = rng.uniform(0.1, 2.0, (clips, frames, 8, 12)).astype(np.float16)
    disparity[:, :, 0] = 0.0
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, images=images, disparity=disparity, seed=7)
    return images, disparity.astype(np.float32)


def test_shards(tmp_path):
    images, disparity = shard(tmp_path / 'shard_0000007.npz')
    shard(tmp_path / 'shard_0000009.part.npz')  # not finished
    dataset = open_dataset('', tmp_path)
    assert dataset.kind == 'rendered'
    assert [sequence.name for sequence in dataset.sequences] == [
        'shard_0000007/000', 'shard_0000007/001']
    sample = dataset.sequences[1][2]
    assert np.array_equal(sample.image, images[1, 2])
    assert np.isposinf(sample.depth[0]).all()
    assert np.allclose(sample.depth[1:], 1 / disparity[1, 2, 1:])
    with pytest.raises(IndexError):
        dataset.sequences[0][3]


def test_damaged_shards(tmp_path):
    shard(tmp_path / 'shard_0000000.npz')
    shard(tmp_path / 'shard_0000001.npz')
    (tmp_path / 'shard_0000002.npz').write_bytes(
        (tmp_path / 'shard_0000001.npz').read_bytes()[:-500])
    np.savez(tmp_path / 'shard_0000003.npz', images=np.zeros((1, 2, 4, 4, 3), np.uint8),
             disparity=np.zeros((1, 2, 4, 5), np.float16))
    dataset = open_dataset('rendered', tmp_path)
    assert dataset.frames == 12
    assert dataset.skipped.files == {'damaged shard': 1, 'depth of another size': 1}
    assert 'shard_0000002.npz' in str(dataset.skipped)
    (tmp_path / 'shard_0000001.npz').write_bytes(b'')  # lost after it was listed
    with pytest.raises(BadSample, match='damaged shard'):
        dataset.sequences[-1][0]


def test_clips(tmp_path):
    images = np.stack([np.full((48, 64, 3), 40 + 20 * n, np.uint8) for n in range(5)])
    depth = np.stack([np.linspace(1 + n, 4 + n, 48 * 64).reshape(48, 64) for n in range(5)])
    for name in ('first', 'second'):
        write_clip(tmp_path / name, images, depth, Intrinsics(64, 48, 60.0, 60.0, 31.5, 23.5),
                   10.0, depth_step=1)
    (tmp_path / 'second' / 'clip.mp4').write_bytes(b'no video')
    dataset = open_dataset('', tmp_path)
    first, second = dataset.sequences
    assert (first.name, len(first), second.name) == ('first', 5, 'second')
    for index in (3, 4, 0, 2):  # forwards and back
        sample = first[index]
        assert abs(int(sample.image.mean()) - 40 - 20 * index) < 6
        assert np.allclose(sample.depth, depth[index], rtol=5e-3)
        assert sample.stamp == index * 10 ** 8
        assert sample.intrinsics.fx == 60.0
    with pytest.raises(BadSample, match='damaged clip'):
        second[0]


def test_kitti_annotated(make):
    made = make('kitti')
    drive = '2011_09_26_drive_0001_sync'
    place = made.folder / 'val' / drive / 'proj_depth' / 'groundtruth' / 'image_02'
    place.mkdir(parents=True)
    sparse = np.zeros((37, 124), np.uint16)
    sparse[20, 30] = 5 * 256
    assert cv2.imwrite(str(place / '0000000001.png'), sparse)
    dataset = open_dataset('kitti', made.folder)
    assert dataset.frames == 1
    assert dataset.skipped.frames == 0  # the others are not of the annotated
    sample = dataset.sequences[0][0]
    assert sample.depth[20, 30] == 5.0
    assert np.isnan(sample.depth).sum() == sparse.size - 1
    assert sample.stamp == pytest.approx(made.stamps[1], abs=1000)
    assert open_dataset('kitti', made.folder, 'val').frames == 1
    with pytest.raises(ValueError, match='no frame of kitti, split train'):
        open_dataset('kitti', made.folder, 'train')
    assert open_dataset('kitti', made.folder, lidar='points').frames == 3
    with pytest.raises(ValueError, match="got 'radar'"):
        open_dataset('kitti', made.folder, lidar='radar')


def test_kitti_hidden_points_are_dropped(make):
    made = make('kitti')
    sweep = np.fromfile(made.depths[0], np.float32).reshape(-1, 4)
    behind = sweep.copy()
    behind[:, :3] *= 3.0
    np.concatenate([behind, sweep[::2]]).tofile(made.depths[0])
    depth = open_dataset('kitti', made.folder).sequences[0][0].depth
    known = np.isfinite(depth)
    assert known.mean() > 0.3
    assert (depth[known] / made.truth[0][known]).max() < 1.3


def test_kitti_without_calibration(make):
    made = make('kitti')
    (made.folder / '2011_09_26' / 'calib_velo_to_cam.txt').unlink()
    with pytest.raises(ValueError, match=r'3 uncalibrated depth.*1 missing calibration'):
        open_dataset('kitti', made.folder)


def test_tartanair_v2(tmp_path):
    place = tmp_path / 'Ocean' / 'Data_hard' / 'P000'
    depth = np.linspace(1, 30, 64 * 64).reshape(64, 64).astype(np.float32)
    for part in ('image_lcam_front', 'depth_lcam_front'):
        (place / part).mkdir(parents=True)
    cv2.imwrite(str(place / 'image_lcam_front' / '000000_lcam_front.png'),
                np.zeros((64, 64, 3), np.uint8))
    cv2.imwrite(str(place / 'depth_lcam_front' / '000000_lcam_front_depth.png'),
                depth[..., None].view(np.uint8))
    (place / 'pose_lcam_front.txt').write_text('1 2 3 0 0 0 1\n')
    sample = open_dataset('', tmp_path, 'Hard').sequences[0][0]
    assert np.array_equal(sample.depth, depth)
    assert sample.intrinsics.fx == pytest.approx(32.0)
    assert sample.pose[:, 2] == pytest.approx([1, 0, 0])  # looks north
    with pytest.raises(ValueError, match='no frame'):
        open_dataset('tartanair', tmp_path, 'Easy')


def test_nyuv2_labelled(tmp_path):
    h5py = pytest.importorskip('h5py', reason='the labelled file is HDF5')
    images = np.random.default_rng(2).integers(0, 256, (3, 3, 20, 15), dtype=np.uint8)
    depths = np.random.default_rng(3).uniform(1, 5, (3, 20, 15)).astype(np.float32)
    with h5py.File(tmp_path / 'nyu_depth_v2_labeled.mat', 'w') as file:
        file['images'], file['depths'] = images, depths
    dataset = open_dataset('', tmp_path)
    assert [(sequence.name, len(sequence)) for sequence in dataset.sequences] == [
        ('0001', 1), ('0002', 1), ('0003', 1)]
    sample = dataset.sequences[1][0]
    assert sample.image[4, 7].tolist() == images[1, :, 7, 4].tolist()
    assert sample.depth[4, 7] == depths[1, 7, 4]
    with pytest.raises(ValueError, match=r'splits\.mat'):
        open_dataset('nyuv2', tmp_path, 'test')
    scipy_io = pytest.importorskip('scipy.io', reason='splits.mat needs SciPy')
    scipy_io.savemat(tmp_path / 'splits.mat', {'testNdxs': [[1], [3]], 'trainNdxs': [[2]]})
    chosen = open_dataset('nyuv2', tmp_path, 'test').sequences
    assert [sequence.name for sequence in chosen] == ['0001', '0003']
    (tmp_path / 'nyu_depth_v2_labeled.mat').write_bytes(b'no HDF5')
    with pytest.raises(ValueError, match='1 damaged file'):
        open_dataset('nyuv2', tmp_path)


def test_nyuv2_stills_of_a_split(make, tmp_path):
    made = make('nyuv2')
    stills = tmp_path / 'data' / 'official_splits' / 'test' / 'bathroom'
    shutil.copytree(made.images[0].parent, stills)
    dataset = open_dataset('nyuv2', made.folder, 'test')
    assert [len(sequence) for sequence in dataset.sequences] == [1, 1, 1]
    assert dataset.sequences[2].name == 'official_splits/test/bathroom/00002'


def test_hypersim_tone_mapping_preview_and_split(make):
    made = make('hypersim')
    dark = np.full((48, 64, 3), 0.01, np.float16)
    dark[:, :4] = 0.001
    made.write_image(made.images[0], dark.astype(float) * 255)
    image = open_dataset('hypersim', made.folder).sequences[0][0].image
    assert image[20, 30].tolist() == [204, 204, 204]  # 0.8
    assert image[20, 1, 0] == pytest.approx(204 * 0.1 ** (1 / 2.2), abs=2)

    preview = made.images[0].parent.with_name('scene_cam_00_final_preview')
    shutil.rmtree(made.images[0].parent)
    preview.mkdir()
    for n in (0, 2):
        cv2.imwrite(str(preview / f'frame.{n:04d}.tonemap.jpg'), np.full((48, 64, 3), 90, np.uint8))
    (made.folder / 'metadata_images_split_scene_v1.csv').write_text(
        'scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,'
        'split_partition_name\nai_001_002,cam_00,2,True,,train\nai_001_002,cam_00,0,True,,val\n')
    dataset = open_dataset('hypersim', made.folder, 'train')
    assert dataset.skipped.counts == {'missing image': 1}
    (sequence,) = dataset.sequences
    assert [frame.stamp for frame in sequence.files] == [2 * 10 ** 9]
    assert sequence[0].image.mean() == 90


def test_scannet_split_and_lost_pose(make):
    made = make('scannet')
    pose = made.folder / 'scene0000_00' / 'pose'
    (pose / '1.txt').write_text('-inf ' * 16)
    (pose / '2.txt').write_text('1 2 3')
    (sequence,) = open_dataset('scannet', made.folder).sequences
    assert sequence[1].pose is None
    with pytest.raises(BadSample, match='damaged pose'):
        sequence[2]
    with pytest.raises(ValueError, match=r'scannetv2_val\.txt'):
        open_dataset('scannet', made.folder, 'val')
    (made.folder / 'scannetv2_val.txt').write_text('scene0000_00\nscene0001_00\n')
    assert open_dataset('scannet', made.folder, 'val').frames == 3


def test_own_recording_with_poses_and_bonn_without(make):
    made = make('tum')
    place = made.images[0].parents[1]
    (place / 'poses.txt').write_text('# row by row\n' + ('1 0 0 5 0 1 0 6 0 0 1 7 0 0 0 1\n' * 3))
    (place / 'camera.json').write_text('{"width": 128, "height": 96, "fx": 99, "fy": 99, '
                                       '"cx": 60, "cy": 50, "depth_scale": 2500}')
    sample = open_dataset('', place).sequences[0][0]
    assert sample.pose[:, 3].tolist() == [5, 6, 7]
    assert sample.intrinsics.fx == 99
    assert np.nanmax(np.abs(sample.depth / made.truth[0] - 2)) < 1e-2
    for name in ('poses.txt', 'camera.json'):
        (place / name).unlink()
    bonn = place.rename(place.with_name('rgbd_bonn_balloon'))
    sample = open_dataset('tum', bonn).sequences[0][0]
    assert sample.pose is None
    assert sample.intrinsics.fx == pytest.approx(542.822841 / 5)


def test_a_depth_too_far_in_time_is_missing(make):
    made = make('tum')
    path = made.folder / 'rgbd_dataset_freiburg2_desk' / 'depth.txt'
    path.write_text(''.join(path.read_text().splitlines(True)[:-1]))
    dataset = open_dataset('tum', made.folder)
    assert dataset.frames == 2
    assert dataset.skipped.counts == {'missing depth': 1}


def test_kinds_and_options_that_do_not_exist(make, tmp_path):
    made = make('sintel')
    with pytest.raises(ValueError, match="kind 'nuscenes'.*choose of hypersim, vkitti2"):
        open_dataset('nuscenes', made.folder)
    with pytest.raises(ValueError, match=r'is no kitti data set: it holds training; needed is'):
        open_dataset('kitti', made.folder)
    with pytest.raises(ValueError, match="no option 'lidar': it has rendering"):
        open_dataset('sintel', made.folder, lidar='points')
    with pytest.raises(ValueError, match="no split to choose from, got split 'test'"):
        open_dataset('sintel', made.folder, 'test')
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'notes.txt').touch()
    with pytest.raises(ValueError, match=r'no known layout: it holds notes\.txt; known are'):
        open_dataset('', tmp_path / 'other')
    with pytest.raises(FileNotFoundError, match='there is no folder'):
        open_dataset('', tmp_path / 'nowhere')


def test_hdf5_asks_for_what_is_not_installed(make, monkeypatch):
    made = make('hypersim')
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(ImportError, match=r'need h5py: pip install -r requirements/datasets\.txt'):
        open_dataset('hypersim', made.folder)


@pytest.mark.skipif(not (SHARED / 'sevenscenes_redkitchen').is_dir(),
                    reason='needs shared/data/sevenscenes_redkitchen')
def test_real_recording_fits_together():
    """Half a second later the same points of the kitchen have the depth that its poses foretell."""
    (sequence,) = open_dataset('', SHARED / 'sevenscenes_redkitchen').sequences
    first, second = sequence[10], sequence[25]
    camera = first.intrinsics
    v, u = (axis[::8, ::8].ravel() for axis in np.mgrid[0:480, 0:640])
    z = first.depth[v, u].astype(float)
    seen = np.stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z], axis=-1)
    world = seen @ first.pose[:, :3].T + first.pose[:, 3]
    there = (world - second.pose[:, 3]) @ second.pose[:, :3]
    with np.errstate(invalid='ignore'):
        u = np.round(camera.fx * there[:, 0] / there[:, 2] + camera.cx)
        v = np.round(camera.fy * there[:, 1] / there[:, 2] + camera.cy)
        inside = (u >= 0) & (u < 640) & (v >= 0) & (v < 480)
    found = second.depth[v[inside].astype(int), u[inside].astype(int)]
    error = np.abs(found / there[inside, 2] - 1)
    unmoved = np.abs(second.depth[::8, ::8].ravel() / z - 1)
    assert np.nanmedian(error) < 0.015
    assert np.nanmedian(error) < 0.5 * np.nanmedian(unmoved)


def test_vkitti2_archives_unpacked_apart(make):
    made = make('vkitti2')
    whole = open_dataset('vkitti2', made.folder).sequences[0]
    place = made.folder / 'Scene01' / 'clone'
    for part, path in (('rgb', 'frames/rgb'), ('depth', 'frames/depth'),
                       ('textgt', 'intrinsic.txt'), ('textgt', 'extrinsic.txt')):
        target = made.folder / f'vkitti_2.0.3_{part}' / 'Scene01' / 'clone' / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (place / path).rename(target)
    shutil.rmtree(made.folder / 'Scene01')
    dataset = open_dataset('', made.folder)
    (sequence,) = dataset.sequences
    assert not dataset.skipped.files
    assert (sequence.name, len(sequence)) == (whole.name, 3)
    assert np.isfinite(sequence[2].depth).any()
    assert sequence[2].pose is not None
    assert sequence[2].intrinsics is not None

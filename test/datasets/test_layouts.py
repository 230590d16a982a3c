"""Every kind in its own layout: units, sky, cameras, poses; and what is broken is counted."""

import shutil

import numpy as np
import pytest

from dvd_ros.datasets import BadSample, detect, open_dataset

PLANES = {'kitti': ([2.0, -0.3, 0.1], 12.0)}


def test_frames_are_as_they_were_made(made):
    dataset = open_dataset('', made.folder)
    (sequence,) = dataset.sequences
    assert detect(made.folder) == dataset.kind == made.kind
    assert len(sequence) == dataset.frames == 3
    assert str(dataset.skipped) == 'skipped 0 of 3 frames'
    for index, truth in enumerate(made.truth):
        sample = sequence[index]
        assert sample.image.dtype == np.uint8
        assert sample.image.shape == (*truth.shape, 3)
        assert sample.depth.dtype == np.float32
        assert np.array_equal(np.isposinf(sample.depth), np.isposinf(truth))
        known = np.isfinite(sample.depth)
        assert known.mean() > 0.5
        assert np.abs(sample.depth[known] / truth[known] - 1).max() < made.error
        assert sample.stamp == pytest.approx(made.stamps[index], abs=1000)
        camera = sample.intrinsics
        assert (camera.height, camera.width) == truth.shape
        assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx(made.camera, rel=1e-4)
        assert (sample.pose is not None) == made.has_poses
    for beyond in (3, -1):
        with pytest.raises(IndexError):
            sequence[beyond]


def test_one_sequence_alone(made):
    """The folder may be that of a scene or a recording."""
    place = made.folder / {
        'vkitti2': 'Scene01/clone', 'tartanair': 'hospital/Easy/P001', 'scannet': 'scene0000_00',
        'tum': 'rgbd_dataset_freiburg2_desk', 'sintel': 'training', 'hypersim': 'ai_001_002',
        'nyuv2': 'sync/kitchen_0001', 'kitti': '2011_09_26/2011_09_26_drive_0001_sync'}[made.kind]
    dataset = open_dataset('', place)
    assert dataset.kind == made.kind
    assert dataset.frames == 3
    assert not dataset.skipped.files
    assert (dataset.sequences[0][1].pose is not None) == made.has_poses


def test_images_are_rgb(made):
    image = open_dataset('', made.folder).sequences[0][0].image.astype(int)
    middle = image[image.shape[0] // 2]
    # Red grows to the right, blue is even: whatever the file, and whatever tone mapping does.
    assert middle[-3, 0] > middle[3, 0] + 60
    assert abs(middle[-3, 2] - middle[3, 2]) < 20


def test_poses_take_all_frames_to_one_plane(made):
    if not made.has_poses:
        pytest.skip(f'{made.kind} states no poses')
    (sequence,) = open_dataset('', made.folder).sequences
    first, second = sequence[0], sequence[2]
    normal, offset = PLANES.get(made.kind, ([0.2, -0.3, 1.0], 6.0))
    v, u = np.nonzero(np.isfinite(first.depth))
    world = points(first, u, v)
    assert np.abs(world @ normal - offset).max() < 4 * made.error * offset
    # From the first frame into the last: the pixel hit there has that depth.
    seen = (world - second.pose[:, 3]) @ second.pose[:, :3]
    camera = second.intrinsics
    u = camera.fx * seen[:, 0] / seen[:, 2] + camera.cx
    v = camera.fy * seen[:, 1] / seen[:, 2] + camera.cy
    height, width = second.depth.shape
    inside = (u > 0) & (u < width - 1) & (v > 0) & (v < height - 1) & (seen[:, 2] > 0)
    assert inside.sum() > 50
    there = second.depth[np.round(v[inside]).astype(int), np.round(u[inside]).astype(int)]
    finite = np.isfinite(there)
    # Half a pixel off on a slanted plane.
    assert np.abs(there[finite] / seen[inside][finite, 2] - 1).max() < 0.06


def points(sample, u, v):
    camera, z = sample.intrinsics, sample.depth[v, u].astype(float)
    seen = np.stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z], axis=-1)
    return seen @ sample.pose[:, :3].T + sample.pose[:, 3]


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[:len(data) // 2 + 1])


DAMAGES = {
    'damaged image': lambda made: cut(made.images[1]),
    'damaged depth': lambda made: cut(made.depths[1]),
    'depth of another size': lambda made: made.write_image(
        made.images[1], np.full((40, 30, 3), 90, np.uint8)),
}


@pytest.mark.parametrize('reason', DAMAGES)
def test_damaged_frame_is_named_and_the_others_are_read(made, reason):
    DAMAGES[reason](made)
    dataset = open_dataset('', made.folder)
    (sequence,) = dataset.sequences
    with pytest.raises(BadSample) as raised:
        sequence[1]
    assert raised.value.reason == reason
    at_fault = made.images[1] if reason == 'damaged image' else made.depths[1]
    assert raised.value.path == at_fault
    dataset.skipped.add(raised.value)
    assert str(dataset.skipped) == f'skipped 1 of 3 frames: 1 {reason} (first: {at_fault})'
    assert np.isfinite(sequence[0].depth).any()
    assert np.isfinite(sequence[2].depth).any()


@pytest.mark.parametrize('what', ['image', 'depth'])
def test_missing_file_is_counted(made, what):
    missing = (made.images if what == 'image' else made.depths)[1]
    missing.unlink()
    dataset = open_dataset('', made.folder)
    if made.kind == 'tum':  # its lists name files, which are not looked for
        with pytest.raises(BadSample, match=f'missing {what}') as raised:
            dataset.sequences[0][1]
        dataset.skipped.add(raised.value)
    else:
        assert [sequence.files[1].image for sequence in dataset.sequences] == [made.images[2]]
    assert dataset.skipped.counts == {f'missing {what}': 1}
    assert dataset.skipped.examples == {f'missing {what}': [str(missing)]}
    assert dataset.skipped.total == 3


def test_file_lost_after_listing(made):
    (sequence,) = open_dataset('', made.folder).sequences
    made.depths[0].unlink()
    with pytest.raises(BadSample, match='missing depth'):
        sequence[0]


def test_empty_folders(made):
    """First without one file, then with nothing at all."""
    for path in [path for path in made.folder.rglob('*') if path.is_file()]:
        path.unlink()
    with pytest.raises(ValueError, match=made.folder.name):
        open_dataset(made.kind, made.folder)
    shutil.rmtree(made.folder)
    made.folder.mkdir()
    for kind in (made.kind, ''):
        with pytest.raises(ValueError, match='is empty'):
            open_dataset(kind, made.folder)


@pytest.mark.parametrize(('kind', 'name', 'reason'), [
    ('vkitti2', 'extrinsic.txt', 'poses'), ('tartanair', 'pose_left.txt', 'poses'),
    ('tum', 'groundtruth.txt', 'poses'), ('hypersim', 'metadata_scene.csv', 'poses'),
    ('sintel', 'frame_0002.cam', 'camera'), ('scannet', 'intrinsic_color.txt', 'intrinsics'),
    ('kitti', 'timestamps.txt', 'timestamps'), ('kitti', 'calib_imu_to_velo.txt', None)])
def test_damaged_list_is_named_and_costs_no_frame(make, kind, name, reason):
    made = make(kind)
    (path,) = made.folder.rglob(name)
    path.write_text('1.0 no list 2.0\n')
    dataset = open_dataset(kind, made.folder)
    assert dataset.frames == 3
    if reason:
        assert dataset.skipped.files == {f'damaged {reason}': 1}
        assert str(path) in str(dataset.skipped)
    assert np.isfinite(dataset.sequences[0][1].depth).any()
    if reason == 'poses' or name == 'calib_imu_to_velo.txt':
        assert dataset.sequences[0][1].pose is None

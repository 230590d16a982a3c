"""Tiny data sets of each kind in its true layout: cameras that move before one slanted plane."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

NORMAL, OFFSET = np.array([0.2, -0.3, 1.0]), 6.0
FRAMES = 3


@dataclass
class Made:
    """What a data set was made of: NORMAL . X = OFFSET in the world of its poses."""

    kind: str
    folder: Path
    images: list[Path]
    depths: list[Path]
    truth: list[np.ndarray]
    camera: tuple[float, float, float, float]
    stamps: list[int]
    write_image: Callable[[Path, np.ndarray], None]
    error: float = 1e-4  # of depth, relative: what the format rounds off
    has_poses: bool = True


def picture(width, height, frame=0):
    v, u = np.mgrid[0:height, 0:width]
    return np.stack([u * 255 // width, v * 255 // height, np.full_like(u, 60 + 20 * frame)],
                    axis=-1).astype(np.uint8)


def write_rgb(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1])


def write_png16(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.round(values).astype(np.uint16))


def pose(frame):
    """Camera to world, 4x4."""
    matrix = np.eye(4)
    matrix[:3, :3] = cv2.Rodrigues(np.array([0.05, -0.08, 0.1]) * (frame + 1))[0]
    matrix[:3, 3] = [0.3 * frame, -0.1, 0.2 * frame]
    return matrix


def directions(camera, width, height):
    fx, fy, cx, cy = camera
    v, u = np.mgrid[0:height, 0:width].astype(float)
    return np.stack([(u - cx) / fx, (v - cy) / fy, np.ones_like(u)], axis=-1)


def plane_depth(camera, width, height, to_world):
    rays = directions(camera, width, height)
    return (OFFSET - NORMAL @ to_world[:3, 3]) / (rays @ to_world[:3, :3].T @ NORMAL)


def quaternion(rotation):
    vector = cv2.Rodrigues(rotation)[0].ravel()
    angle = np.linalg.norm(vector)
    return [*(np.sin(angle / 2) * vector / angle), np.cos(angle / 2)]


def row(*values):
    return ' '.join(f'{value:.17g}' for value in values)


def plain(folder, kind, size, camera, image, depth, write_depth, rate, **more):
    """Make images and depths; ``image`` and ``depth`` name them by number."""
    truth = [plane_depth(camera, *size, pose(frame)) for frame in range(FRAMES)]
    made = Made(kind, folder, [folder / image(n) for n in range(FRAMES)],
                [folder / depth(n) for n in range(FRAMES)], truth, camera,
                [round(n * 1e9 / rate) for n in range(FRAMES)], write_rgb, **more)
    for n in range(FRAMES):
        made.depths[n].parent.mkdir(parents=True, exist_ok=True)
        write_rgb(made.images[n], picture(*size, n))
        write_depth(made.depths[n], truth[n])
    return made


def scaled(camera, factor):
    fx, fy, cx, cy = camera
    return fx * factor, fy * factor, (cx + 0.5) * factor - 0.5, (cy + 0.5) * factor - 0.5


def vkitti2(folder):
    place = folder / 'Scene01' / 'clone'
    full = (725.0087, 725.0087, 620.5, 187.0)
    made = plain(folder, 'vkitti2', (414, 125), scaled(full, 1 / 3),
                 lambda n: place / f'frames/rgb/Camera_0/rgb_{n:05d}.jpg',
                 lambda n: place / f'frames/depth/Camera_0/depth_{n:05d}.png',
                 lambda path, z: write_png16(path, np.where(z > 8, 65535, z * 100)), 10.0,
                 error=2e-3)
    made.truth = [np.where(z > 8, np.inf, z) for z in made.truth]
    rows = [(n, c) for n in range(FRAMES) for c in (0, 1)]
    (place / 'intrinsic.txt').write_text('frame cameraID K[0,0] K[1,1] K[0,2] K[1,2]\n' + '\n'.join(
        row(n, c, *(full if c == 0 else (1, 1, 1, 1))) for n, c in rows) + '\n')
    (place / 'extrinsic.txt').write_text('frame cameraID r1,1 ...\n' + '\n'.join(
        row(n, c, *(np.linalg.inv(pose(n)) + c).ravel()) for n, c in rows) + '\n')
    return made


def tartanair(folder):
    place = folder / 'hospital' / 'Easy' / 'P001'
    made = plain(folder, 'tartanair', (64, 48), scaled((320.0, 320.0, 320.0, 240.0), 0.1),
                 lambda n: place / f'image_left/{n:06d}_left.png',
                 lambda n: place / f'depth_left/{n:06d}_left_depth.npy',
                 lambda path, z: np.save(path, np.where(z > 8, 10000, z).astype(np.float32)), 10.0)
    made.truth = [np.where(z > 8, np.inf, z) for z in made.truth]
    lines = []
    for n in range(FRAMES):
        right, down, forward = pose(n)[:3, :3].T
        lines.append(row(*pose(n)[:3, 3], *quaternion(np.column_stack([forward, right, down]))))
    (place / 'pose_left.txt').write_text('\n'.join(lines) + '\n')
    return made


def tum(folder):
    place = folder / 'rgbd_dataset_freiburg2_desk'
    start = 1311868164.363181
    made = plain(folder, 'tum', (128, 96), scaled((520.9, 521.0, 325.1, 249.7), 0.2),
                 lambda n: place / f'rgb/{n}.png', lambda n: place / f'depth/{n}.png',
                 lambda path, z: write_png16(path, z * 5000), 30.0, error=1e-3)
    stamps = [f'{start + n / 30:.6f}' for n in range(FRAMES)]
    made.stamps = [int(stamp.replace('.', '')) * 1000 for stamp in stamps]
    (place / 'rgb.txt').write_text('# color images\n' + ''.join(
        f'{stamp} rgb/{n}.png\n' for n, stamp in enumerate(stamps)))
    (place / 'depth.txt').write_text('# depth maps\n' + ''.join(
        f'{start + n / 30 + 0.004:.6f} depth/{n}.png\n' for n in range(FRAMES)))
    (place / 'groundtruth.txt').write_text('# timestamp tx ty tz qx qy qz qw\n' + ''.join(
        f'{start + n / 30 + 0.002:.4f} {row(*pose(n)[:3, 3], *quaternion(pose(n)[:3, :3]))}\n'
        for n in range(FRAMES)))
    return made


def scannet(folder):
    place = folder / 'scene0000_00'
    full = (1170.1, 1170.2, 647.75, 483.75)
    fx, fy, cx, cy = full
    sx, sy = 64 / 1296, 48 / 968
    camera = (fx * sx, fy * sy, (cx + 0.5) * sx - 0.5, (cy + 0.5) * sy - 0.5)
    made = plain(folder, 'scannet', (64, 48), camera, lambda n: place / f'color/{n}.jpg',
                 lambda n: place / f'depth/{n}.png',
                 lambda path, z: write_png16(path, z * 1000), 30.0, error=1e-3)
    for n, path in enumerate(made.images):  # colour is larger
        write_rgb(path, picture(324, 242, n))
        (place / 'pose').mkdir(exist_ok=True)
        (place / f'pose/{n}.txt').write_text('\n'.join(row(*line) for line in pose(n)))
    (place / 'intrinsic').mkdir()
    (place / 'intrinsic' / 'intrinsic_color.txt').write_text(
        f'{fx} 0 {cx} 0\n0 {fy} {cy} 0\n0 0 1 0\n0 0 0 1\n')
    return made


def sintel(folder):
    root = folder / 'training'

    def write_depth(path, z):
        height, width = z.shape
        path.write_bytes(np.float32(202021.25).tobytes() + np.int32([width, height]).tobytes()
                         + np.where(z > 8, 1e10, z).astype(np.float32).tobytes())

    full = (1120.0, 1120.0, 511.5, 217.5)
    made = plain(folder, 'sintel', (256, 109), scaled(full, 0.25),
                 lambda n: root / f'final/alley_1/frame_{n + 1:04d}.png',
                 lambda n: root / f'depth/alley_1/frame_{n + 1:04d}.dpt', write_depth, 24.0)
    made.truth = [np.where(z > 8, np.inf, z) for z in made.truth]
    cameras = root / 'camdata_left' / 'alley_1'
    cameras.mkdir(parents=True)
    k = np.array([[full[0], 0, full[2]], [0, full[1], full[3]], [0, 0, 1]])
    for n in range(FRAMES):
        (cameras / f'frame_{n + 1:04d}.cam').write_bytes(
            np.float32(202021.25).tobytes() + k.tobytes()
            + np.ascontiguousarray(np.linalg.inv(pose(n))[:3]).tobytes())
    return made


def nyuv2(folder):
    place = folder / 'sync' / 'kitchen_0001'
    return plain(folder, 'nyuv2', (128, 96),
                 scaled((518.857901, 519.469611, 325.582449, 253.736166), 0.2),
                 lambda n: place / f'rgb_{n:05d}.jpg', lambda n: place / f'sync_depth_{n:05d}.png',
                 lambda path, z: write_png16(path, z * 1000), 30.0, error=1e-3, has_poses=False)


def hypersim(folder):
    h5py = pytest.importorskip('h5py', reason='Hypersim needs h5py')
    place = folder / 'ai_001_002'
    metres = 0.0254

    def write(path, values):
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, 'w') as file:
            file['dataset'] = values

    def write_image(path, rgb):
        write(path, (rgb / 255.0).astype(np.float16))

    camera = (32 / np.tan(np.pi / 6), 32 / np.tan(np.pi / 6), 31.5, 23.5)
    images, depths, truth = [], [], []
    for n in range(FRAMES):
        truth.append(plane_depth(camera, 64, 48, pose(n)))
        images.append(place / f'images/scene_cam_00_final_hdf5/frame.{n:04d}.color.hdf5')
        depths.append(place / f'images/scene_cam_00_geometry_hdf5/frame.{n:04d}.depth_meters.hdf5')
        write_image(images[n], picture(64, 48, n))
        length = np.linalg.norm(directions(camera, 64, 48), axis=-1)
        write(depths[n], (truth[n] * length).astype(np.float16))
    flip = np.diag([1.0, -1.0, -1.0])
    write(place / '_detail/cam_00/camera_keyframe_orientations.hdf5',
          np.stack([pose(n)[:3, :3] @ flip for n in range(FRAMES)]))
    write(place / '_detail/cam_00/camera_keyframe_positions.hdf5',
          np.stack([pose(n)[:3, 3] / metres for n in range(FRAMES)]))
    (place / '_detail/metadata_scene.csv').write_text(
        f'parameter_name,parameter_value\nmeters_per_asset_unit,{metres}\n')
    return Made('hypersim', folder, images, depths, truth, camera,
                [n * 10 ** 9 for n in range(FRAMES)], write_image, error=2e-3)


def kitti(folder):
    day = folder / '2011_09_26'
    drive = day / '2011_09_26_drive_0001_sync'
    camera, size, baseline = (72.0, 72.0, 61.0, 17.0), (124, 37), 0.06
    turn = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
    velo_to_cam0, imu_to_velo = np.eye(4), np.eye(4)
    velo_to_cam0[:3, :3], velo_to_cam0[:3, 3] = turn, [0.0, -0.08, -0.27]
    imu_to_velo[:3, :3] = cv2.Rodrigues(np.array([0.0, 0.0, 0.02]))[0]
    imu_to_velo[:3, 3] = [-0.8, 0.3, -0.8]
    cam0_to_cam2 = np.eye(4)
    cam0_to_cam2[0, 3] = baseline
    to_cam = cam0_to_cam2 @ velo_to_cam0
    fx, fy, cx, cy = camera
    day.mkdir(parents=True)
    (day / 'calib_cam_to_cam.txt').write_text(
        'calib_time: 09-Jan-2012 13:57:47\nS_rect_02: 124 37\nR_rect_00: 1 0 0 0 1 0 0 0 1\n'
        f'P_rect_02: {fx} 0 {cx} {fx * baseline} 0 {fy} {cy} 0 0 0 1 0\n')
    for name, matrix in (('velo_to_cam', velo_to_cam0), ('imu_to_velo', imu_to_velo)):
        (day / f'calib_{name}.txt').write_text(
            f'R: {row(*matrix[:3, :3].ravel())}\nT: {row(*matrix[:3, 3])}\n')
    for part in ('image_02', 'velodyne_points', 'oxts'):
        (drive / part / 'data').mkdir(parents=True)
    images, depths, truth, times = [], [], [], []
    # East, north, up; the plane stands before the car, which drives roughly east.
    earth, latitude, longitude = 6378137.0, 49.015, 8.434
    scale = np.cos(np.radians(latitude))
    north0 = scale * earth * np.log(np.tan(np.radians(90 + latitude) / 2))
    for n in range(FRAMES):
        roll, pitch, yaw = 0.01 * n, 0.02, 0.1 * n - 0.6
        east, north, up = 0.5 * n, 0.2 * n, 0.01 * n
        rx, ry, rz = (cv2.Rodrigues(np.array(v))[0] for v in (
            [roll, 0.0, 0.0], [0.0, pitch, 0.0], [0.0, 0.0, yaw]))
        imu = np.eye(4)
        imu[:3, :3], imu[:3, 3] = rz @ ry @ rx, [east, north, up]
        to_world = imu @ np.linalg.inv(to_cam @ imu_to_velo)
        lat = np.degrees(2 * np.arctan(np.exp((north0 + north) / (scale * earth)))) - 90
        lon = longitude + np.degrees(east / (scale * earth))
        (drive / f'oxts/data/{n:010d}.txt').write_text(
            row(lat, lon, 100 + up, roll, pitch, yaw, *[0] * 24))
        z = (OFFSET * 2 - KITTI_NORMAL @ to_world[:3, 3]) / (
            directions(camera, *size) @ to_world[:3, :3].T @ KITTI_NORMAL)
        truth.append(z)
        points = np.concatenate([(directions(camera, *size) * z[..., None]).reshape(-1, 3),
                                 np.ones((z.size, 1))], axis=1) @ np.linalg.inv(to_cam).T
        images.append(drive / f'image_02/data/{n:010d}.png')
        depths.append(drive / f'velodyne_points/data/{n:010d}.bin')
        write_rgb(images[n], picture(*size, n))
        points[points[:, 0] > 0].astype(np.float32).tofile(depths[n])
        times.append(f'2011-09-26 13:02:25.{964389445 + n}')
    (drive / 'image_02' / 'timestamps.txt').write_text('\n'.join(times) + '\n')
    return Made('kitti', folder, images, depths, truth, camera,
                [1317042145964389445 + n for n in range(FRAMES)], write_rgb, error=2e-3)


KITTI_NORMAL = np.array([2.0, -0.3, 0.1])
LAYOUTS = (vkitti2, tartanair, tum, scannet, sintel, nyuv2, hypersim, kitti)


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.__name__)
def made(request, tmp_path):
    """A data set of each kind whose frames are files."""
    return request.param(tmp_path / 'data')


@pytest.fixture
def make(tmp_path):
    """A data set of a kind, by name."""
    return lambda kind: {layout.__name__: layout for layout in LAYOUTS}[kind](tmp_path / 'data')

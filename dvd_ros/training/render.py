"""Rendered clips with true depth, deterministic by seed, alone or as a folder of shards."""

from __future__ import annotations

import json
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from dvd_ros.training import places
from dvd_ros.training.camera_path import random_path
from dvd_ros.training.photograph import photograph
from dvd_ros.training.raycast import cast

STYLES = ('plain', 'rich')
_SHARE = 77  # beside a clip's seed: decides about its style, and about nothing else


@dataclass(frozen=True)
class RenderConfig:
    """
    How clips are rendered; ``street`` is the share of outdoor clips.

    ``style``: `plain` scenes of boxes and the like (places.py), or `rich` ones (rich/). ``rich``:
    the share of clips that are rich all the same where the style is plain. ``nearest``: nothing
    but a sliver of the image is nearer than this, in metres. Raises ValueError naming a bad value.
    """

    frames: int = 13
    height: int = 192
    width: int = 256
    supersample: float = 1.25
    street: float = 0.2
    nearest: float = 0.25
    style: str = 'plain'
    rich: float = 0.0

    def __post_init__(self) -> None:
        if self.frames < 1 or self.height < 16 or self.width < 16:
            raise ValueError(f'clip of {self.frames}x{self.height}x{self.width} is too small')
        if not 0 <= self.street <= 1:
            raise ValueError(f'street={self.street} must lie in 0..1')
        if self.style not in STYLES:
            raise ValueError(f'style={self.style!r} must be one of {", ".join(STYLES)}')
        if not 0 <= self.rich <= 1:
            raise ValueError(f'rich={self.rich} must lie in 0..1')

    def is_rich(self, seed: int) -> bool:
        """Whether the clip of a seed is rich; which are is the seed's alone to say."""
        if self.style == 'rich' or self.rich in (0.0, 1.0):
            return self.style == 'rich' or self.rich == 1.0
        return bool(np.random.default_rng((seed, _SHARE)).random() < self.rich)


@dataclass(frozen=True)
class Clip:
    """images uint8 [T,H,W,3] RGB; depth float32 [T,H,W] metres (inf: sky); focal in pixels.

    The principal point is the image's centre. poses float64 [T,3,4]: camera (right, down, forward)
    to world (metres, z up, the floor at z = 0).
    """

    images: np.ndarray
    depth: np.ndarray
    focal: float
    rate: float
    poses: np.ndarray | None = None


def _try_clip(seed: tuple[int, ...], config: RenderConfig) -> Clip | None:
    rng = np.random.default_rng(seed)
    scene = places.street(rng) if rng.random() < config.street else places.room(rng)
    rate = rng.uniform(8, 30)
    path = random_path(rng, scene, config.frames, rate)
    height, width = (int(round(config.supersample * n)) for n in (config.height, config.width))
    focal = width / 2 / np.tan(rng.uniform(np.radians(42), np.radians(90)) / 2)
    linear = np.empty((config.frames, config.height, config.width, 3), np.float32)
    depth = np.empty((config.frames, config.height, config.width), np.float32)
    # Frames from the middle out would not help: the first and last are the likeliest to be bad.
    for i in sorted(range(config.frames), key=lambda i: (i not in (0, config.frames - 1), i)):
        centre = scene.centre + scene.velocity * path.times[i]
        image, z = cast(height, width, focal, focal, width / 2, height / 2, path.poses[i],
                        scene.kind, scene.rot, centre, scene.half, scene.radius, scene.texture,
                        scene.texels_per_metre, scene.tint, scene.gloss, scene.textures,
                        scene.lights, scene.sky, scene.haze)
        # A camera inside furniture or with its nose on a wall films nothing worth learning.
        near, most = np.quantile(1 / z, [0.99, 0.3]) * config.nearest
        if near > 1 or most > 1 / 3:
            return None
        linear[i] = cv2.resize(image, (config.width, config.height), interpolation=cv2.INTER_AREA)
        depth[i] = cv2.resize(z, (config.width, config.height), interpolation=cv2.INTER_NEAREST)
    disparity = 1 / depth[0]  # one wall alone teaches nothing about distance
    if np.quantile(disparity, 0.98) < 1.3 * np.quantile(disparity, 0.02) + 1e-4:
        return None
    return Clip(photograph(linear, rng), depth, focal * config.width / width, rate, path.poses)


def _try_rich(seed: tuple[int, ...], config: RenderConfig) -> Clip | None:
    from dvd_ros.training.rich.clip import try_clip

    made = try_clip(np.random.default_rng(seed), config.frames, config.height, config.width,
                    config.supersample, config.street, config.nearest)
    if made is None:
        return None
    images, depth, view = made
    return Clip(images, depth, view.focal * config.width, view.rate, view.path.poses)


def render_clip(seed: int, config: RenderConfig | None = None) -> Clip:
    """The clip of a seed; scenes that a camera could not film well are skipped over."""
    config = config or RenderConfig()
    attempted = _try_rich if config.is_rich(seed) else _try_clip
    for attempt in range(200):
        clip = attempted((seed, attempt), config)
        if clip is not None:
            return clip
    raise RuntimeError(f'no filmable scene in 200 tries for seed {seed} with {config}')


def _render_shard(path: Path, first: int, count: int, config: RenderConfig) -> int:
    if path.with_suffix('.npz').exists():
        return 0
    clips = [render_clip(seed, config) for seed in range(first, first + count)]
    images = np.stack([c.images for c in clips])
    disparity = np.stack([1 / c.depth for c in clips]).astype(np.float16)
    part = path.with_suffix('.part.npz')
    np.savez(part, images=images, disparity=disparity, seed=first)
    part.rename(path.with_suffix('.npz'))
    return count


def render_folder(folder: Path, first_seed: int, clips: int, config: RenderConfig,
                  processes: int = 2, per_shard: int = 32) -> None:
    """Render ``clips`` clips into npz shards (images uint8 [N,T,H,W,3], disparity f16 [N,T,H,W]).

    Shards that exist already are kept, so an interrupted run goes on where it stopped.
    """
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / 'render.json'
    # Folders from before a field was there hold what its default now gives.
    if settings.exists() and {**asdict(RenderConfig()),
                              **json.loads(settings.read_text())} != asdict(config):
        raise ValueError(f'{folder} holds clips of other settings than {config}: choose another')
    settings.write_text(json.dumps(asdict(config)))
    started, done = time.monotonic(), 0
    with ProcessPoolExecutor(processes) as pool:
        end = first_seed + clips
        jobs = [pool.submit(_render_shard, folder / f'shard_{seed:07d}', seed,
                            min(per_shard, end - seed), config)
                for seed in range(first_seed, end, per_shard)]
        with tqdm(total=len(jobs), unit='shard', desc=f'render {folder.name}') as bar:
            for job in as_completed(jobs):
                done += job.result()
                bar.update()
    frames = done * config.frames
    print(f'{frames} frames, {frames / max(time.monotonic() - started, 1e-9):.1f} frames/s')

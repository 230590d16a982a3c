"""A long walk through one furnished hall, lap after lap, with true depth; deterministic by seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from dvd_ros.training import places
from dvd_ros.training.camera_path import orientation
from dvd_ros.training.photograph import Camera
from dvd_ros.training.raycast import cast
from dvd_ros.training.scene import Scene

# Where a hall is looked at before it is walked: poses of a lap, and their height and width.
_SCOUTED, _SCOUT_SIZE = 80, (36, 48)
# Fields of view, horizontally, and how many pixels are rendered for one along each axis.
_VIEW, _SUPERSAMPLE = np.radians(68.0), 1.25
# Metres in front of the lens that stay free (all but 1 % of the view), and in 70 % of the view.
_FREE, _OPEN = 0.45, 1.0


@dataclass(frozen=True)
class WalkConfig:
    """
    A walk of ``frames`` at ``rate`` Hz, ``lap`` frames a round; images of height x width.

    shake: how far the hand is from the lap's path, in metres, and as many half radians; it never
    repeats. With 0 every lap is the same up to the camera's noise and exposure.
    """

    frames: int = 10_000
    lap: int = 1000
    rate: float = 15.0
    height: int = 144
    width: int = 192
    shake: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if self.frames < 1 or self.lap < 8 or self.height < 16 or self.width < 16:
            raise ValueError(f'walk of {self.frames} frames of {self.height}x{self.width} in laps '
                             f'of {self.lap} is too small')
        if not (self.rate > 0 and self.shake >= 0):
            raise ValueError(f'rate must be positive and shake not negative, got {self.rate} and '
                             f'{self.shake}')


@dataclass(frozen=True, eq=False)
class WalkFrame:
    """image uint8 [H,W,3] RGB; depth float32 [H,W] metres; pose [3,4], see CameraPath."""

    image: np.ndarray
    depth: np.ndarray
    pose: np.ndarray


class Walk:
    """
    Renders the walk, any frame of it at any time; nothing is kept.

    Raises RuntimeError where no hall can be walked in 400 tries.
    """

    def __init__(self, config: WalkConfig | None = None) -> None:
        self.config = config or WalkConfig()
        self._scene, self.path = _walkable(self.config)
        views = (_view(self._scene, self.path.pose(i), *_SCOUT_SIZE)[0]
                 for i in _scouted(self.config.lap))
        light = np.array([max(float(np.median(view.mean(-1))), 1e-3) for view in views])
        middle = float(np.median(light))
        # The exposure knows the lap: so it is smooth, and a frame's does not hang on others.
        smooth = np.convolve(np.tile(np.log(light), 3), np.hanning(9)[1:-1] / 4.0, 'same')
        self._dimness = smooth[len(light):2 * len(light)] - np.log(middle)
        self._camera = Camera(np.random.default_rng((self.config.seed, 2)), middle,
                              (self.config.height, self.config.width))

    def __iter__(self) -> Iterator[WalkFrame]:
        """Render from the first frame to the last."""
        return (self.frame(i) for i in range(self.config.frames))

    def frame(self, index: int) -> WalkFrame:
        """Render frame ``index``, counted from 0."""
        pose = self.path.pose(index)
        linear, depth = _view(self._scene, pose, self.config.height, self.config.width)
        known = _scouted(self.config.lap)
        dimness = np.interp(index % self.config.lap, known, self._dimness, period=self.config.lap)
        # A camera makes up for half of the light's changes.
        image = self._camera.take(linear, np.random.default_rng((self.config.seed, 3, index)),
                                  float(np.exp(-0.5 * dimness)))
        return WalkFrame(image, depth, pose)


class WalkPath:
    """The way of a hand-held camera round a hall: a closed lap, and a hand that shakes."""

    def __init__(self, rng: np.random.Generator, scene: Scene, config: WalkConfig) -> None:
        self._lap, self._rate, self._shake = config.lap, config.rate, config.shake
        self._middle = scene.bounds.mean(axis=0)[:2] + rng.uniform(-0.3, 0.3, 2)
        self._reach = np.ptp(scene.bounds, axis=0)[:2] / 2 * rng.uniform(0.45, 0.7)
        self._bends = rng.uniform(0.0, 0.12, 2), rng.uniform(0, 2 * np.pi, 2)
        self._height = rng.uniform(1.3, 1.7)
        self._pitch = rng.uniform(-0.2, -0.05)
        # Looking about: slow to quick, times a lap.
        self._turns = np.array([2, 3, 5, 8]), rng.uniform(0, 2 * np.pi, (2, 4))
        self._hand = 2 * np.pi * rng.uniform(0.4, 2.5, (6, 3)), rng.uniform(0, 2 * np.pi, (6, 3))
        self._direction = rng.choice([-1.0, 1.0])

    def pose(self, frame: int) -> np.ndarray:
        """Camera to world [3,4] of a frame, see CameraPath."""
        angle = self._direction * 2 * np.pi * frame / self._lap
        here, ahead = self._spot(angle), self._spot(angle + self._direction * 1e-3)
        times, phases = self._turns
        swings = np.sin(times * angle + phases) / times ** 0.5
        hand = self._shake * np.sin(self._hand[0] * frame / self._rate
                                    + self._hand[1]).mean(axis=1) * 1.7
        yaw = np.arctan2(*(ahead - here)[::-1]) + 0.35 * swings[0].sum() + 0.5 * hand[0]
        pitch = self._pitch + 0.06 * swings[1].sum() + 0.5 * hand[1]
        pose = np.empty((3, 4))
        pose[:, :3] = orientation(yaw, pitch, 0.5 * hand[2])
        pose[:, 3] = [*here, self._height + 0.02 * np.sin(12 * angle)] + hand[3:]
        return pose

    def _spot(self, angle: float) -> np.ndarray:
        size, phase = self._bends
        reach = 1.0 + (size * np.sin(np.array([2, 3]) * angle + phase)).sum()
        return self._middle + self._reach * reach * np.array([np.cos(angle), np.sin(angle)])


def _scouted(lap: int) -> np.ndarray:
    return np.linspace(0, lap, min(_SCOUTED, lap), endpoint=False).astype(int)


def _walkable(config: WalkConfig) -> tuple[Scene, WalkPath]:
    """The seed's hall, and a way through it on which nothing is run over."""
    for attempt in range(400):
        rng = np.random.default_rng((config.seed, 1, attempt))
        scene = places.room(rng)
        if np.ptp(scene.bounds, axis=0)[:2].min() < 5.5:
            continue
        path = WalkPath(rng, scene, config)
        depths = (_view(scene, path.pose(i), *_SCOUT_SIZE)[1] for i in _scouted(config.lap))
        if all(np.quantile(z, 0.01) > _FREE and np.quantile(z, 0.3) > _OPEN for z in depths):
            return scene, path
    raise RuntimeError(f'no hall can be walked in 400 tries for {config}')


def _view(scene: Scene, pose: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Linear RGB float32 [H,W,3] and depth float32 [H,W]; nothing in the hall moves."""
    rows, columns = round(_SUPERSAMPLE * height), round(_SUPERSAMPLE * width)
    focal = columns / 2 / np.tan(_VIEW / 2)
    image, depth = cast(rows, columns, focal, focal, columns / 2, rows / 2, pose, scene.kind,
                        scene.rot, scene.centre, scene.half, scene.radius, scene.texture,
                        scene.texels_per_metre, scene.tint, scene.gloss, scene.textures,
                        scene.lights, scene.sky, scene.haze)
    return (cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA),
            cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST))

"""Where a camera is in a rich scene and how it moves: by hand, on wheels, in a car, on a drone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dvd_ros.training.camera_path import CameraPath, orientation, wander
from dvd_ros.training.rich.builder import RichScene


@dataclass(frozen=True)
class View:
    """The path, frames per second, and the focal length in widths of the image."""

    path: CameraPath
    rate: float
    focal: float


@dataclass
class _Motion:
    start: np.ndarray
    yaw: float
    pitch: float
    roll: float
    speed: float
    shake: float
    swing: float
    way: float
    climb: float = 0.0


def _toward(start: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Yaw and pitch of the line from one to the other."""
    line = target - start
    return (float(np.arctan2(line[1], line[0])),
            float(np.arctan2(line[2], np.hypot(line[0], line[1]))))


def _by_hand(rng: np.random.Generator, scene: RichScene) -> _Motion:
    low, high = scene.bounds
    start = rng.uniform(low, high)
    start[2] = low[2] + rng.uniform(0.8, 1.9)
    yaw, pitch = rng.uniform(-np.pi, np.pi), rng.normal(-0.2, 0.25)
    if len(scene.targets) and rng.random() < 0.75:
        target = scene.targets[int(rng.integers(len(scene.targets)))]
        yaw, pitch = _toward(start, target)
        yaw, pitch = yaw + rng.normal(0, 0.2), 0.7 * pitch + rng.normal(-0.03, 0.12)
    return _Motion(start, yaw, pitch, rng.normal(0, 0.08), rng.uniform(0, 1.2),
                   rng.uniform(0, 0.06), rng.uniform(0, 0.4),
                   yaw if rng.random() < 0.5 else rng.uniform(-np.pi, np.pi))


def _close_up(rng: np.random.Generator, scene: RichScene) -> _Motion:
    """Near something, a little above it: what is near fills much of the view."""
    motion = _by_hand(rng, scene)
    if len(scene.targets):
        target = scene.targets[int(rng.integers(len(scene.targets)))]
        away = rng.uniform(-np.pi, np.pi)
        far = rng.uniform(0.5, 1.8) if not scene.outdoors else rng.uniform(1.2, 5.0)
        motion.start = target + [far * np.cos(away), far * np.sin(away), rng.uniform(0.05, 0.7)]
        motion.start[2] = max(motion.start[2], scene.bounds[0, 2] + 0.3)
        motion.yaw, motion.pitch = _toward(motion.start, target)
        motion.yaw += rng.normal(0, 0.3)
        motion.pitch = 0.8 * motion.pitch + rng.normal(0, 0.15)
    motion.speed *= 0.4
    return motion


def _on_wheels(rng: np.random.Generator, scene: RichScene) -> _Motion:
    motion = _by_hand(rng, scene)
    motion.start[2] = scene.bounds[0, 2] + rng.uniform(0.2, 1.0)
    motion.pitch, motion.roll, motion.shake = rng.normal(0.0, 0.06), rng.normal(0, 0.01), 0.003
    motion.speed, motion.way = rng.uniform(0, 1.5), motion.yaw
    return motion


def _in_a_car(rng: np.random.Generator, scene: RichScene) -> _Motion:
    motion = _by_hand(rng, scene)
    motion.start[2] = scene.bounds[0, 2] + rng.uniform(1.1, 2.4)
    motion.yaw = float(rng.choice([0.0, 0.0, 0.0, np.pi, np.pi / 2, -np.pi / 2]))
    motion.yaw += rng.normal(0, 0.08)
    motion.pitch, motion.roll = rng.normal(-0.03, 0.05), rng.normal(0, 0.015)
    motion.speed, motion.way = rng.uniform(0, 15), 0.0
    motion.shake, motion.swing = 0.01, rng.uniform(0, 0.1)
    return motion


def _from_above(rng: np.random.Generator, scene: RichScene) -> _Motion:
    """A drone, or a camera high on a wall."""
    motion = _by_hand(rng, scene)
    top = scene.bounds[1, 2]
    motion.start[2] = rng.uniform(2.5, 9.0) if scene.outdoors else rng.uniform(0.75, 1.0) * top
    motion.pitch = rng.uniform(-0.75, -0.15)
    motion.speed, motion.climb = rng.uniform(0, 3.0 if scene.outdoors else 0.5), rng.normal(0, 0.3)
    return motion


def random_view(rng: np.random.Generator, scene: RichScene, frames: int) -> View:
    """A motion of ``frames`` poses that suits the place."""
    makers: tuple[Callable[[np.random.Generator, RichScene], _Motion], ...]
    if scene.place == 'street':
        makers = (_in_a_car, _in_a_car, _in_a_car, _by_hand, _on_wheels, _from_above, _close_up)
    elif scene.outdoors:
        makers = (_by_hand, _by_hand, _on_wheels, _from_above, _close_up)
    else:
        makers = (_by_hand, _by_hand, _by_hand, _close_up, _close_up, _on_wheels, _from_above)
    motion = makers[int(rng.integers(len(makers)))](rng, scene)
    rate = rng.uniform(8, 30)
    times = np.arange(frames) / rate
    swing = motion.swing
    yaws = motion.yaw + wander(rng, times, swing, 0.25) + rng.normal(0, swing) * times
    pitches = np.clip(motion.pitch, -1.2, 0.7) + wander(rng, times, 0.4 * swing, 0.3)
    rolls = motion.roll + wander(rng, times, 0.2 * swing, 0.3)
    along = motion.speed * times
    centres = motion.start + np.stack(
        [along * np.cos(motion.way), along * np.sin(motion.way), motion.climb * times], 1)
    for axis in range(3):
        centres[:, axis] += wander(rng, times, motion.shake * (0.5 if axis == 2 else 1), 0.5)
    if not scene.outdoors:
        centres = np.clip(centres, *scene.bounds)
    poses = np.empty((frames, 3, 4))
    for i in range(frames):
        poses[i, :, :3] = orientation(yaws[i], pitches[i], rolls[i])
        poses[i, :, 3] = centres[i]
    # Most cameras see 50 to 80 degrees; few see less or more.
    degrees = float(np.clip(rng.normal(66, 14), 35, 110)) if rng.random() < 0.75 else \
        rng.uniform(35, 110)
    return View(CameraPath(poses, times), rate, 0.5 / float(np.tan(np.radians(degrees) / 2)))

"""Camera motion through a scene: handheld, wheeled robot, car, drone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvd_ros.training.scene import Scene


@dataclass(frozen=True)
class CameraPath:
    """Poses float64 [T,3,4], camera (right, down, forward) to world, and their times in s [T]."""

    poses: np.ndarray
    times: np.ndarray


def wander(rng: np.random.Generator, times: np.ndarray, size: float, slowest: float) -> np.ndarray:
    """Smooth noise over time: three sinusoids, zero at the start."""
    value = np.zeros_like(times)
    for k in range(3):
        frequency = slowest * 2**k * rng.uniform(0.6, 1.4)
        phase = rng.uniform(0, 2 * np.pi)
        value += size / 2**k * (np.sin(2 * np.pi * frequency * times + phase) - np.sin(phase))
    return value


def orientation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Camera to world [3,3] of angles in radians: yaw about z, pitch up, roll to the right."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, forward], 1)


def random_path(rng: np.random.Generator, scene: Scene, frames: int, rate: float) -> CameraPath:
    """A random motion of ``frames`` poses at ``rate`` Hz inside the scene's bounds."""
    times = np.arange(frames) / rate
    low, high = scene.bounds
    if scene.outdoors:
        start = rng.uniform(low, high)
        start[2] = rng.uniform(1.0, 2.2)
        yaw = rng.normal(0, 0.15) if rng.random() < 0.75 else rng.uniform(-np.pi, np.pi)
        pitch, roll = rng.normal(-0.05, 0.08), rng.normal(0, 0.02)
        speed, shake, swing = rng.uniform(0, 14), rng.uniform(0, 0.05), rng.uniform(0, 0.15)
    else:
        start = rng.uniform(low, high)
        wheeled = rng.random() < 0.25
        tallest = min(high[2], 2.0)
        start[2] = rng.uniform(0.15, 0.8) if wheeled else rng.uniform(min(0.7, tallest), tallest)
        yaw = rng.uniform(-np.pi, np.pi)
        if rng.random() < 0.75:  # look across the room rather than at the nearest wall
            target = rng.uniform(0.8 * low, 0.8 * high)
            yaw = np.arctan2(target[1] - start[1], target[0] - start[0])
        pitch = rng.normal(0.0, 0.05) if wheeled else rng.normal(-0.22, 0.25)
        roll = 0.0 if wheeled else rng.normal(0, 0.06)
        speed = rng.uniform(0, 1.2)
        shake, swing = (0.0, 0.3) if wheeled else (rng.uniform(0, 0.06), rng.uniform(0, 0.4))
    pitch = float(np.clip(pitch, -0.9, 0.5))
    yaws = yaw + wander(rng, times, swing, 0.25) + rng.normal(0, swing) * times
    pitches = pitch + wander(rng, times, 0.4 * swing, 0.3)
    rolls = roll + wander(rng, times, 0.2 * swing, 0.3)
    way = yaw if scene.outdoors or rng.random() < 0.5 else rng.uniform(-np.pi, np.pi)
    along = speed * times
    offsets = np.stack([along * np.cos(way), along * np.sin(way), np.zeros(frames)], 1)
    for axis in range(3):
        offsets[:, axis] += wander(rng, times, shake * (0.5 if axis == 2 else 1), 0.5)
    centres = start + offsets
    if not scene.outdoors:
        centres = np.clip(centres, low, high)
    poses = np.empty((frames, 3, 4))
    for i in range(frames):
        poses[i, :, :3] = orientation(yaws[i], pitches[i], rolls[i])
        poses[i, :, 3] = centres[i]
    return CameraPath(poses, times)

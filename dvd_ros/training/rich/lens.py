"""What lenses, shutters and small cameras add before photograph.Camera takes the picture."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.training.photograph import Camera


def _fringes(linear: np.ndarray, strength: float) -> np.ndarray:
    """Red and blue a little larger and smaller than green, about the middle."""
    height, width = linear.shape[:2]
    planes = []
    for scale, plane in zip((1 + strength, 1.0, 1 - strength), cv2.split(linear), strict=True):
        turn = np.array([[scale, 0, (1 - scale) * width / 2],
                         [0, scale, (1 - scale) * height / 2]])
        planes.append(cv2.warpAffine(plane, turn, (width, height),
                                     borderMode=cv2.BORDER_REPLICATE))
    return cv2.merge(planes)


def _shaken(linear: np.ndarray, length: float, angle: float) -> np.ndarray:
    """The blur of a shutter that was open while the camera turned."""
    size = 2 * int(np.ceil(length)) + 1
    kernel = np.zeros((size, size), np.float32)
    for t in np.linspace(-0.5, 0.5, 4 * size):
        x, y = (size // 2 + t * length * np.cos(angle), size // 2 + t * length * np.sin(angle))
        kernel[int(y + 0.5), int(x + 0.5)] += 1
    return cv2.filter2D(linear, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def photograph(linear: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Linear RGB float32 [T,H,W,3] to images uint8 [T,H,W,3], one camera for the whole clip.

    Exposure follows the light with a lag, as of a camera that measures the last frames.
    """
    levels = np.array([np.median(frame.mean(-1)) + 0.15 * frame.mean() for frame in linear])
    levels = np.maximum(levels, 1e-4)
    camera = Camera(rng, float(levels[0]) / 1.15, linear.shape[1:3])
    fringes = rng.uniform(0, 0.004) if rng.random() < 0.4 else 0.0
    bloom = rng.uniform(0.02, 0.15) if rng.random() < 0.5 else 0.0
    shaken = rng.random() < 0.14
    length, angle = rng.uniform(1.0, 4.0), rng.uniform(0, np.pi)
    coarse = int(rng.integers(12, 40)) if rng.random() < 0.15 else 0
    lag = rng.uniform(0.05, 0.5)
    measured, images = levels[0], []
    for light, level in zip(linear, levels, strict=True):
        measured += lag * (level - measured)
        if fringes:
            light = _fringes(light, fringes)
        if shaken:
            light = _shaken(light, length * rng.uniform(0.5, 1.0), angle + rng.normal(0, 0.2))
        if bloom:
            bright = np.minimum(light, 12 * level)
            light = light + bloom * (cv2.GaussianBlur(bright, (0, 0), 0.03 * light.shape[1])
                                     - bright)
        image = camera.take(np.maximum(light, 0), rng, float(levels[0] / measured))
        if coarse:  # a video of few bits
            _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, coarse])
            image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
        images.append(image)
    return np.stack(images)

"""What a real camera does to light: exposure, tone, blur, vignetting, noise, compression."""

from __future__ import annotations

import cv2
import numpy as np


class Camera:
    """
    A camera of random character, the same for all that it takes.

    ``middle``: linear light that is to become a middle tone. ``size``: (H, W) of its images.
    """

    def __init__(self, rng: np.random.Generator, middle: float, size: tuple[int, int]) -> None:
        self._exposure = rng.uniform(0.12, 0.42) / max(middle, 1e-3)
        self._balance = np.exp(rng.normal(0, 0.07, 3))
        self._gamma = 1 / rng.uniform(1.7, 2.4)
        y, x = np.mgrid[-1:1:size[0] * 1j, -1:1:size[1] * 1j]
        self._vignette = 1 - rng.uniform(0, 0.35) * (x**2 + y**2) / 2
        self._noise = 255 * rng.uniform(0, 0.025)
        self._sharpness = rng.uniform(-0.8, 0.8)
        self._grey = rng.random() < 0.06
        self._quality = int(rng.integers(40, 96)) if rng.random() < 0.6 else 0

    def take(self, linear: np.ndarray, rng: np.random.Generator, drift: float) -> np.ndarray:
        """Linear RGB float32 [H,W,3] to an image uint8 [H,W,3]; drift: factor on the exposure."""
        light = linear * (self._exposure * drift * self._balance * self._vignette[..., None])
        light = light / (1 + 0.25 * light)  # soft highlight roll-off
        image = 255 * np.clip(light, 0, 1) ** self._gamma
        if self._sharpness < -0.2:
            image = cv2.GaussianBlur(image, (0, 0), 0.4 - self._sharpness)
        elif self._sharpness > 0.3:
            image += self._sharpness * (image - cv2.GaussianBlur(image, (0, 0), 1.0))
        if self._grey:
            image = np.repeat(image.mean(-1, keepdims=True), 3, -1)
        image = image + rng.normal(0, self._noise, image.shape) if self._noise > 0.5 else image
        frame = np.clip(image + 0.5, 0, 255).astype(np.uint8)
        if self._quality:
            _, data = cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
            frame = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return frame


def photograph(linear: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Linear RGB float32 [T,H,W,3] to images uint8 [T,H,W,3], one camera for the whole clip."""
    camera = Camera(rng, float(np.median(linear[::4].mean(-1))), linear.shape[1:3])
    drift = 1 + 0.06 * np.sin(np.linspace(0, rng.uniform(0, 3), len(linear)))
    return np.stack([camera.take(light, rng, d) for light, d in zip(linear, drift, strict=True)])

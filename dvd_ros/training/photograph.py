"""What a real camera does to light: exposure, tone, blur, vignetting, noise, compression."""

from __future__ import annotations

import cv2
import numpy as np


def photograph(linear: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Linear RGB float32 [T,H,W,3] to images uint8 [T,H,W,3], one camera for the whole clip."""
    frames, height, width, _ = linear.shape
    middle = float(np.median(linear[::4].mean(-1)))
    exposure = rng.uniform(0.12, 0.42) / max(middle, 1e-3)
    balance = np.exp(rng.normal(0, 0.07, 3))
    gamma = 1 / rng.uniform(1.7, 2.4)
    y, x = np.mgrid[-1:1:height * 1j, -1:1:width * 1j]
    vignette = 1 - rng.uniform(0, 0.35) * (x**2 + y**2) / 2
    noise = 255 * rng.uniform(0, 0.025)
    sharpness = rng.uniform(-0.8, 0.8)
    grey = rng.random() < 0.06
    quality = int(rng.integers(40, 96)) if rng.random() < 0.6 else 0
    drift = 1 + 0.06 * np.sin(np.linspace(0, rng.uniform(0, 3), frames))
    out = np.empty((frames, height, width, 3), np.uint8)
    for i in range(frames):
        light = linear[i] * (exposure * drift[i] * balance * vignette[..., None])
        light = light / (1 + 0.25 * light)  # soft highlight roll-off
        image = 255 * np.clip(light, 0, 1) ** gamma
        if sharpness < -0.2:
            image = cv2.GaussianBlur(image, (0, 0), 0.4 - sharpness)
        elif sharpness > 0.3:
            image += sharpness * (image - cv2.GaussianBlur(image, (0, 0), 1.0))
        if grey:
            image = np.repeat(image.mean(-1, keepdims=True), 3, -1)
        image = image + rng.normal(0, noise, image.shape) if noise > 0.5 else image
        frame = np.clip(image + 0.5, 0, 255).astype(np.uint8)
        if quality:
            _, data = cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
            frame = cv2.imdecode(data, cv2.IMREAD_COLOR)
        out[i] = frame
    return out

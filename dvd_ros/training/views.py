"""Makes a training view of frames with true depth: cut, scaled, normalised, filled, known."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from dvd_ros.datasets import BadSample, Sample
from dvd_ros.training.clips import disparity_range


@dataclass(frozen=True)
class Cut:
    """
    How views are cut: size (H, W), crop and flip as in Sampling, far as in Source; least_known:
    share of the pixels that must have a depth.
    """

    size: tuple[int, int]
    crop: float = 1.0
    flip: bool = True
    far: float = 0.0
    least_known: float = 0.5

    def view(self, name: str, frames: Listed[Sample],
             rng: np.random.Generator) -> dict[str, Tensor]:
        """
        Give images [T,3,h,w] in -1..1, target [T,h,w] in 0..1 and valid [T,h,w], 0 or 1.

        target: disparity from its 2 % to its 98 % quantile over all known pixels of the clip,
        clipped (DVD's truncated disparity). Sky is farthest. A network that is shown latents needs
        them whole: an unknown pixel takes the disparity of the nearest known one of its frame, and
        ``valid`` says that nobody knows. (The reference draws another sample instead.) Raises
        BadSample for frames of unequal sizes, too little known depth, or depth without relief.
        """
        shape = frames[0].image.shape[:2]
        for sample in frames:
            if sample.depth.shape != sample.image.shape[:2]:
                raise BadSample(Path(name), f'depth of another size: {_of(sample.depth)} for an '
                                            f'image of {_of(sample.image)}')
            if sample.image.shape[:2] != shape:
                raise BadSample(Path(name), f'frames of {_of(sample.image)} after '
                                            f'{_of(frames[0].image)}')
        y, x = self._part(shape, rng)
        height, width = self.size
        mirrored = self.flip and rng.random() < 0.5
        images = np.stack([_scaled(sample.image[y, x], self.size) for sample in frames])
        # Nearest, as the reference does: a mean across an edge is the depth of nothing.
        depth = np.stack([cv2.resize(sample.depth[y, x].astype(np.float32), (width, height),
                                     interpolation=cv2.INTER_NEAREST) for sample in frames])
        if mirrored:
            images, depth = images[:, :, ::-1], depth[:, :, ::-1]
        target, known = self._target(name, depth)
        video = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
        return {'images': video.float().div_(127.5).sub_(1), 'target': torch.from_numpy(target),
                'valid': torch.from_numpy(known.astype(np.float32))}

    def _part(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[slice, slice]:
        height, width = self.size
        scale = min(shape[0] / height, shape[1] / width) * rng.uniform(self.crop, 1.0)
        tall, wide = (max(1, min(whole, round(scale * part)))
                      for whole, part in zip(shape, self.size, strict=True))
        y, x = int(rng.integers(shape[0] - tall + 1)), int(rng.integers(shape[1] - wide + 1))
        return slice(y, y + tall), slice(x, x + wide)

    def _target(self, name: str, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        known = depth > 0  # not so where it is NaN
        if self.far:
            depth = np.minimum(depth, self.far)
        if known.mean() < max(self.least_known, 1e-9):
            raise BadSample(Path(name), f'depth known in {known.mean():.0%} of the pixels, needed '
                                        f'{self.least_known:.0%}')
        if not known.any(axis=(1, 2)).all():
            raise BadSample(Path(name), 'a frame without depth')
        disparity = np.divide(1.0, depth, out=np.zeros(depth.shape, np.float32), where=known)
        low, span = disparity_range(disparity[known])
        if not span > 1e-5:
            raise BadSample(Path(name), 'depth without relief')
        target = np.clip((disparity - low) / span, 0, 1).astype(np.float32)
        for one, there in zip(target, known, strict=True):
            if not there.all():
                _, nearest = cv2.distanceTransformWithLabels(
                    (~there).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
                values = np.zeros(nearest.max() + 1, np.float32)
                values[nearest[there]] = one[there]
                one[:] = values[nearest]
        return target, known


def _scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    shrinks = image.shape[0] > size[0]
    return cv2.resize(image, size[::-1],
                      interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _of(image: np.ndarray) -> str:
    return f'{image.shape[0]}x{image.shape[1]}'
